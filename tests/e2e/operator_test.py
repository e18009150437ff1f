"""Clients and users from the command line, beside a running server."""
import base64
import http.client
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from jeton_server import EMAIL, PASSWORD, Client, Server

BINARY = sys.argv.pop()
SECONDS_MAX = 30


def payload_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Operator(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.data = self.folder + "/data"
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = Server(BINARY, data=self.data)
        self.addCleanup(self.server.__exit__)
        self.client = Client(self.server.port)
        self.addCleanup(self.client.close)

    def jeton(self, *arguments, text="", code=0):
        done = subprocess.run([BINARY, *arguments, "--data", self.data], input=text, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def token(self, user, secret, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        credentials = base64.b64encode(f"{user}:{secret}".encode()).decode()
        connection.request("POST", "/oauth2/token",
                           urllib.parse.urlencode({"grant_type": "client_credentials", **fields}),
                           {"Content-Type": "application/x-www-form-urlencoded",
                            "Authorization": "Basic " + credentials})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body

    def until(self, wanted, ask):
        """The server hears of a change within a second or so."""
        deadline = time.monotonic() + SECONDS_MAX
        while (answer := ask()) != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(answer, wanted)

    def test_a_client_is_created_used_changed_and_disabled(self):
        made = json.loads(self.jeton("client", "create", "--id", "billing", "--scope", "read", "--scope", "write",
                                     "--audience", "api", "--json"))
        self.assertEqual(made["id"], "billing")
        self.assertTrue(made["secret"].startswith("jcs_"))
        status, body = self.token("billing", made["secret"])
        self.assertEqual((status, body["scope"]), (200, "read write"))
        self.assertEqual(payload_of(body["access_token"])["sub"], "billing")

        self.assertNotIn(made["secret"], self.jeton("client", "show", "billing"))
        listed = [json.loads(line) for line in self.jeton("client", "list", "--json").splitlines()]
        self.assertEqual([client["id"] for client in listed], ["billing", "first-party"])

        changed = json.loads(self.jeton("client", "set", "billing", "--scope", "read", "--json"))
        self.assertEqual((changed["scopes"], changed["version"]), (["read"], 1))
        self.until("read", lambda: self.token("billing", made["secret"])[1].get("scope"))

        fresh = json.loads(self.jeton("client", "rotate-secret", "billing", "--overlap", "1h", "--json"))["secret"]
        self.until(200, lambda: self.token("billing", fresh)[0])
        self.assertEqual(self.token("billing", made["secret"])[0], 200, "within the overlap")
        last = json.loads(self.jeton("client", "rotate-secret", "billing", "--json"))["secret"]
        self.until(401, lambda: self.token("billing", fresh)[0])
        self.assertEqual(self.token("billing", last)[0], 200)
        self.jeton("client", "disable", "billing")
        self.until(401, lambda: self.token("billing", last)[0])
        self.jeton("client", "enable", "billing")
        self.until(200, lambda: self.token("billing", last)[0])

    def test_a_client_for_the_feed_needs_no_audience(self):
        made = json.loads(self.jeton("client", "create", "--id", "gateway", "--scope", "feed:read", "--json"))
        for fields in {}, {"scope": "feed:read"}:
            status, body = self.token("gateway", made["secret"], **fields)
            self.assertEqual((status, body.get("scope")), (200, "feed:read"))
            self.assertEqual(payload_of(body["access_token"])["aud"], f"http://127.0.0.1:{self.server.port}")

    def test_a_client_chooses_an_algorithm_that_the_issuer_has(self):
        self.assertIn("further_algorithms",
                      self.jeton("client", "create", "--id", "modern", "--algorithm", "EdDSA", code=1))
        self.assertIn("key pair", self.jeton("client", "create", "--id", "modern", "--algorithm", "HS512", code=2))
        self.assertIn("no shared secret", self.jeton("client", "create", "--id", "modern", "--algorithm", "HS256",
                                                     "--audience", "billing", code=1))
        made = json.loads(self.jeton("client", "create", "--id", "modern", "--algorithm", "ES256", "--audience", "api",
                                     "--json"))
        self.assertEqual(self.token("modern", made["secret"])[0], 200)
        self.assertEqual(json.loads(self.jeton("client", "show", "modern", "--json"))["algorithm"], "ES256")
        self.assertRegex(self.jeton("client", "list"), r"modern +confidential +enabled +ES256 ")
        self.assertIn("further_algorithms", self.jeton("client", "set", "modern", "--algorithm", "RS256", code=1))
        self.assertNotIn("algorithm", json.loads(self.jeton("client", "set", "modern", "--algorithm", "", "--json")))

    def test_the_audit_names_who_changed_something_and_in_which_request(self):
        here = "cli:" + pwd.getpwuid(os.getuid()).pw_name
        made = json.loads(self.jeton("client", "create", "--id", "backend", "--scope", "admin", "--json"))
        access = self.token("backend", made["secret"])[1]["access_token"]
        sub = json.loads(self.jeton("user", "create", EMAIL, "--json", "--password-file", "-", text=PASSWORD))["sub"]
        headers = {"Authorization": "Bearer " + access, "X-Request-ID": "from-the-caller-1"}
        self.assertEqual(self.client.request("POST", f"/api/admin/users/{sub}/disable", None, headers)[0], 204)
        self.assertEqual(self.client.request("POST", "/api/admin/clients", {"id": "other"}, headers)[0], 201)
        self.jeton("user", "enable", sub)
        told = [json.loads(line) for line in self.jeton("audit", "list", "--json").splitlines()]
        actors = {entry["kind"]: entry.get("actor", "") for entry in told if entry.get("sub") == sub}
        self.assertEqual(actors["user_registered"], here)
        self.assertEqual(actors["user_enabled"], here)
        self.assertRegex(actors["user_disabled"], r"^client:backend request:\S+$")
        added = {entry["sub"]: entry["actor"] for entry in told if entry["kind"] == "client_added" and "actor" in entry}
        self.assertRegex(added["other"], r"^client:backend request:\S+$")
        self.assertEqual(added["backend"], here)
        self.assertEqual(self.jeton("audit", "verify", "--json").count('"ok":true'), 1)

    def test_what_no_client_can_be_is_refused(self):
        self.assertIn("characters", self.jeton("client", "create", "--id", "a/b", code=2))
        self.assertIn("scopes must be", self.jeton("client", "create", "--scope", "a", "--scope", "a", code=2))
        self.assertIn("cannot be trusted", self.jeton("client", "create", "--public", "--trusted", code=2))
        self.assertIn("scopes of the issuer",
                      self.jeton("client", "create", "--public", "--scope", "admin", code=2))
        self.assertIn("looks like a secret",
                      self.jeton("client", "create", "--claims", "-", text='{"password":"x"}', code=2))
        self.assertIn("is taken", self.jeton("client", "create", "--id", "first-party", code=1))
        self.assertIn("there is no client", self.jeton("client", "show", "nobody", code=1))

    def test_a_backend_begins_sessions_for_its_own_users(self):
        made = json.loads(self.jeton("client", "create", "--id", "backend", "--trusted", "--scope", "sessions:create",
                                     "--json"))
        access = self.token("backend", made["secret"])[1]["access_token"]
        status, tokens = self.client.request("POST", "/api/admin/sessions",
                                             {"sub": "42", "claims": {"plan": "pro"}},
                                             {"Authorization": "Bearer " + access})
        self.assertEqual(status, 200)
        self.assertEqual(payload_of(tokens["accessToken"])["plan"], "pro")
        self.assertEqual(self.client.refresh(tokens["refreshToken"])[0], 200)
        self.assertEqual(json.loads(self.jeton("user", "export", "42", "--json"))["home"], "backend")

    def test_a_user_is_created_changed_and_erased(self):
        sub = json.loads(self.jeton("user", "create", EMAIL, "--role", "developer", "--json",
                                    text=PASSWORD + "\n"))["sub"]
        status, login = self.client.login()
        self.assertEqual(status, 200)
        self.assertEqual(self.client.me(login["accessToken"])[1]["roles"], ["developer"])
        self.assertIn("registered already", self.jeton("user", "create", EMAIL, text=PASSWORD, code=1))
        self.assertIn("8 to 1024", self.jeton("user", "create", "b@example.com", text="short", code=2))

        shown = json.loads(self.jeton("user", "set", EMAIL, "--plan", "pro", "--claim", 'limits={"audio":5}', "--json"))
        self.assertEqual((shown["claims"]["plan"], shown["claims"]["limits"], shown["version"]),
                         ("pro", {"audio": 5}, 1))
        self.assertEqual(self.client.me(login["accessToken"])[1], {"error": "Token expired", "reason": "stale_claims"})
        refreshed = self.client.refresh(login["refreshToken"])[1]
        self.assertEqual(self.client.me(refreshed["accessToken"])[1]["plan"], "pro")
        self.assertIn("looks like a secret", self.jeton("user", "set", EMAIL, "--claim", 'password="x"', code=2))
        self.assertIn("set by the issuer", self.jeton("user", "set", EMAIL, "--claim", "sub=1", code=2))

        held = json.loads(self.jeton("user", "export", sub, "--json"))
        self.assertEqual(held["user"]["email"], EMAIL)
        self.assertEqual(len(held["sessions"]), 1)
        self.assertNotIn("argon2", json.dumps(held))

        self.assertIn("1 sessions", self.jeton("user", "end-sessions", EMAIL))
        self.assertEqual(self.client.me(refreshed["accessToken"])[1], {"error": "Token revoked"})
        self.jeton("user", "disable", EMAIL)
        self.assertEqual(self.client.login()[0], 401)
        self.jeton("user", "enable", EMAIL)
        login = self.client.login()[1]
        self.assertIn("--yes", self.jeton("user", "erase", EMAIL, code=2))
        self.jeton("user", "erase", EMAIL, "--yes")
        self.assertEqual(self.client.login()[0], 401)
        self.assertEqual(self.client.refresh(login["refreshToken"])[0], 401)
        self.assertEqual(self.client.me(login["accessToken"])[1], {"error": "Token revoked"})
        self.assertIn("there is no user", self.jeton("user", "show", EMAIL, code=1))

    def test_every_command_says_what_it_does(self):
        for group, names in {"client": "create set list show rotate-secret disable enable",
                             "user": "list show create set disable enable end-sessions export erase"}.items():
            for name in names.split():
                done = subprocess.run([BINARY, group, name, "--help"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0)
                self.assertIn("\nExample:\n", done.stdout, name)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
