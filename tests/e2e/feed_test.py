"""The feed of revocations against the real binary: readers that do not read, several nodes, kill -9, stopping and
starting again. What is read is proved by its chain, as a verifier would."""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from jeton_server import START_SECONDS_MAX, Client, Server

BINARY = sys.argv.pop()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Reader:
    """Follows the feed of one node. The head of each event's chain is compared with the one that is signed."""

    def __init__(self, port, token, last_id=None, receive_bytes=None):
        self.socket = socket.socket()
        self.socket.settimeout(START_SECONDS_MAX)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(("127.0.0.1", port))
        place = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.socket.sendall(f"GET /api/feed HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n{place}\r\n"
                            .encode())
        self.stream = self.socket.makefile("rb")
        self.status = int(self.stream.readline().split()[1])
        while self.stream.readline() not in (b"\r\n", b""):
            pass
        self.text, self.last_id, self.whole = b"", last_id, False
        self.number, self.hash = None, None  # of the last entry, once that is known
        if last_id:
            _, number, digest = last_id.split(".")
            self.number, self.hash = int(number), decoded(digest)
        self.entries = []

    def chunk(self):
        size = int(self.stream.readline(), 16)  # not a number where the connection has ended
        data = self.stream.read(size)
        self.stream.readline()
        self.whole = size == 0
        return data

    def event(self):
        """The next; None at the end of the stream."""
        while b"\n\n" not in self.text:
            try:
                data = self.chunk()
            except (OSError, ValueError):
                data = b""
            if not data:
                return None
            self.text += data
        event, _, self.text = self.text.partition(b"\n\n")
        kind, lines = "", []
        for line in event.decode().split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                kind = value
            elif name == "data":
                lines.append(value)
            elif name == "id":
                self.last_id = value
        return kind, lines

    def follow(self):
        """Takes one event and demands that it fits. False at the end."""
        event = self.event()
        if event is None:
            return False
        kind, lines = event
        if kind == "entries":
            for line in lines:
                entry = decoded(line)
                number = int.from_bytes(entry[2:10], "big")
                if self.number is not None:
                    assert number == self.number + 1, (number, self.number)
                    self.number, self.hash = number, hashlib.sha256(self.hash + entry).digest()
                self.entries.append(entry[29:])
        elif kind in ("head", "snapshot"):
            said = json.loads(decoded(lines[0].split(".")[1]))
            if self.number is None:
                self.number, self.hash = said["n"], decoded(said["h"])
            assert (said["n"], decoded(said["h"])) == (self.number, self.hash), said
        return True

    def until(self, subject):
        while subject not in self.entries:
            assert self.follow(), "the stream has ended"

    def until_end(self):
        while self.follow():
            pass

    def close(self):
        self.stream.close()
        self.socket.close()


