"""What a thief could read without the master key: the log at its most talkative, the database, a core."""
import base64
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

from jeton_server import Client, Server

BINARY = sys.argv.pop()
EMAIL, PASSWORD, WRONG = "canary@example.com", "canary-password-7f3a", "canary-wrong-51c0"
MASTER_KEY = base64.urlsafe_b64encode(b"canary master key of 32 bytes ok").decode().rstrip("=")


def spellings(raw):
    """Bytes as they could stand in a file or a log line."""
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return [raw, raw.hex().encode(), text.encode(), base64.b64encode(raw)]


def handle_of(refresh_token):
    """The session's secret, as the token's layout has it. A client never looks."""
    return base64.urlsafe_b64decode(refresh_token.removeprefix("jrt1.") + "==")[4:20]


class Secrets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.config = self.folder + "/jeton.toml"
        with open(self.config, "w", encoding="ascii") as file:
            file.write('[log]\nlevel = "debug"\n')

    def serve(self):
        return Server(BINARY, "--config", self.config, data=self.folder + "/data", env={"JETON_MASTER_KEY": MASTER_KEY})

    def conversation(self, client):
        """Everything a client can say that has a secret in it, said rightly and wrongly. The secrets."""
        self.assertEqual(client.register(EMAIL, PASSWORD)[0], 201)
        tokens = [client.login(EMAIL, PASSWORD)[1] for _ in range(2)]
        tokens.append(client.refresh(tokens[0]["refreshToken"], "canary-idempotency-key")[1])
        access, refresh = tokens[-1]["accessToken"], tokens[-1]["refreshToken"]
        self.assertEqual(client.me(access)[0], 200)
        self.assertEqual(client.login(EMAIL, WRONG)[0], 401)
        self.assertEqual(client.refresh(refresh[:-1] + ("A" if refresh[-1] != "A" else "B"))[0], 401)
        self.assertEqual(client.me(access[:-10])[0], 403)
        both = client.get("/api/auth/me?access_token=" + access, {"Authorization": "Bearer " + access})
        self.assertEqual(both[0], 400)
        self.assertEqual(client.get("/nowhere?password=" + PASSWORD)[0], 404)
        self.assertEqual(client.request("POST", "/api/auth/login", {"email": PASSWORD, "password": EMAIL})[0], 401)
        self.assertEqual(client.logout(tokens[1]["refreshToken"])[0], 204)
        found = [PASSWORD.encode(), WRONG.encode(), b"canary-idempotency-key", MASTER_KEY.encode()]
        found += spellings(base64.urlsafe_b64decode(MASTER_KEY + "="))
        for one in tokens:
            found += [one["refreshToken"].encode(), one["accessToken"].rpartition(".")[2].encode()]
            found += spellings(handle_of(one["refreshToken"]))
            found.append(hashlib.sha256(one["refreshToken"].encode()).digest())
        return found

    def assert_absent(self, secrets, haystack, where):
        for secret in secrets:
            self.assertNotIn(secret, haystack, f"{secret!r} is in {where}")

    def test_logs_and_database_hold_no_secret(self):
        with self.serve() as server:
            secrets = self.conversation(Client(server.port))
            server.wait_for_log("/nowhere")  # the twin: the log is at its most talkative, and tells of these requests
            for line in ("cmdline", "status"):
                with open(f"/proc/{server.process.pid}/{line}", "rb") as file:
                    self.assert_absent(secrets, file.read(), line)
            self.assertEqual(server.stop(), 0)
            log = server.errors().encode()
        self.assertIn(b"wrong credentials", log)
        self.assert_absent(secrets, log, "the log")
        names = sorted(os.listdir(self.folder + "/data"))
        self.assertIn("jeton.db", names)
        self.assertNotIn("master.key", names, "it came from the environment")
        for name in names:
            with open(f"{self.folder}/data/{name}", "rb") as file:
                content = file.read()
            self.assertNotEqual(len(content), 0, name)
            self.assert_absent(secrets, content, name)
            if name == "jeton.db":
                self.assertIn(EMAIL.encode(), content)  # the twin: what is kept is found in this way

    def test_a_forced_core_is_not_written(self):
        with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
            if file.read().strip() not in ("core", "core.%p"):
                self.skipTest("this machine hands cores to a program")
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.folder)
        binary = BINARY if os.path.isabs(BINARY) else os.path.join(here, BINARY)
        twin = subprocess.run([sys.executable, "-c", "import os; os.abort()"], check=False, cwd=self.folder)
        self.assertEqual(twin.returncode, -signal.SIGABRT)
        cores = [name for name in os.listdir(self.folder) if name.startswith("core")]
        if not cores:
            self.skipTest("no process leaves a core here")
        for name in cores:
            os.unlink(name)
        with Server(binary, "--config", self.config, data=self.folder + "/data") as server:
            self.conversation(Client(server.port))
            self.assertEqual(server.stop(signal.SIGABRT), -signal.SIGABRT)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("core")], [])


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
