"""X01, X03: each system call of a request goes wrong once, in each way: fails, is cut short, or is the last of its
process.

What was acknowledged stays, who had no answer goes on by asking again with the same Idempotency-Key, the database opens
clean, and the server that was killed serves again; and nothing is left without an answer for long. In the tests:
refresh. tools/soak faults: login, logout, a change of password and a client's revocation too.
"""
import base64
import errno
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from fault_control import FULL, KILL_BEFORE, KINDS, Faults
from jeton_server import EMAIL, PASSWORD, Client, Server, generation_of

BINARY, SHIM = sys.argv[1:3]
DEEDS = sys.argv[3:] or ["refresh"]
CALLS_MAX = 200
# Whoever had no answer to a new password finds out by trying it.
MANY_TRIES = "[accounts]\n" + "".join(f'tries_{where} = "10000/10m"\n'
                                     for where in ("per_account", "per_device", "per_block", "in_all"))
ANSWER_SECONDS_MAX = 20
TRIES_MAX = 40  # a fault may be met by the next request of the same server too: a connection that has to be made anew


class Trial(unittest.TestCase):
    """One server after another on one database; `self.token` is the newest that the client was given."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.data = self.folder.name + "/data"
        self.config = self.folder.name + "/jeton.toml"
        with open(self.config, "w") as file:
            file.write(MANY_TRIES)
        self.faults = Faults(SHIM, self.folder.name + "/faults")
        self.server = None
        self.slowest_start, self.trials, self.hits = 0.0, 0, {}
        self.start()
        client = Client(self.server.port)
        self.assertEqual(client.register()[0], 201)
        self.password = PASSWORD
        self.token = client.login()[1]["refreshToken"]
        self.count = 0
        self.backend = None
        client.close()

    def tearDown(self):
        self.server.kill()
        self.faults.close()
        self.folder.cleanup()

    def start(self):
        began = time.monotonic()
        self.server = Server(BINARY, "--config", self.config, data=self.data, env=self.faults.environment)
        self.assertIsNotNone(self.server.port, self.server.errors())
        self.slowest_start = max(self.slowest_start, time.monotonic() - began)

    def start_again_if_killed(self, mode):
        if mode < KILL_BEFORE:
            self.assertIsNone(self.server.process.poll(), "the server has died: " + self.server.errors()[-2000:])
            return
        if self.server.process.poll() is None:
            self.server.process.wait(10)  # killed, but not yet gone
        self.server.wait()
        self.expect_intact()
        self.start()

    def expect_intact(self):
        base = sqlite3.connect(self.data + "/jeton.db")
        self.assertEqual(base.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(base.execute("PRAGMA foreign_key_check").fetchall(), [])
        base.close()

    def ask(self, deed):
        """The answer, or None where the connection was lost first."""
        client = Client(self.server.port, ANSWER_SECONDS_MAX)
        try:
            return deed(client)
        except TimeoutError:
            self.fail(f"no answer within {ANSWER_SECONDS_MAX} s: {self.server.errors()[-2000:]}")
        except OSError:
            return None
        finally:
            client.close()

    def insist(self, deed, wanted, what):
        """Until it is answered as wanted: a disk that failed once is well again."""
        for _ in range(TRIES_MAX):
            answer = self.ask(deed)
            if answer is not None and answer[0] < 500:
                break
        self.assertIsNotNone(answer, what)
        self.assertEqual(answer[0], wanted, f"{what}: {answer}")
        return answer[1]

    def each_call(self, deed):
        for name, mode, error in KINDS:
            for target in range(1, CALLS_MAX):
                with self.subTest(deed=deed.__name__, kind=name, call=target):
                    self.trials += 1
                    what, hit = deed(f"{name} at call {target}", target, mode, error)
                if hit is None:
                    break
                self.hits[hit] = self.hits.get(hit, 0) + 1
            else:
                self.fail(f"{what}: more than {CALLS_MAX} calls")
        self.expect_intact()
        for call in ("pwrite", "fdatasync", "recv", "sendmsg"):
            self.assertIn(call, self.hits)
        print(f"{deed.__name__}: {self.trials} trials; {self.hits}; slowest start {self.slowest_start * 1000:.0f} ms")

    def with_fault(self, target, mode, error, deed):
        """What the client heard, and which call was wrong."""
        self.faults.arm(target, mode, error)
        answer = self.ask(deed)
        _, hit = self.faults.disarm()
        self.start_again_if_killed(mode if hit else 0)
        return answer, hit

    # --- what is done, and what must hold after it ---

    def refresh(self, what, target, mode, error):
        self.count += 1
        key, before = f"request-{self.count}", self.token
        answer, hit = self.with_fault(target, mode, error, lambda client: client.refresh(before, key))
        if answer is not None and answer[0] == 200:
            self.token = answer[1]["refreshToken"]
        else:
            self.assertTrue(answer is None or answer[0] >= 500, f"{what} ({hit}): {answer}")
            body = self.insist(lambda client: client.refresh(before, key), 200, f"{what} ({hit}): asked again")
            self.token = body["refreshToken"]
        self.assertEqual(generation_of(self.token), generation_of(before) + 1, f"{what} ({hit})")
        # It is the live one, and the one before is answered with it.
        body = self.insist(lambda client: client.refresh(before, key), 200, f"{what} ({hit}): the one before")
        self.assertEqual(body["refreshToken"], self.token, f"{what} ({hit})")
        return what, hit

    def login(self, what, target, mode, error):
        answer, hit = self.with_fault(target, mode, error, lambda client: client.login(password=self.password))
        if answer is not None and answer[0] == 200:
            token = answer[1]["refreshToken"]
            self.insist(lambda client: client.refresh(token, "first"), 200, f"{what} ({hit}): a login was lost")
        else:
            self.assertTrue(answer is None or answer[0] >= 500, f"{what} ({hit}): {answer}")
        return what, hit

    def logout(self, what, target, mode, error):
        token = self.insist(lambda client: client.login(password=self.password), 200, what)["refreshToken"]
        answer, hit = self.with_fault(target, mode, error, lambda client: client.logout(token))
        if answer is None or answer[0] != 204:
            self.assertTrue(answer is None or answer[0] >= 500, f"{what} ({hit}): {answer}")
            self.insist(lambda client: client.logout(token), 204, f"{what} ({hit}): asked again")
        self.insist(lambda client: client.refresh(token), 401, f"{what} ({hit}): a logout was undone")
        return what, hit

    def change_password(self, what, target, mode, error):
        mine = self.insist(lambda client: client.login(password=self.password), 200, what)
        other = self.insist(lambda client: client.login(password=self.password), 200, what)["refreshToken"]
        self.count += 1
        fresh = f"correct horse battery {self.count}"

        def change(client):
            return client.request("POST", "/api/auth/password",
                                  {"oldPassword": self.password, "newPassword": fresh},
                                  {"Authorization": "Bearer " + mine["accessToken"]})

        answer, hit = self.with_fault(target, mode, error, change)
        if answer is not None and answer[0] in (200, 204):
            changed = True
        else:
            self.assertTrue(answer is None or answer[0] >= 500, f"{what} ({hit}): {answer}")
            changed = self.insist_any(lambda client: client.login(password=fresh))[0] == 200
        if changed:
            self.password = fresh
        # All of it or nothing: the new password and the end of the other session are one.
        last = self.insist(lambda client: client.login(password=self.password), 200, f"{what} ({hit})")
        self.insist(lambda client: client.refresh(other), 401 if changed else 200, f"{what} ({hit}): other session")
        # Or the next trial writes more pages than this one, and the one after it still more.
        self.insist(lambda client: client.request("POST", "/api/auth/sessions/revoke-others", None,
                                                  {"Authorization": "Bearer " + last["accessToken"]}), 200, what)
        return what, hit

    def begun_session(self, what):
        """Of a user of a team that keeps its own login: the session's client is that team, and may revoke it."""
        if self.backend is None:
            made = subprocess.run([BINARY, "client", "create", "--id", "backend", "--trusted", "--scope",
                                   "sessions:create", "--grant", "client_credentials", "--grant", "refresh_token",
                                   "--data", self.data, "--json"], capture_output=True, text=True, check=True)
            secret = json.loads(made.stdout)["secret"]
            self.backend = "Basic " + base64.b64encode(f"backend:{secret}".encode()).decode()
        access = self.insist(lambda client: client.form("/oauth2/token", {"grant_type": "client_credentials"},
                                                        self.backend), 200, what)["access_token"]
        body = {"sub": "42", "client_id": "backend"}
        return self.insist(lambda client: client.request("POST", "/api/admin/sessions", body,
                                                         {"Authorization": "Bearer " + access}), 200, what)

    def revoke(self, what, target, mode, error):
        token = self.begun_session(what)["refreshToken"]

        def revoke(client):
            return client.form("/oauth2/revoke", {"token": token}, self.backend)

        answer, hit = self.with_fault(target, mode, error, revoke)
        if answer is None or answer[0] != 200:
            self.assertTrue(answer is None or answer[0] >= 500, f"{what} ({hit}): {answer}")
            self.insist(revoke, 200, f"{what} ({hit}): asked again")
        fields = {"grant_type": "refresh_token", "refresh_token": token}
        body = self.insist(lambda client: client.form("/oauth2/token", fields, self.backend), 400,
                           f"{what} ({hit}): a revocation was undone")
        self.assertEqual(body["error"], "invalid_grant", f"{what} ({hit})")
        return what, hit

    def insist_any(self, deed):
        for _ in range(TRIES_MAX):
            answer = self.ask(deed)
            if answer is not None and answer[0] < 500:
                return answer
        self.fail("no answer")


