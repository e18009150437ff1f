"""Fifty clients with one refresh token, two server processes on one database: one live successor, nobody logged out."""
import random
import sys
import tempfile
import threading
import time
import unittest

from jeton_server import Client, Server, generation_of

BINARY = sys.argv.pop()
ROUNDS, CLIENTS = 200, 50


class Race(unittest.TestCase):
    # mission row 17: refreshing, under the worst that honest clients do. mission row 14: the long session survives it.
    def test_200_rounds_of_50_clients_over_two_processes(self):
        with tempfile.TemporaryDirectory() as folder:
            data = folder + "/data"
            with Server(BINARY, data=data) as one, Server(BINARY, data=data) as two:
                self.race([one.port, two.port])
                self.assertEqual(one.stop(), 0)
                self.assertEqual(two.stop(), 0)
                for server in (one, two):
                    self.assertNotIn("reused", server.errors())

    def race(self, ports):
        first = Client(ports[0])
        self.assertEqual(first.register()[0], 201)
        status, login = first.login()
        self.assertEqual(status, 200)
        self.token = login["refreshToken"]
        self.answers = [None] * CLIENTS
        begin, end = threading.Barrier(CLIENTS + 1), threading.Barrier(CLIENTS + 1)

        def client(index):
            chance = random.Random(index)
            clients = [Client(port) for port in ports]
            while True:
                try:
                    begin.wait()
                except threading.BrokenBarrierError:
                    return
                if self.late:
                    time.sleep(chance.random() * 0.02)
                try:
                    self.answers[index] = clients[chance.randrange(2)].refresh(self.token)
                except OSError as error:
                    self.answers[index] = (0, str(error))
                end.wait()

        threads = [threading.Thread(target=client, args=(index,), daemon=True) for index in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            for number in range(ROUNDS):
                self.late = number % 2 == 1
                begin.wait()
                end.wait()
                refused = [answer for answer in self.answers if answer[0] != 200]
                self.assertEqual(refused, [], f"round {number}")
                successors = {answer[1]["refreshToken"] for answer in self.answers}
                self.assertEqual(len(successors), 1, f"round {number}")
                accesses = {answer[1]["accessToken"] for answer in self.answers}
                self.assertEqual(len(accesses), CLIENTS, "each has a fresh access token")
                self.token = successors.pop()
                self.assertEqual(generation_of(self.token), number + 1, "one rotation a round")
        finally:
            begin.abort()
            for thread in threads:
                thread.join()
        status, last = Client(ports[1]).refresh(self.token)
        self.assertEqual(status, 200)
        self.assertEqual(Client(ports[0]).me(last["accessToken"])[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
