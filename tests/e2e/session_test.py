"""jeton session list|why|end beside a running server: an operator sees a session's story, and ends it at once."""
import base64
import json
import subprocess
import sys
import tempfile
import unittest

from jeton_server import EMAIL, PASSWORD, Client, Server

BINARY = sys.argv.pop(1)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def sid_of(access_token):
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sid"]


class Session(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.data = self.directory.name + "/data"
        self.server = Server(BINARY, data=self.data)
        self.client = Client(self.server.port)
        self.client.request("POST", "/api/auth/register", {"email": EMAIL, "password": PASSWORD})

    def tearDown(self):
        self.client.close()
        self.server.stop()
        self.directory.cleanup()

    def call(self, path, body, agent=AGENT):
        return self.client.request("POST", path, body, {"User-Agent": agent})

    def login(self):
        return self.call("/api/auth/login", {"email": EMAIL, "password": PASSWORD})[1]

    def jeton(self, *arguments):
        return subprocess.run([BINARY, "session", *arguments, "--data", self.data], capture_output=True, text=True)

    def test_a_story_is_told_and_a_session_ended_beside_a_running_server(self):
        login, other = self.login(), self.login()
        sid = sid_of(login["accessToken"])
        refreshed = self.call("/api/auth/refresh", {"refreshToken": login["refreshToken"]})[1]
        self.call("/api/auth/refresh", {"refreshToken": login["refreshToken"]})
        listed = self.jeton("list", EMAIL)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn(sid, listed.stdout)
        self.assertIn(sid_of(other["accessToken"]), listed.stdout)
        self.assertIn("Chrome on Linux", listed.stdout)

        why = self.jeton("why", sid)
        lines = why.stdout.splitlines()
        self.assertEqual(len(lines), 4, why.stdout + why.stderr)
        self.assertIn("signed in       127.0.0.1, by first-party", lines[0])
        self.assertIn("generation 1    Chrome on Linux, 127.0.0.1", lines[1])
        self.assertIn("generation 1    repeated once: same answer", lines[2])
        self.assertTrue(lines[3].startswith("live, until "), lines[3])

        self.assertIn("ended " + sid, self.jeton("end", sid).stdout)
        status, answer = self.client.request("GET", "/api/auth/me",
                                             headers={"Authorization": "Bearer " + refreshed["accessToken"]})[:2]
        self.assertEqual((status, answer), (401, {"error": "Token revoked"}))
        told = json.loads(self.jeton("why", sid, "--json").stdout)
        self.assertFalse(told["live"])
        self.assertEqual(told["story"][-1]["what"], "ended")
        self.assertEqual(told["story"][-1]["text"], "revoked, 1 other untouched")
        self.assertEqual(self.jeton("end", sid).returncode, 1)

    def test_what_is_no_session_is_said(self):
        unknown = self.jeton("why", "A" * 22)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("there is no session", unknown.stderr)
        self.assertEqual(self.jeton("why", "x").returncode, 2)
        self.assertIn("there is no user", self.jeton("list", "nobody@example.com").stderr)


unittest.main()