class EachCall(Trial):
    """A test for each deed, on a database of its own: what a deed writes depends on how many sessions there are."""


for one in DEEDS:
    setattr(EachCall, f"test_each_system_call_of_{one}_goes_wrong_once",
            lambda self, deed=one: self.each_call(getattr(self, deed)))


class FullDisk(Trial):
    # X03: nothing is acknowledged that is not kept, reading goes on, and when there is room again all is as before.
    def test_a_full_disk_is_an_error_until_there_is_room(self):
        self.until_there_is_room(errno.ENOSPC)

    # X03: likewise where a quota is what ends (EDQUOT), which SQLite does not take for a full disk.
    def test_a_quota_is_an_error_until_there_is_room(self):
        self.until_there_is_room(errno.EDQUOT)

    def until_there_is_room(self, error):
        client = Client(self.server.port)
        login = client.login()[1]
        other = client.login()[1]["refreshToken"]
        self.faults.arm(0, FULL, error)
        for _ in range(3):
            status, body = client.refresh(login["refreshToken"], "one")
            self.assertEqual((status, body), (500, {"error": "Token refresh failed"}))
            self.assertEqual(client.logout(other)[0], 503)
            self.assertEqual(client.login()[0], 503)
        self.assertEqual(client.me(login["accessToken"])[0], 200, "who is signed in is served")
        count, _ = self.faults.disarm()
        self.assertGreater(count, 0)
        status, body = client.refresh(login["refreshToken"], "one")
        self.assertEqual(status, 200, "by itself")
        self.assertEqual(generation_of(body["refreshToken"]), 1, "the refusals have changed nothing")
        self.assertEqual(client.refresh(other)[0], 200, "a logout that was refused has not happened")
        self.assertEqual(client.login()[0], 200)
        self.expect_intact()


