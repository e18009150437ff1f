"""A hundred tabs of one browser refresh at once over three server processes on one database; and a polite stop of one
of them meanwhile."""
import os
import random
import signal
import sys
import tempfile
import threading
import time
import unittest

from jeton_server import Client, Server, generation_of

ROUNDS = int(sys.argv.pop()) if sys.argv[-1].isdigit() else 50
BINARY = sys.argv.pop()
SERVERS, TABS = 3, 100


class Tabs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.data = self.folder.name + "/data"
        self.servers = [Server(BINARY, data=self.data) for _ in range(SERVERS)]
        for server in self.servers:
            self.assertIsNotNone(server.port, server.errors())
        client = Client(self.servers[0].port)
        self.assertEqual(client.register()[0], 201)
        self.token = client.login()[1]["refreshToken"]

    def tearDown(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()

    def at_once(self, begin, end, index, answers, ports_of):
        chance = random.Random(index)
        clients = {}
        while True:
            try:
                begin.wait()
            except threading.BrokenBarrierError:
                return
            port = chance.choice(ports_of())
            try:
                answers[index] = clients.setdefault(port, Client(port)).refresh(self.token)
            except OSError as error:
                answers[index] = (0, str(error))
            end.wait()

    # mission row 17, mission row 18: nobody honest is signed out, and there is one live successor each time (F01).
    def test_each_round_has_one_successor_for_all(self):
        answers = [None] * TABS
        begin, end = threading.Barrier(TABS + 1), threading.Barrier(TABS + 1)
        ports = [server.port for server in self.servers]
        threads = [threading.Thread(target=self.at_once, args=(begin, end, index, answers, lambda: ports), daemon=True)
                   for index in range(TABS)]
        for thread in threads:
            thread.start()
        try:
            for number in range(ROUNDS):
                begin.wait()
                end.wait()
                self.assertEqual([answer for answer in answers if answer[0] != 200], [], f"round {number}")
                successors = {answer[1]["refreshToken"] for answer in answers}
                self.assertEqual(len(successors), 1, f"round {number}")
                self.token = successors.pop()
                self.assertEqual(generation_of(self.token), number + 1, "one rotation a round")
        finally:
            begin.abort()
            for thread in threads:
                thread.join()
        for server in self.servers:
            self.assertEqual(server.stop(), 0)
            self.assertNotIn("reused", server.errors())
        print(f"{ROUNDS} rounds of {TABS} tabs over {SERVERS} processes: one successor each")

    # X12: what has been read is answered; whoever is not served goes on at another process with the same key.
    def test_a_polite_stop_under_load_loses_no_answer(self):
        for number, stopped in enumerate([self.servers[0], self.servers[1]]):
            others = [server.port for server in self.servers if server.process.poll() is None and server is not stopped]
            clients = [Refreshing(stopped.port, Client(others[0]).login()[1]["refreshToken"], f"{number}-{index}")
                       for index in range(8)]
            threads = [threading.Thread(target=client.run) for client in clients]
            for thread in threads:
                thread.start()
            for client in clients:
                client.is_under_way.wait(60)
            self.assertEqual(stopped.stop(signal.SIGTERM), 0)
            for thread in threads:
                thread.join()
            for client in clients:
                self.assertEqual(client.wrong, [], "answered wrongly while stopping")
                client.go_on_at(others[0])
                self.assertEqual(client.wrong, [], "after the stop")
                self.assertGreaterEqual(client.count, 10)
        self.assertEqual(os.listdir(self.data).count("jeton.db"), 1)

    # X12: settings are read again, and again, while everybody goes on; a second polite stop is as good as a kill.
    def test_reloads_and_a_second_stop_under_load_lose_no_answer(self):
        server, other = self.servers[0], self.servers[1]
        clients = [Refreshing(server.port, Client(other.port).login()[1]["refreshToken"], f"reload-{index}")
                   for index in range(8)]
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        for client in clients:
            client.is_under_way.wait(60)
        for _ in range(20):
            before = sum(client.count for client in clients)
            server.process.send_signal(signal.SIGHUP)
            while sum(client.count for client in clients) == before and not any(client.wrong for client in clients):
                time.sleep(0.001)
        self.assertEqual([client.wrong for client in clients if client.wrong], [], "answered wrongly while reloading")
        self.assertIsNone(server.process.poll())
        server.process.send_signal(signal.SIGTERM)
        self.assertIn(server.stop(signal.SIGTERM), (0, 128 + signal.SIGTERM))
        for thread in threads:
            thread.join()
        for client in clients:
            client.go_on_at(other.port)
            self.assertEqual(client.wrong, [], "no rotation was half done")


class Refreshing:
    """Refreshes one session without pause, each time with a key, until its server is gone."""

    def __init__(self, port, token, name):
        self.port, self.token, self.name = port, token, name
        self.count, self.wrong, self.is_under_way = 0, [], threading.Event()

    def step(self, client):
        status, body = client.refresh(self.token, f"{self.name}-{self.count}")
        if status != 200 or generation_of(body["refreshToken"]) != generation_of(self.token) + 1:
            self.wrong.append((status, body))
            return
        self.token = body["refreshToken"]
        self.count += 1
        if self.count >= 10:
            self.is_under_way.set()

    def run(self):
        client = Client(self.port)
        try:
            while not self.wrong:
                self.step(client)
        except OSError:
            pass  # its answer is not known: asked again with the same key
        self.is_under_way.set()

    def go_on_at(self, port):
        self.step(Client(port))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