class Feed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.config = self.folder + "/jeton.toml"
        with open(self.config, "w") as file:
            file.write('[feed]\nwaiting_bytes_max = "64KiB"\n')

    def serve(self, listen="127.0.0.1:0"):
        server = Server(BINARY, "--config", self.config, data=self.folder + "/data", listen=listen)
        self.assertIsNotNone(server.port, server.errors())
        self.addCleanup(server.__exit__)
        return server

    def jeton(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--data", self.folder + "/data"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def secret(self):
        made = self.jeton("client", "create", "--id", "gateway", "--scope", "feed:read", "--json")
        return json.loads(made)["secret"]

    def token(self, server, secret):
        basic = "Basic " + base64.b64encode(f"gateway:{secret}".encode()).decode()
        client = Client(server.port)
        status, body = client.form("/oauth2/token", {"grant_type": "client_credentials"}, basic)
        client.close()
        self.assertEqual(status, 200, body)
        return body["access_token"]

    def revoked(self, server, secret, client=None):
        """Revokes a token of the client's; its jti, as the entry names it."""
        basic = "Basic " + base64.b64encode(f"gateway:{secret}".encode()).decode()
        client = client or Client(server.port)
        token = client.form("/oauth2/token", {"grant_type": "client_credentials"}, basic)[1]["access_token"]
        status, body = client.form("/oauth2/revoke", {"token": token}, basic)
        self.assertEqual(status, 200, body)
        return json.loads(decoded(token.split(".")[1]))["jti"].encode()

    @staticmethod
    def memory(server):
        """Resident KiB; of a process that may not be dumped /proc tells only this much."""
        with open(f"/proc/{server.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def test_readers_that_do_not_read_are_let_go_and_hold_up_nobody(self):
        server = self.serve()
        secret = self.secret()
        token = self.token(server, secret)
        good = Reader(server.port, token)
        idle = [Reader(server.port, token, receive_bytes=4096) for _ in range(20)]
        for one in (good, *idle):
            self.assertEqual(one.status, 200)
            self.addCleanup(one.close)
        self.assertTrue(good.follow())
        followed = threading.Thread(target=good.until_end)
        followed.start()
        before = self.memory(server)
        client, written = Client(server.port), []
        while server.metric("jeton_feed_subscribers") > 1 and len(written) < 20_000:
            written.extend(self.revoked(server, secret, client) for _ in range(50))
        self.assertEqual(server.metric("jeton_feed_subscribers"), 1, "those that do not read are gone")
        if "JETON_SANITIZED" not in os.environ:  # a sanitizer keeps what was given back
            self.assertLess(self.memory(server) - before, 64 * 1024, "KiB")
        for one in idle:
            one.until_end()  # whose chain fits: no half of an event, and none left out
            self.assertLess(len(one.entries), len(written))
        last = self.revoked(server, secret, client)
        self.assertEqual(server.stop(), 0)
        followed.join()
        self.assertEqual(good.entries[-len(written) - 1:], [*written, last], "all, in their order, to the last")

    def test_what_is_written_at_one_node_is_read_at_the_other_whatever_happens_to_the_first(self):
        first, second = self.serve(), self.serve()
        secret = self.secret()
        token = self.token(second, secret)
        reader = Reader(second.port, token)
        self.addCleanup(reader.close)
        written = [self.revoked(first, secret) for _ in range(20)]
        reader.until(written[-1])
        self.assertEqual(reader.entries, written)

        writing, acknowledged = threading.Event(), []

        def write():
            client = Client(first.port)
            try:
                while True:
                    acknowledged.append(self.revoked(first, secret, client))
                    writing.set()
            except (OSError, AssertionError):
                pass

        thread = threading.Thread(target=write)
        thread.start()
        writing.wait(START_SECONDS_MAX)
        first.kill()
        thread.join()
        after = self.revoked(second, secret)
        reader.until(after)
        seen = [entry for entry in reader.entries if entry in acknowledged]
        self.assertEqual(seen, acknowledged, "what was acknowledged is there, once and in its order")

        again = self.serve(f"127.0.0.1:{first.port}")
        moved = Reader(again.port, token, last_id=reader.last_id)
        self.addCleanup(moved.close)
        last = self.revoked(second, secret)
        moved.until(last)
        reader.until(last)
        # From the last head that was read: what came after it may come once more, in its place.
        self.assertEqual((moved.number, moved.hash), (reader.number, reader.hash))
        self.assertEqual(moved.entries, reader.entries[-len(moved.entries):])

    def test_a_stop_ends_streams_and_finishes_requests_and_it_serves_again_at_once(self):
        server = self.serve()
        secret = self.secret()
        token = self.token(server, secret)
        reader = Reader(server.port, token)
        self.addCleanup(reader.close)
        self.assertTrue(reader.follow())
        written = self.revoked(server, secret)
        client = Client(server.port)
        client.register()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(Client(server.port).login()[0])) for _ in range(4)]
        for thread in threads:
            thread.start()
        while server.metric("jeton_password_hashes_total") + server.metric("jeton_password_queue_waiting") < 5:
            pass
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [200] * 4)
        reader.until_end()
        self.assertIn(written, reader.entries)
        self.assertTrue(reader.whole, "the stream has come to its own end")

        port, place = server.port, reader.last_id
        for end in (Server.kill, Server.kill, Server.stop):
            server = self.serve(f"127.0.0.1:{port}")
            again = Reader(port, token, last_id=place)
            self.addCleanup(again.close)
            written = self.revoked(server, secret)
            again.until(written)
            place = again.last_id
            end(server)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
