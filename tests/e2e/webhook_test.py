"""Events against the real binary: kill -9 between the commit and the delivery loses none."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
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

    def start(self, port):
        secret, config = self.folder + "/webhook.secret", self.folder + "/jeton.toml"
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("whsec_" + base64.b64encode(KEY).decode() + "\n")
        with open(config, "w") as file:
            file.write(f'[webhooks]\nurl = "http://127.0.0.1:{port}/hook"\nsecret_file = {json.dumps(secret)}\n')
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
