"""Events against the real binary: kill -9 between the commit and the delivery loses none."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

from jeton_server import EMAIL, PASSWORD, START_SECONDS_MAX, Client, Server

BINARY = sys.argv.pop()
KEY = bytes(range(32))


class Receiver:
    def __init__(self, port=0, status=204):
        self.seen, self.status, self.arrived = [], status, threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.arrived:
                    outer.seen.append((dict(self.headers), body))
                    outer.arrived.notify_all()
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def changes(self):
        return [(headers, body) for headers, body in self.seen if json.loads(body)["type"] == "user.password_changed"]

    def wait(self, count):
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.changes()) >= count, timeout=START_SECONDS_MAX)
            return self.changes()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Webhook(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, port, more=""):
        secret, config = self.folder + "/webhook.secret", self.folder + "/jeton.toml"
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("whsec_" + base64.b64encode(KEY).decode() + "\n")
        with open(config, "w") as file:
            file.write(f'[webhooks]\nurl = "http://127.0.0.1:{port}/hook"\nsecret_file = {json.dumps(secret)}\n{more}')
        return Server(BINARY, "--config", config, data=self.folder + "/data")

    def change(self, client, old, new):
        token = client.login(password=old)[1]["accessToken"]
        answer = client.request("POST", "/api/auth/password", {"oldPassword": old, "newPassword": new},
                                {"Authorization": "Bearer " + token})
        self.assertEqual(answer, (204, None))

    def assert_genuine(self, headers, body):
        fields = {name.lower(): value for name, value in headers.items()}
        signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        self.assertEqual(fields["webhook-signature"], expected)
        return fields["webhook-id"]

    def test_an_event_arrives_signed(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        with self.start(receiver.port) as server:
            client = Client(server.port)
            client.register()
            self.change(client, PASSWORD, "staple horse battery")
            (headers, body), = receiver.wait(1)
            self.assert_genuine(headers, body)
            kinds = [json.loads(body)["type"] for _, body in receiver.seen]
            self.assertEqual(sorted(kinds), ["session.started", "user.password_changed"])

    def jeton(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--data", self.folder + "/data"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def sign_in(self, client, password=PASSWORD):
        tokens = client.login(password=password)[1]
        claims = tokens["accessToken"].split(".")[1]
        tokens.update(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))))
        return tokens

    def test_each_way_to_end_a_session_is_told(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        with self.start(receiver.port, "[sessions]\nmax = 3\n") as server:
            client = Client(server.port)
            client.register()
            expected = []

            def ends(reason, *sessions):
                expected.extend((session["sid"], reason) for session in sessions)

            def ask(code, method, path, token, body=None):
                answer = client.request(method, path, body, {"Authorization": "Bearer " + token})
                self.assertEqual(answer[0], code, answer)

            def form(path, secret, **fields):
                basic = "Basic " + base64.b64encode(f"backend:{secret}".encode()).decode()
                status, body = client.form(path, fields, basic)
                self.assertEqual(status, 200, body)
                return body

            out = self.sign_in(client)
            self.assertEqual(client.request("POST", "/api/auth/logout", {"refreshToken": out["refreshToken"]})[0], 204)
            ends("logout", out)
            own, one, other = (self.sign_in(client) for _ in range(3))
            ask(204, "DELETE", "/api/auth/sessions/" + one["sid"], own["accessToken"])
            ends("revoked", one)
            ask(200, "POST", "/api/auth/sessions/revoke-others", own["accessToken"])
            ends("revoked", other)
            other = self.sign_in(client)
            changed = PASSWORD + "!"
            ask(204, "POST", "/api/auth/password", own["accessToken"],
                {"oldPassword": PASSWORD, "newPassword": changed})
            ends("password_changed", other)
            self.jeton("session", "end", own["sid"])
            ends("revoked", own)
            oldest, one, other, newest = (self.sign_in(client, changed) for _ in range(4))
            ends("session_cap", oldest)

            made = json.loads(self.jeton("client", "create", "--id", "backend", "--scope", "admin", "--trusted",
                                         "--scope", "sessions:create", "--json"))
            admin = form("/oauth2/token", made["secret"], grant_type="client_credentials")["access_token"]
            user = "/api/admin/users/" + one["sub"]
            ask(204, "DELETE", f"{user}/sessions/{one['sid']}", admin)
            ends("revoked", one)
            ask(200, "POST", user + "/end-sessions", admin)
            ends("revoked", other, newest)
            mine = {"sub": "42", "client_id": "backend"}
            status, theirs = client.request("POST", "/api/admin/sessions", mine, {"Authorization": "Bearer " + admin})
            self.assertEqual(status, 200, theirs)
            form("/oauth2/revoke", made["secret"], token=theirs["refreshToken"])

            def told():
                bodies = [json.loads(body) for _, body in list(receiver.seen)]
                return [(body["data"]["sid"], body["data"]["reason"], body["data"]["sub"]) for body in bodies
                        if body["type"] == "session.ended"]

            with receiver.arrived:
                receiver.arrived.wait_for(lambda: len(told()) > len(expected), timeout=START_SECONDS_MAX)
            self.assertEqual(sorted(end[:2] for end in told() if end[2] != "42"), sorted(expected))
            self.assertEqual([end[1] for end in told() if end[2] == "42"], ["revoked"])

            last, _ = self.sign_in(client, changed), receiver.seen.clear()
            self.jeton("user", "erase", last["sub"], "--yes")
            with receiver.arrived:
                receiver.arrived.wait_for(lambda: len(told()) >= 1, timeout=START_SECONDS_MAX)
            self.assertEqual(told(), [(last["sid"], "user_erased", last["sub"])])

    def test_events_of_a_killed_process_are_delivered_by_the_next(self):
        away = Receiver()
        away.close()
        with self.start(away.port) as server:
            client = Client(server.port)
            client.register()
            passwords = [PASSWORD] + [f"new password {i}" for i in range(5)]
            for old, new in zip(passwords, passwords[1:]):
                self.change(client, old, new)
            server.kill()
        receiver = Receiver()
        self.addCleanup(receiver.close)
        import sqlite3
        with sqlite3.connect(self.folder + "/data/jeton.db") as database:
            database.execute("UPDATE outbox SET due_at = 0")  # what was tried before is not due for some seconds
        with self.start(receiver.port):
            seen = receiver.wait(5)
            self.assertEqual(len({self.assert_genuine(headers, body) for headers, body in seen}), 5)


if __name__ == "__main__":
    unittest.main()
