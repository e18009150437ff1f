"""kill -9 at random moments: no acknowledged rotation, login or logout is lost, and the database opens clean."""
import random
import sqlite3
import sys
import tempfile
import threading
import time
import unittest

from jeton_server import EMAIL, PASSWORD, Client, Server, generation_of

BINARY = sys.argv.pop()
LIVES, CLIENTS = 25, 8  # every fifth one ends politely, twenty by kill -9


class Rotating:
    """A client that refreshes without pause, and remembers what it was told and what it asked last."""

    def __init__(self, token, number):
        self.token = token  # the newest it was given
        self.key = None     # of a request whose answer it does not know
        self.count = 0
        self.number = number
        self.wrong = None

    def run(self, port):
        client = Client(port)
        try:
            while True:
                self.step(client)
        except OSError:
            pass

    def step(self, client):
        if self.key is None:
            self.count += 1
            self.key = f"client-{self.number}-request-{self.count}"
        status, body = client.refresh(self.token, self.key)
        if status != 200:
            self.wrong = (status, body, generation_of(self.token))
            raise OSError("refused")
        if generation_of(body["refreshToken"]) != generation_of(self.token) + 1:
            self.wrong = ("generation", generation_of(self.token), generation_of(body["refreshToken"]))
        self.token, self.key = body["refreshToken"], None


def log_out_again_and_again(port, ended):
    client = Client(port)
    try:
        while True:
            token = client.login()[1]["refreshToken"]
            if client.logout(token)[0] == 204:
                ended.append(token)
    except OSError:
        pass


class Kill(unittest.TestCase):
    def test_nothing_acknowledged_is_lost(self):
        chance = random.Random(17)
        with tempfile.TemporaryDirectory() as folder:
            data = folder + "/data"
            with Server(BINARY, data=data) as server:
                client = Client(server.port)
                self.assertEqual(client.register(EMAIL, PASSWORD)[0], 201)
                rotating = [Rotating(client.login()[1]["refreshToken"], number) for number in range(CLIENTS)]
                server.kill()
            ended = []
            for number in range(LIVES):
                self.one_life(data, rotating, ended, 0.05 + chance.random() * 0.6, number)
            self.assertGreater(sum(one.count for one in rotating), LIVES * CLIENTS)
            self.assertGreater(len(ended), 0)
            self.last_life(data, rotating, ended)
            base = sqlite3.connect(data + "/jeton.db")
            self.assertEqual(base.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            base.close()

    def one_life(self, data, rotating, ended, seconds, number):
        with Server(BINARY, data=data) as server:
            self.assertIsNotNone(server.port, server.errors())
            for token in ended[-3:]:
                self.assertEqual(Client(server.port).refresh(token)[0], 401, f"life {number}: a logout was undone")
            threads = [threading.Thread(target=one.run, args=(server.port,)) for one in rotating]
            threads.append(threading.Thread(target=log_out_again_and_again, args=(server.port, ended)))
            for thread in threads:
                thread.start()
            time.sleep(seconds)
            if number % 5 == 4:
                self.assertEqual(server.stop(), 0, "a polite stop under load")
            else:
                server.kill()
            for thread in threads:
                thread.join()
            for one in rotating:
                self.assertIsNone(one.wrong, f"life {number}: {one.wrong}")

    def last_life(self, data, rotating, ended):
        with Server(BINARY, data=data) as server:
            client = Client(server.port)
            for one in rotating:
                one.step(client)
                self.assertIsNone(one.wrong)
            for token in ended:
                self.assertEqual(client.refresh(token)[0], 401)
            self.assertEqual(client.login()[0], 200)
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
