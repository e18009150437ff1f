"""Keys rotate every two seconds under load, and not one token is refused by verifiers that keep the published keys
exactly as long as the answer's header allows: two server processes on one file, kill -9, clocks that differ."""
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from jeton_server import Client, Server

BINARY, CLOCK_STEPS = sys.argv[-2:]
del sys.argv[-2:]
ROTATIONS = int(os.environ.get("JETON_KEY_ROTATIONS", "4"))  # more of them: tools/soak keys
SECONDS_MAX = 150 + 10 * ROTATIONS  # for a machine that is busy; nothing here passes or fails by the clock

CONFIG = """
[tokens]
access_lifetime = "4s"
jwks_max_age = "1s"
[keys]
rotation_period = "2s"
further_algorithms = ["EdDSA"]
[accounts]
argon2_queue = 1000
[log]
level = "warning"
"""


class Verifier:
    """Keeps a key set for as long as Cache-Control says, to the millisecond, and never asks before that is over."""

    def __init__(self, ports, leeway):
        self.ports, self.leeway = ports, leeway
        self.keys, self.etag, self.keep_until = None, None, 0.0
        self.fetches = 0
        self.process = subprocess.Popen([BINARY, "token", "verify", "--batch-json"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def fetch(self):
        for port in random.sample(self.ports, len(self.ports)):
            client = Client(port)
            began = time.monotonic()
            try:
                status, headers, body = client.request_whole("GET", "/.well-known/jwks.json", {
                    "If-None-Match": self.etag} if self.etag else {})
            except OSError:
                continue
            finally:
                client.close()
            if status == 200:
                self.keys, self.etag = json.loads(body), headers["etag"]
            elif status != 304:
                continue
            found = re.search(r"max-age=(\d+)", headers["cache-control"])
            self.keep_until = began + (int(found.group(1)) if found else 0)
            self.fetches += 1
            return

    def verify(self, token):
        if time.monotonic() >= self.keep_until:
            self.fetch()
        request = {"jwks": self.keys, "token": token, "audience": "api", "now": int(time.time()), "leeway": self.leeway}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def kid_of(token):
    import base64
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


class Load:
    """A client that refreshes without pause, with a verifier that sees each token at once and once more later."""

    def __init__(self, ports, leeway, asks_issuer):
        self.ports, self.asks_issuer = ports, asks_issuer
        self.verifier = Verifier(ports, leeway)
        self.refused, self.kids, self.count = [], set(), 0
        self.later = []  # (when, token)
        self.chance = random.Random()

    def anywhere(self, ask):
        """The answer of any server: one that was killed is asked no more, and the same is asked of another."""
        while True:
            for port in self.chance.sample(self.ports, len(self.ports)):
                client = Client(port)
                try:
                    return ask(client)
                except OSError:
                    time.sleep(0.01)
                finally:
                    client.close()

    def run(self, stop):
        status, login = self.anywhere(lambda client: client.login())
        assert status == 200, login
        access, refresh = login["accessToken"], login["refreshToken"]
        while not stop.is_set():
            self.see(access)
            key = f"{id(self)}-{self.count}"
            status, body = self.anywhere(lambda client: client.refresh(refresh, key))
            if status != 200:
                self.refused.append((status, body))
                return
            access, refresh = body["accessToken"], body["refreshToken"]

    def see(self, token):
        self.count += 1
        self.kids.add(kid_of(token))
        self.judge(token, "at once")
        self.later.append((time.monotonic() + self.chance.random() * 3, token))
        while self.later and self.later[0][0] <= time.monotonic():
            self.judge(self.later.pop(0)[1], "later")
        if self.asks_issuer:
            status, body = self.anywhere(lambda client: client.me(token))
            if status != 200 and body != {"error": "Token expired"}:
                self.refused.append(("me", status, body, kid_of(token)))

    def judge(self, token, when):
        answer = self.verifier.verify(token)
        if not answer["ok"] and answer["error"] != "expired":
            published = [key["kid"] for key in self.verifier.keys["keys"]]
            self.refused.append((when, answer, kid_of(token), published))


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.config = self.folder.name + "/jeton.toml"
        with open(self.config, "w") as file:
            file.write(CONFIG)

    def server(self, **more):
        return Server(BINARY, "--config", self.config, data=self.folder.name + "/data", **more)

    def under_load(self, servers, during, leeway=5, asks_issuer=True):
        """Runs `during` until the keys have rotated often enough; nothing may have been refused."""
        ports = [server.port for server in servers]
        self.assertEqual(Client(ports[0]).register()[0], 201)
        loads = [Load(ports, leeway, asks_issuer) for _ in range(3)]
        stop = threading.Event()
        threads = [threading.Thread(target=load.run, args=(stop,)) for load in loads]
        for thread in threads:
            thread.start()
        try:
            deadline = time.monotonic() + SECONDS_MAX
            while time.monotonic() < deadline and not any(load.refused for load in loads):
                if during(set().union(*(load.kids for load in loads)), ports):
                    break
                time.sleep(0.05)
            else:
                self.assertEqual([load.refused for load in loads], [[], [], []])
                self.fail("the keys rotate too slowly: " + servers[0].errors()[-2000:])
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            for load in loads:
                load.verifier.close()
        self.assertEqual([load.refused for load in loads], [[], [], []])
        for load in loads:
            self.assertGreater(load.count, 0)
            self.assertGreater(load.verifier.fetches, 1)

    def states(self):
        listed = subprocess.run([BINARY, "key", "list", "--json", "--data", self.folder.name + "/data"],
                                check=True, capture_output=True, text=True)
        return json.loads(listed.stdout)["keys"]

    # mission row 8: signing keys rotate by themselves, applications fetch the current ones, nobody is interrupted.
    def test_rotation_every_two_seconds_refuses_nobody(self):
        with self.server() as one, self.server() as two:
            self.under_load([one, two], lambda kids, _: len(kids) > ROTATIONS)
            self.assertEqual(one.stop(), 0)
            self.assertEqual(two.stop(), 0)
            for server in (one, two):
                self.assertNotIn('"error"', server.errors())
        states = {key["state"] for key in self.states()}
        self.assertIn("retired", states)

    def test_a_node_that_is_killed_at_any_moment_interrupts_nobody(self):
        chance, killed = random.Random(8), []
        with self.server() as one, self.server() as two:
            servers = [one, two]

            def kill_now_and_then(kids, ports):
                if len(killed) < max(2, ROTATIONS // 2) and chance.random() < 0.05:
                    which = chance.randrange(2)
                    servers[which].kill()
                    killed.append(which)
                    servers[which] = self.server()
                    ports[which] = servers[which].port
                return len(killed) >= 2 and len(kids) > min(ROTATIONS, len(killed) + 1)

            try:
                self.under_load(servers, kill_now_and_then)
            finally:
                for server in servers:
                    server.stop()
                    server.__exit__()

    def test_clocks_that_differ_by_half_a_minute_interrupt_nobody(self):
        ahead = self.folder.name + "/ahead"
        with open(ahead, "wb") as file:
            file.write(struct.pack("=q", 30))
        env = {"LD_PRELOAD": CLOCK_STEPS, "JETON_TEST_CLOCK_STEP": ahead}
        with self.server() as one, self.server(env=env) as two:
            self.under_load([one, two], lambda kids, _: len(kids) > min(ROTATIONS, 3), leeway=40, asks_issuer=False)

    def test_a_revoked_key_is_out_within_a_moment_and_the_next_signs(self):
        with self.server() as one, self.server() as two:
            client = Client(one.port)
            self.assertEqual(client.register()[0], 201)
            deadline = time.monotonic() + SECONDS_MAX
            while not any(key["state"] == "standby" and key["alg"] == "ES256" for key in self.states()):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
            active = next(key["kid"] for key in self.states() if key["state"] == "active" and key["alg"] == "ES256")
            revoke = [BINARY, "key", "revoke", active[:12], "--json", "--data", self.folder.name + "/data"]
            done = subprocess.run(revoke, check=True, capture_output=True, text=True)
            self.assertEqual(json.loads(done.stdout)["revoked"], active)
            for port in (one.port, two.port):
                while active in json.dumps(Client(port).get("/.well-known/jwks.json")[1]):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.02)
                status, login = Client(port).login()
                self.assertEqual(status, 200)
                self.assertNotEqual(kid_of(login["accessToken"]), active)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
