"""Backup, restore, and a database that was put back by hand: what is acknowledged is never undone unnoticed."""
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from jeton_server import EMAIL, PASSWORD, Client, Server

BINARY = sys.argv.pop()
KILLS = 8


def run(*arguments):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def feed_of(path):
    """(n, number of entries), after the chain of hashes was computed anew, as docs/revocation-feed.md has it."""
    base = sqlite3.connect(path)
    number, head = base.execute("SELECT n, h FROM feed_head").fetchone()
    rows = base.execute("SELECT n, kind, reason, subject, least, expires_at, h FROM revocations ORDER BY n").fetchall()
    base.close()
    before = bytes(32)
    for at, (n, kind, reason, subject, least, expires_at, h) in enumerate(rows, 1):
        entry = bytes([kind, reason]) + n.to_bytes(8, "big") + expires_at.to_bytes(8, "big")
        entry += bytes([least is not None]) + (least or 0).to_bytes(8, "big")
        entry += len(subject).to_bytes(2, "big") + subject
        before = hashlib.sha256(before + entry).digest()
        assert n == at, "a gap"
        assert h == before, "the chain is broken"
    assert before == head or not rows, "the head is another"
    return number, len(rows)


class History(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.data = self.folder.name + "/data"
        self.database = self.data + "/jeton.db"
        self.copy = self.folder.name + "/copy.db"

    def tearDown(self):
        self.folder.cleanup()

    def sign_in(self, client):
        client.register()
        status, body = client.login()
        self.assertEqual(status, 200)
        return body

    def refused_start(self):
        with Server(BINARY, data=self.data) as server:
            self.assertIsNone(server.port, server.line)
            self.assertEqual(server.wait(), 1)
            return server.errors()

    def back_up(self, to=None):
        code, out, err = run("backup", to or self.copy, "--data", self.data)
        self.assertEqual(code, 0, err)
        return out, err

    def test_a_backup_of_a_live_store_is_one_whole_moment_of_it(self):
        with Server(BINARY, data=self.data) as server:
            self.sign_in(Client(server.port))
            stop = threading.Event()
            failures = []

            def sign_in_and_out():
                client = Client(server.port)
                while not stop.is_set():
                    token = client.login()[1]["refreshToken"]
                    if client.logout(token)[0] != 204:
                        failures.append("logout")
            threads = [threading.Thread(target=sign_in_and_out) for _ in range(3)]
            for thread in threads:
                thread.start()
            try:
                for i in range(3):
                    out, err = self.back_up(f"{self.copy}.{i}")
                    self.assertIn("The master key is not in it", out)
                    self.assertRegex(err, r"copied [0-9.]+ of [0-9.]+ MB, [0-9.]+ MB/s, [0-9]+ s left")
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            self.assertEqual(failures, [])
            numbers = []
            for i in range(3):
                path = f"{self.copy}.{i}"
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
                base = sqlite3.connect(path)
                self.assertEqual(base.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                self.assertEqual(base.execute("PRAGMA foreign_key_check").fetchall(), [])
                # One moment: as many sessions have ended as the feed has entries.
                ended = base.execute("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL").fetchone()[0]
                base.close()
                number, entries = feed_of(path)
                self.assertEqual(ended, number)
                self.assertEqual(entries, number)
                numbers.append(number)
            self.assertEqual(numbers, sorted(numbers))
            code, _, err = run("backup", f"{self.copy}.0", "--data", self.data)
            self.assertEqual(code, 1)
            self.assertIn("is there already", err)

    def test_a_restored_database_is_a_new_history(self):
        with Server(BINARY, data=self.data) as server:
            client = Client(server.port)
            before = self.sign_in(client)
            feed_key = client.get("/.well-known/jeton-feed-keys.json")[1]
            old_kids = [key["kid"] for key in client.get("/.well-known/jwks.json")[1]["keys"]]
            self.back_up()
            after = client.login()[1]
            code, _, err = run("restore", self.copy, "--data", self.data)
            self.assertEqual(code, 1)
            self.assertIn("a server is running on", err)
            self.assertEqual(server.stop(), 0)
        code, out, err = run("restore", self.copy, "--data", self.data)
        self.assertEqual(code, 0, err)
        self.assertIn("begins a new history", out)
        with Server(BINARY, data=self.data) as server:
            client = Client(server.port)
            for old in (before, after):
                self.assertEqual(client.refresh(old["refreshToken"]),
                                 (401, {"error": "Invalid refresh token", "reason": "restored"}))
                self.assertEqual(client.me(old["accessToken"]), (403, {"error": "Invalid token"}))
            kids = [key["kid"] for key in client.get("/.well-known/jwks.json")[1]["keys"]]
            self.assertTrue(kids)
            self.assertFalse(set(kids) & set(old_kids))
            self.assertEqual(client.get("/.well-known/jeton-feed-keys.json")[1], feed_key, "it is pinned, so it stays")
            status, fresh = client.login()
            self.assertEqual(status, 200)
            self.assertEqual(client.me(fresh["accessToken"])[0], 200)
            self.assertEqual(client.refresh(fresh["refreshToken"])[0], 200)
            self.assertEqual(server.stop(), 0)
        code, out, err = run("feed", "key", "--data", self.data)
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out), feed_key)
        with Server(BINARY, data=self.data) as server:
            self.assertIsNotNone(server.port, server.errors())

    def test_a_copy_that_was_put_back_by_hand_serves_nobody_until_it_is_accepted(self):
        with Server(BINARY, data=self.data) as server:
            self.sign_in(Client(server.port))
            self.back_up()
            ended = Client(server.port).login()[1]
            self.assertEqual(Client(server.port).logout(ended["refreshToken"])[0], 204)
            self.assertEqual(server.stop(), 0)
        shutil.copy(self.copy, self.database)
        error = self.refused_start()
        self.assertIn("is not where it was left", error)
        self.assertIn("jeton restore --accept", error)
        code, out, err = run("restore", "--accept", "--data", self.data)
        self.assertEqual(code, 0, err)
        with Server(BINARY, data=self.data) as server:
            client = Client(server.port)
            self.assertEqual(client.refresh(ended["refreshToken"])[1]["reason"], "restored")
            self.assertEqual(client.me(ended["accessToken"])[0], 403)
            self.assertEqual(client.login()[0], 200)

    def test_a_database_or_mark_that_is_missing_is_noticed(self):
        with Server(BINARY, data=self.data) as server:
            self.sign_in(Client(server.port))
            self.assertEqual(server.stop(), 0)
        os.rename(self.database, self.folder.name + "/aside")
        self.assertIn("is missing, but has been there", self.refused_start())
        os.rename(self.folder.name + "/aside", self.database)
        os.rename(self.database + ".mark", self.folder.name + "/mark")
        self.assertIn("mark", self.refused_start())
        os.rename(self.folder.name + "/mark", self.database + ".mark")
        with Server(BINARY, data=self.data) as server:
            self.assertIsNotNone(server.port, server.errors())

    def test_a_backup_that_is_damaged_or_of_another_key_is_refused_and_nothing_changes(self):
        with Server(BINARY, data=self.data) as server:
            before = self.sign_in(Client(server.port))
            self.back_up()
            self.assertEqual(server.stop(), 0)
        with open(self.copy, "rb") as file:
            content = bytearray(file.read())
        broken = self.folder.name + "/broken.db"
        for at in range(4096, len(content) - 200, 4096):
            content[at:at + 200] = bytes(200)
        with open(broken, "wb") as file:
            file.write(content)
        code, _, err = run("restore", broken, "--data", self.data)
        self.assertEqual(code, 1, err)
        other = self.folder.name + "/other"
        with Server(BINARY, data=other) as server:
            self.assertEqual(server.stop(), 0)
        code, _, err = run("backup", self.folder.name + "/foreign.db", "--data", other)
        self.assertEqual(code, 0, err)
        code, _, err = run("restore", self.folder.name + "/foreign.db", "--data", self.data)
        self.assertEqual(code, 1)
        self.assertIn("is not the master key with which", err)
        with Server(BINARY, data=self.data) as server:
            self.assertEqual(Client(server.port).refresh(before["refreshToken"])[0], 200)

    def test_kill_at_any_moment_of_a_backup_leaves_no_half_of_one(self):
        chance = random.Random(5)
        with Server(BINARY, data=self.data) as server:
            self.sign_in(Client(server.port))
            for i in range(KILLS):
                to = f"{self.copy}.{i}"
                process = subprocess.Popen([BINARY, "backup", to, "--data", self.data], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)
                time.sleep(chance.random() * 0.05)
                process.send_signal(signal.SIGKILL)
                process.wait()
                if os.path.exists(to):
                    self.assertEqual(sqlite3.connect(to).execute("PRAGMA integrity_check").fetchone(), ("ok",))
                    os.remove(to)
                self.back_up(to)
            self.assertEqual(Client(server.port).login()[0], 200)

    def test_kill_at_any_moment_of_a_restore_never_leaves_a_database_that_lost_something_unnoticed(self):
        chance = random.Random(6)
        with Server(BINARY, data=self.data) as server:
            self.sign_in(Client(server.port))
            self.back_up()
            self.assertEqual(server.stop(), 0)
        for _ in range(KILLS):
            process = subprocess.Popen([BINARY, "restore", self.copy, "--data", self.data], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            process.wait()
            with Server(BINARY, data=self.data) as server:
                if server.port is None:
                    self.assertEqual(server.wait(), 1)
                    self.assertRegex(server.errors(), "is not where it was left|is missing, but has been there")
                else:
                    self.assertEqual(Client(server.port).login(EMAIL, PASSWORD)[0], 200)
                    self.assertEqual(server.stop(), 0)
            code, _, err = run("restore", self.copy, "--data", self.data)
            self.assertEqual(code, 0, err)
            with Server(BINARY, data=self.data) as server:
                self.assertEqual(Client(server.port).login()[0], 200)
                self.assertEqual(server.stop(), 0)

    def test_kill_after_an_acknowledged_revocation_loses_neither_it_nor_its_number(self):
        acknowledged = 0
        for life in range(KILLS):
            with Server(BINARY, data=self.data) as server:
                client = Client(server.port)
                client.register()
                for _ in range(1 + life % 3):
                    token = client.login()[1]["refreshToken"]
                    self.assertEqual(client.logout(token)[0], 204)
                    acknowledged += 1
                server.kill()
            number, entries = feed_of(self.database)
            self.assertEqual(number, acknowledged)
            self.assertEqual(entries, acknowledged)


if __name__ == "__main__":
    unittest.main()
