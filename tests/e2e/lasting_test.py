"""What lasts ends with its session: a real issuer, its feed, a gateway, an origin with WebSockets and events."""
import json
import socket
import subprocess
import sys
import threading
import time
import unittest

import edge
from verifier_process import Issuer, wait_for

BINARY = sys.argv[-1]
del sys.argv[-1]

CONFIG = """
[accounts]
argon2_queue = 1000
[log]
level = "error"
"""
POLICY = """[gateway]
listen = "127.0.0.1:0"
operations = "127.0.0.1:0"
state = "{folder}/state"

[[issuer]]
url = "ISSUER"
feed = true
feed_key = "FEED_KEYS"
client_id = "verifier"
client_secret_file = "SECRET"

[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]

[[route]]
name = "live"
match = {{ path = "/live/**" }}
require = {{ audience = "api" }}
upstream = "origin"
"""


class Origin:
    """Sends what it reads back to a WebSocket, and to others an event each 50 ms, until the connection ends."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(one,), daemon=True).start()

    def serve(self, one):
        with one:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += one.recv(65536)
                if b"Upgrade: websocket" in head:
                    one.sendall(b"HTTP/1.1 101 Switching Protocols\r\n"
                                b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                    while data := one.recv(65536):
                        one.sendall(data)
                    return
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                while True:
                    one.sendall(b"data: tick\n\n")
                    time.sleep(0.05)
            except OSError:
                pass


class Peer:
    def __init__(self, port, token, websocket):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        more = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n") if websocket else ""
        self.socket.sendall(f"GET /live/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode())
        self.received = b""
        self.until(b"\r\n\r\n")

    def until(self, text):
        while text not in self.received:
            if not (data := self.socket.recv(65536)):
                raise AssertionError(f"ended before {text}: {self.received}")
            self.received += data
        self.received = self.received[self.received.index(text) + len(text):]

    def to_the_end(self):
        """What still comes, and whether the end was a reset."""
        try:
            while data := self.socket.recv(65536):
                self.received += data
        except ConnectionResetError:
            return self.received, True
        return self.received, False


class Lasting(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(edge.Folder())
        self.issuer = Issuer(BINARY, self.folder, CONFIG)
        self.addCleanup(self.issuer.server.kill)
        policy = POLICY.replace("ISSUER", self.issuer.url).replace("FEED_KEYS", self.issuer.feed_keys).replace(
            "SECRET", self.issuer.secret_file)
        self.gateway = edge.Gateway(BINARY, self.folder, Origin().port, policy)
        self.enterContext(self.gateway)
        self.client = self.issuer.client()
        for name in ("one", "two"):
            self.assertIn(self.client.register(f"{name}@example.com")[0], (200, 201))

    def session(self, name):
        status, session = self.client.login(f"{name}@example.com")
        self.assertEqual(status, 200, session)
        return session

    def open(self, session, websocket):
        return Peer(self.gateway.ports["proxy"], session["accessToken"], websocket)

    # mission row 15: immediate revocation, also of what was let in before it.
    def test_ends_with_its_session_and_others_go_on(self):
        ended, other_device, other_user = self.session("one"), self.session("one"), self.session("two")
        socket_ended, events_ended = self.open(ended, True), self.open(ended, False)
        stay = [self.open(other_device, True), self.open(other_user, True)]
        events_stay = self.open(other_device, False)
        for peer in (events_ended, events_stay):
            peer.until(b"data: tick\n\n")
        self.gateway.reload()  # what lasts is not touched by that
        for peer in (socket_ended, *stay):
            peer.socket.sendall(b"\x81\x05hello")
            peer.until(b"\x81\x05hello")

        began = time.monotonic()
        self.assertEqual(self.client.logout(ended["refreshToken"])[0], 204)
        said, reset = socket_ended.to_the_end()
        took = time.monotonic() - began
        self.assertEqual((said, reset), (b"\x88\x09\x03\xf0revoked", False))
        said, reset = events_ended.to_the_end()
        self.assertTrue(reset, "an end that could pass for one")
        self.assertNotIn(b"\r\n0\r\n\r\n", said)
        print(f"from the acknowledged logout to the Close frame: {took * 1000:.0f} ms")

        for peer in stay:
            peer.socket.sendall(b"\x81\x02go")
            peer.until(b"\x81\x02go")
        events_stay.until(b"data: tick\n\n")
        for stage in ("websocket", "events"):
            wait_for(lambda: f'jeton_gateway_exchanges_ended_total{{stage="{stage}",reason="revoked"}} 1'
                     in self.gateway.metrics(), stage, self.gateway.metrics)
        self.gateway.wait_for_log("exchange ended", 2)
        line = next(json.loads(line) for line in self.gateway.log if "exchange ended" in line)
        told = subprocess.run([BINARY, "why", line["request"]], input=self.gateway.errors(), capture_output=True,
                              text=True, check=True).stdout
        self.assertIn("ended under way", told)
        self.assertNotIn(ended["accessToken"], self.gateway.errors())

    def test_ends_with_its_user(self):
        one, two = self.open(self.session("one"), True), self.open(self.session("two"), True)
        self.issuer.command("user", "disable", "one@example.com")
        self.assertEqual(one.to_the_end()[0][:4], b"\x88\x09\x03\xf0")
        two.socket.sendall(b"\x81\x02go")
        two.until(b"\x81\x02go")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
