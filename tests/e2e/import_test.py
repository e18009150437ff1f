"""Users of other systems: imported while the server runs, they sign in with the password they have, and their hash is
Argon2id from then on."""
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from jeton_server import START_SECONDS_MAX, Client, Server

BINARY = sys.argv.pop()
PASSWORD = "correct horse battery"
HASHES = {
    "bcrypt": "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
    "php": "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
    "scrypt": "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$6W7GuoxjojaYIg83x/wEKSXUMMf+reyc6wSvA8q7ny8",
    "sha1": "$pbkdf2$29000$AAECAwQFBgcICQoLDA0ODw$Qol93xBpb6W5PB2g4xmg2VM5ivE",
    "sha256": "$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$QKlCDPGRoLK139911fz4wmw.qxtasIBS/3PnV5Q49G0",
    "django": "pbkdf2_sha256$20000$Zx9saltText$b+sa9dDxB8P4EcXEowBe1dgwxLzo3xJpFWKGCuqOOKU=",
}


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder + "/data"

    def run_import(self, lines):
        return subprocess.run([BINARY, "user", "import", "--data", self.data, "-"], text=True, capture_output=True,
                              input="".join(json.dumps(line) + "\n" if isinstance(line, dict) else line + "\n"
                                            for line in lines))

    def hash_of(self, email):
        with sqlite3.connect(self.data + "/jeton.db") as database:
            return database.execute("SELECT password_hash FROM users WHERE email = ?", (email,)).fetchone()[0]

    def test_imported_users_sign_in_and_are_upgraded(self):
        with Server(BINARY, data=self.data) as server:
            client = Client(server.port)
            users = [{"email": f"{name}@example.com", "passwordHash": text, "claims": {"plan": "pro"}}
                     for name, text in HASHES.items()]
            done = self.run_import(users)
            self.assertEqual((done.returncode, done.stdout), (0, "6 added, 0 there already, 0 refused\n"), done.stderr)
            for user in users:
                self.assertEqual(client.login(user["email"], "wrong password")[0], 401)
                self.assertEqual(self.hash_of(user["email"]), user["passwordHash"])
                status, body = client.login(user["email"], PASSWORD)
                self.assertEqual(status, 200, user)
                self.assertEqual(client.me(body["accessToken"])[1]["plan"], "pro")
                deadline = time.monotonic() + START_SECONDS_MAX  # written behind the answer
                while not self.hash_of(user["email"]).startswith("$argon2id$") and time.monotonic() < deadline:
                    time.sleep(0.01)
                self.assertRegex(self.hash_of(user["email"]), r"\A\$argon2id\$")
                self.assertEqual(client.login(user["email"], PASSWORD)[0], 200)
            again = self.run_import(users)
            self.assertEqual(again.stdout, "0 added, 6 there already, 0 refused\n")

    def test_lines_that_are_wrong_are_named_and_the_rest_is_added(self):
        with Server(BINARY, data=self.data) as server:
            good = {"email": "a@example.com", "passwordHash": HASHES["bcrypt"], "disabled": True, "sub": "old|1"}
            done = self.run_import(["nonsense", good, {**good, "email": "b@example.com", "plan": "pro"},
                                    {**good, "passwordHash": "$2b$31$" + HASHES["bcrypt"][7:]}])
            self.assertEqual((done.returncode, done.stdout), (1, "1 added, 0 there already, 3 refused\n"))
            self.assertEqual(done.stderr.splitlines(),
                             ["line 1: not one JSON object", "line 3: plan is not a member of a user",
                              "line 4: passwordHash: bcrypt: cost 31 is above 14"])
            self.assertEqual(Client(server.port).login("a@example.com", PASSWORD)[0], 401)

    def test_without_a_database_nothing_is_made(self):
        done = self.run_import([])
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not there", done.stderr)


if __name__ == "__main__":
    unittest.main()
