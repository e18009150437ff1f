"""The peers: other JWT libraries, each a small program in peers/NAME that speaks JSON lines on stdin and stdout.

They are installed into build/peers-interop/NAME by the ordinary clients, pinned by what lies in peers/NAME, once: a
stamp over those files says whether it has to be done again. What a machine has no toolchain for is left out by name.

Requests:  {"op":"hello"}                                      {"library":…, "algorithms":[…], "can":[…]}
           {"op":"generate","alg":A}                           {"jwk":private, "pem":private} or one of them
           {"op":"publish","alg":A,"jwk":J,"pem":P}            {"jwk":public, as the library writes it}
           {"op":"sign","alg":A,"jwk":J,"pem":P,"header":{…},"claims":{…}}            {"token":…}
           {"op":"verify","policy":{…},"token":T}              {"claims":{…}}
           {"op":"policies","policies":[…]}                    keys are read here, once, for all that follows
           {"op":"judge","policy":INDEX,"tokens":[…]}          {"answers":[claims or null, …]}
           {"op":"forge","alg":A,"jwk":J,"pem":P,"inputs":[…]} {"signatures":[…]}  (where "can" names it)
Every answer has "ok"; with false, "error" says why. A policy is {"jwks","pems","algs","issuer","audience","now"}.
"""

import ctypes.util
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE / "peers"
INSTALLED = HERE.parent.parent / "build" / "peers-interop"


class Failed(Exception):
    """What somebody has to be told, in words."""


def version_of(command):
    """The first number of three that a program says when asked for its version, or None if it is not there."""
    if shutil.which(command[0]) is None:
        return None
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def missing(command, least):
    found = version_of(command)
    if found is None:
        return f"{command[0]} is not there"
    if found < least:
        return f"{command[0]} is {'.'.join(map(str, found))}, it needs {'.'.join(map(str, least))}"
    return None


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {(done.stdout + done.stderr).strip()[-2000:]}")


class Node:
    def lacks(self):
        return missing(["node", "--version"], (20, 0, 0)) or missing(["npm", "--version"], (9, 0, 0))

    def install(self, folder):
        run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")

    def command(self, _folder):
        return ["node", "peer.mjs"]


class Python:
    def lacks(self):
        if sys.version_info < (3, 10):
            return "python3 is too old"
        pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
        return None if pip.returncode == 0 else "python3 has no pip"

    def install(self, folder):
        run(folder, sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
            "--target", "library", "--requirement", "requirements.txt")

    def command(self, _folder):
        return [sys.executable, "-B", "peer.py"]


class Go:
    def lacks(self):
        return missing(["go", "version"], (1, 21, 0))

    def install(self, folder):
        run(folder, "go", "build", "-buildvcs=false", "-o", "peer", ".")

    def command(self, folder):
        return [str(folder / "peer")]


class Rust:
    def lacks(self):
        return missing(["cargo", "--version"], (1, 88, 0)) or missing(["cc", "--version"], (0, 0, 0))

    def install(self, folder):
        run(folder, "cargo", "build", "--release", "--quiet", "--target-dir", "target")

    def command(self, folder):
        return [str(folder / "target" / "release" / "jeton-interop-rust-jsonwebtoken")]


class DebianLibrary:
    def lacks(self):
        return None if ctypes.util.find_library("jwt") else "the package libjwt-dev is not there"

    def install(self, folder):
        pass

    def command(self, _folder):
        return [sys.executable, "-B", "peer.py"]


TOOLCHAINS = {
    "jose": Node(), "jsonwebtoken": Node(), "fast-jwt": Node(), "pyjwt": Python(), "jwcrypto": Python(),
    "golang-jwt": Go(), "rust-jsonwebtoken": Rust(), "libjwt": DebianLibrary(),
}


def stamp_of(name):
    """What was installed: the peer's files, what all peers share, and where from."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {version_of(['node', '--version'])}".encode())
    for path in sorted([*SOURCES.joinpath(name).rglob("*"), *SOURCES.glob("*.*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def install(name):
    """Installs one peer unless it is there; returns its folder."""
    folder = INSTALLED / name
    stamp = INSTALLED / f"{name}.installed"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with open(INSTALLED / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        wanted = stamp_of(name)
        if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
            return folder
        stamp.unlink(missing_ok=True)
        shutil.copytree(SOURCES / name, folder, dirs_exist_ok=True)  # what was built before is the compiler's cache
        for shared in SOURCES.glob("line_server.*"):
            shutil.copy(shared, folder)
        shutil.rmtree(folder / "library", ignore_errors=True)
        TOOLCHAINS[name].install(folder)
        stamp.write_text(wanted, encoding="ascii")
    return folder


class Peer:
    """A running peer. ask() is one request and its answer."""

    def __init__(self, name):
        self.name = name
        folder = install(name)
        environment = dict(os.environ, PYTHONPATH=str(folder / "library"))
        self.process = subprocess.Popen(TOOLCHAINS[name].command(folder), cwd=folder, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        hello = self.ask({"op": "hello"})
        self.library, self.algorithms, self.can = hello["library"], hello["algorithms"], hello["can"]

    def answer(self, request):
        """The answer to a request, which may be that the peer refuses."""
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.name} ended at {json.dumps(request)[:300]}")
        return json.loads(line)

    def ask(self, request):
        answer = self.answer(request)
        if not answer["ok"]:
            raise Failed(f"{self.name}, {request['op']} {request.get('alg', '')}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(names=None):
    """Starts all peers that can be had; names those left out. With JETON_INTEROP=all none may be missing whose
    toolchain is there."""
    started, failed = [], []
    for name in names or TOOLCHAINS:
        lack = TOOLCHAINS[name].lacks()
        if lack:
            print(f"left out: {name} ({lack})")
            continue
        try:
            started.append(Peer(name))
        except (Failed, OSError) as error:
            print(f"left out: {name} (cannot be installed or started: {error})")
            failed.append(name)
    if failed and os.environ.get("JETON_INTEROP") == "all":
        raise Failed(f"JETON_INTEROP=all, and these are missing though their toolchain is there: {', '.join(failed)}")
    return started
