"""Jeton from outside: its command line, one process a command, and its batch forms, one process for all lines."""

import json
import pathlib
import subprocess
import tempfile

from peers import Failed


class Batch:
    """`jeton … --batch-json`: one line in, one line out."""

    def __init__(self, program, *command):
        self.process = subprocess.Popen([program, *command, "--batch-json"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"jeton ended at {json.dumps(request)[:300]}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Jeton:
    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())
        self.folder = tempfile.TemporaryDirectory(prefix="jeton-interop-")
        self.verify = Batch(self.program, "token", "verify")
        self.verify_jws = Batch(self.program, "jws", "verify")
        self.check = Batch(self.program, "key", "check")
        self.count = 0

    def run(self, *command):
        done = subprocess.run([self.program, *command], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failed(f"jeton {' '.join(command)}: {done.stderr.decode().strip()}")
        return done.stdout.decode()

    def file(self, content):
        self.count += 1
        path = pathlib.Path(self.folder.name) / f"file-{self.count}"
        path.touch(mode=0o600)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def generate(self, alg):
        """A private JWK or a secret."""
        return json.loads(self.run("key", "generate", "--alg", alg))

    def import_key(self, content, alg):
        return json.loads(self.run("key", "import", self.file(content), "--alg", alg))

    def publish(self, keys):
        return json.loads(self.run("key", "jwks", *(self.file(key) for key in keys)))

    def sign_token(self, key, claims, issuer, audience, now):
        parts = [f"{name}:={json.dumps(value)}" for name, value in claims.items() if name != "sub"]
        return self.run("token", "sign", "--key", self.file(key), "--issuer", issuer, "--audience", audience,
                        "--subject", claims["sub"], "--typ", "JWT", "--now", str(now), "--lifetime", "24h",
                        *(argument for part in parts for argument in ("--claim", part))).strip()

    def sign_jws(self, key, payload):
        return self.run("jws", "sign", "--key", self.file(key), "--typ", "JWT", self.file(payload)).strip()

    def close(self):
        for batch in (self.verify, self.verify_jws, self.check):
            batch.close()
        self.folder.cleanup()