class SmallDisk(unittest.TestCase):
    # X03: a file system of a few megabytes, really full.
    def test_a_file_system_that_fills_up_is_an_error_until_there_is_room(self):
        with tempfile.TemporaryDirectory() as disk:
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", disk], check=False,
                              stderr=subprocess.DEVNULL).returncode != 0:
                self.skipTest("no right to mount a file system")
            try:
                self.fill_up(disk)
            finally:
                subprocess.run(["umount", disk], check=True)

    def fill_up(self, disk):
        with Server(BINARY, data=disk + "/data") as server:
            client = Client(server.port)
            self.assertEqual(client.register()[0], 201)
            login = client.login()[1]
            token, ballast = login["refreshToken"], disk + "/ballast"
            self.use_up(ballast)
            kept = 0
            while True:  # what the log still has room for
                status, body = client.refresh(token, f"key-{kept}")
                if status != 200:
                    break
                kept, token = kept + 1, body["refreshToken"]
                self.assertLess(kept, 10_000, "it never was full")
            self.assertEqual((status, body), (500, {"error": "Token refresh failed"}))
            self.assertEqual(client.login()[0], 503)
            self.assertEqual(client.me(login["accessToken"])[0], 200)
            os.unlink(ballast)
            status, body = client.refresh(token, f"key-{kept}")
            self.assertEqual((status, generation_of(body["refreshToken"])), (200, kept + 1), "by itself")
            self.assertEqual(client.login()[0], 200)
            self.assertEqual(server.stop(), 0)
        base = sqlite3.connect(disk + "/data/jeton.db")
        self.assertEqual(base.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        base.close()

    @staticmethod
    def use_up(path):
        try:
            with open(path, "wb", 0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
