"""Two `jeton gateway` processes keep one limit through a real Redis or Valkey server, with its password, whatever
happens to that server: it is killed, comes back empty, stops answering, refuses, or wants another password."""
import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import edge
from edge import Folder, Gateway, Origin, Tokens, request

BINARY = None
HOST = ("Host", "api.example.com")
HOURLY = ('"1/h"', '"3/h"')
SECONDS_MAX = 60


class LimitsServer:
    def __init__(self, folder):
        self.folder, self.socket = folder, f"{folder}/limits.sock"
        pathlib.Path(f"{folder}/server.conf").write_text(
            f'port 0\nunixsocket {self.socket}\nsave ""\nappendonly no\ndir {folder}\nlogfile {folder}/server.log\n'
            "requirepass correct-horse\n")
        pathlib.Path(f"{folder}/password").write_text("correct-horse\n")
        pathlib.Path(f"{folder}/secret").write_text("the same at every gateway\n")
        for name in ("password", "secret"):
            pathlib.Path(f"{folder}/{name}").chmod(0o600)

    def __enter__(self):
        self.start()
        return self

    def start(self):
        """With nothing in its memory."""
        program = shutil.which("valkey-server") or shutil.which("redis-server")
        pathlib.Path(self.socket).unlink(missing_ok=True)
        self.process = subprocess.Popen([program, f"{self.folder}/server.conf"])
        wait_until(pathlib.Path(self.socket).exists)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.kill()

    def settings(self, away, password="password"):
        return (f'shared_limits = "unix:{self.socket}"\nshared_limits_secret = "{self.folder}/secret"\n'
                f'shared_limits_password = "{self.folder}/{password}"\nshared_limits_away = "{away}"\n')

    def ask(self, *words):
        """What the server answers, in Python's types."""
        with socket.socket(socket.AF_UNIX) as one, one.makefile("rb") as file:
            one.connect(self.socket)
            for command in (("AUTH", "correct-horse"), words):
                text = f"*{len(command)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in command)
                one.sendall(text.encode())
                answer = self.read(file)
            return answer

    def read(self, file):
        kind, text = file.read(1), file.readline().strip().decode()
        if kind == b"*":
            return [self.read(file) for _ in range(int(text))]
        if kind == b"$":
            return file.read(int(text) + 2)[:-2].decode() if int(text) >= 0 else None
        return int(text) if kind == b":" else text


def wait_until(condition):
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it does not come true")
        time.sleep(0.01)


class SharedLimits(unittest.TestCase):
    def setUp(self):
        self.open = contextlib.ExitStack()
        self.addCleanup(self.open.close)
        self.origin = self.open.enter_context(Origin())
        self.server = self.open.enter_context(LimitsServer(self.open.enter_context(Folder())))

    def gateway(self, away="local", limits=('"1/day"', '"3/day"'), password="password"):
        folder = self.open.enter_context(Folder())
        self.tokens = getattr(self, "tokens", None) or Tokens(BINARY, folder)
        self.tokens.publish(path=f"{folder}/jwks.json")
        policy = edge.POLICY.replace('"1/day"', limits[0]).replace('"3/day"', limits[1])
        return self.open.enter_context(Gateway(BINARY, folder, self.origin.port, policy, listen="127.0.0.1:0",
                                               more=self.server.settings(away, password)))

    def ask(self, gateway, token):
        status, headers, _ = request(gateway.ports["proxy"], "GET", "/v1/limited", [HOST], token=token)
        return status, headers

    def metric(self, gateway, name):
        text = request(gateway.ports["operations"], "GET", "/metrics")[2]
        return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

    def told(self, gateway):
        return self.metric(gateway, "jeton_shared_limits_exchanges_total")

    def is_away(self, gateway):
        return self.metric(gateway, "jeton_shared_limits_away") == 1

    # mission row 24: by the plan in the token, at whatever gateway.
    def test_what_one_let_through_is_missing_at_the_other(self):
        one, other = self.gateway(limits=HOURLY), self.gateway(limits=HOURLY)
        token = self.tokens.sign("listener", claims=("plan=premium",))
        self.assertEqual([self.ask(one, token)[0] for _ in range(2)], [200, 200])
        wait_until(lambda: self.told(one) >= 1)
        status, headers = self.ask(other, token)  # it has not heard of this caller yet
        self.assertEqual(status, 200)
        self.assertIn("ratelimit-policy", headers)
        wait_until(lambda: self.ask(other, token)[0] == 429)
        status, headers = self.ask(other, token)
        self.assertEqual(status, 429)
        self.assertGreater(int(headers["retry-after"]), 60)
        self.assertIn('"limited";r=0', headers["ratelimit"])
        # Never more than the limit and one for each gateway that had not heard.
        self.assertLessEqual(len(self.origin.requests), 3 + 1)

    def test_a_server_that_is_away_stops_whom_it_should(self):
        local, refusing = self.gateway("local", HOURLY), self.gateway("refuse", HOURLY)
        token = self.tokens.sign("listener", claims=("plan=premium",))
        wait_until(lambda: self.ask(refusing, token)[0] in (200, 429))
        self.server.kill()
        wait_until(lambda: self.ask(refusing, token)[0] == 503)
        other = self.tokens.sign("another", claims=("plan=premium",))
        self.assertEqual([self.ask(local, other)[0] for _ in range(4)], [200, 200, 200, 429])
        self.assertEqual(self.ask(refusing, other)[0], 503)
        for gateway in (local, refusing):
            self.assertNotIn("correct-horse", gateway.errors())

    def hammer(self, gateways, token, seconds):
        """How many were let through, and in how long, by all gateways at once."""
        passed, stop = [], threading.Event()

        def ask_on(gateway):
            while not stop.is_set():
                status, _ = self.ask(gateway, token)
                if status == 200:
                    passed.append(gateway)
                elif status != 429:
                    passed.append(None)
        threads = [threading.Thread(target=ask_on, args=(gateway,)) for gateway in gateways for _ in range(3)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertNotIn(None, passed, "neither 200 nor 429")
        return len(passed), time.monotonic() - begin

    def test_two_at_full_speed_stay_within_the_stated_overshoot(self):
        gateways = [self.gateway(limits=('"1/h"', '"20/s burst 40"')) for _ in range(2)]
        token = self.tokens.sign("hasty", claims=("plan=premium",))
        passed, took = self.hammer(gateways, token, 3)
        # docs/limits.md: burst + rate * T, and (N - 1) * (burst + rate * lag); the lag here is below T however slow.
        self.assertLessEqual(passed, 40 + 20 * took + (40 + 20 * took))
        self.assertGreaterEqual(passed, 40)
        # What was too much is owed: over a longer time two let through no more than one would.
        further, took = self.hammer(gateways, token, 3)
        self.assertLessEqual(further, 20 * took + 20)

    def test_a_server_that_stops_answering_holds_no_request_up(self):
        gateways = [self.gateway(away) for away in ("local", "refuse")]
        tokens = [self.tokens.sign(f"s{number}", claims=("plan=premium",)) for number in range(4)]
        for gateway in gateways:
            wait_until(lambda: self.ask(gateway, tokens[0])[0] in (200, 429))
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            # It never answers any of these, so whoever waited for it would wait for ever.
            for gateway in gateways:
                for token in tokens[1:] * 20:
                    self.assertIn(self.ask(gateway, token)[0], (200, 429, 503))
            wait_until(lambda: self.is_away(gateways[0]))
            fresh = self.tokens.sign("fresh", claims=("plan=premium",))
            self.assertEqual([self.ask(gateways[0], fresh)[0] for _ in range(4)], [200, 200, 200, 429])
            wait_until(lambda: self.ask(gateways[1], fresh)[0] == 503)
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        # What one counted alone is told when it is back: nothing is left of that day's three at the other.
        wait_until(lambda: not self.is_away(gateways[0]) and not self.is_away(gateways[1]))
        wait_until(lambda: self.ask(gateways[1], fresh)[0] == 429)

    def test_a_server_that_comes_back_empty_learns_what_the_gateways_know(self):
        one, other = self.gateway(), self.gateway()
        token = self.tokens.sign("listener", claims=("plan=premium",))
        self.assertEqual([self.ask(one, token)[0] for _ in range(3)], [200] * 3)
        wait_until(lambda: self.ask(other, token)[0] == 429)
        self.server.kill()
        for gateway in (one, other):
            wait_until(lambda: self.is_away(gateway))
            self.assertEqual(self.ask(gateway, token)[0], 429, "its own count goes on")
        self.server.start()
        wait_until(lambda: not self.is_away(one) and not self.is_away(other))
        self.assertEqual(self.ask(one, token)[0], 429)
        third = self.gateway()  # knows nothing but what the server tells
        let_through = 0

        def is_refused():
            nonlocal let_through
            self.ask(one, token)
            status, _ = self.ask(third, token)
            let_through += status == 200
            return status == 429
        wait_until(is_refused)
        self.assertLessEqual(let_through, 3, "no more than one gateway alone within the lag")

    def test_a_server_that_refuses_to_write_is_as_good_as_away(self):
        gateway, strict = self.gateway(), self.gateway("refuse")
        token = self.tokens.sign("listener", claims=("plan=premium",))
        self.server.ask("CONFIG", "SET", "maxmemory", "1")
        wait_until(lambda: self.ask(gateway, token)[0] == 429 and self.is_away(gateway))
        gateway.wait_for_log("OOM")
        wait_until(lambda: self.ask(strict, self.tokens.sign("x", claims=("plan=premium",)))[0] == 503)
        self.server.ask("CONFIG", "SET", "maxmemory", "0")
        wait_until(lambda: not self.is_away(gateway))
        wait_until(lambda: self.ask(strict, token)[0] == 429)

    def test_a_wrong_password_is_told_and_counts_as_away(self):
        pathlib.Path(f"{self.server.folder}/wrong").write_text("wrong-horse\n")
        pathlib.Path(f"{self.server.folder}/wrong").chmod(0o600)
        gateway, strict = self.gateway(password="wrong"), self.gateway("refuse", password="wrong")
        token = self.tokens.sign("listener", claims=("plan=premium",))
        self.assertEqual([self.ask(gateway, token)[0] for _ in range(4)], [200, 200, 200, 429])
        self.assertEqual(self.ask(strict, token)[0], 503)
        for one in (gateway, strict):
            one.wait_for_log("shared_limits_away")
            one.wait_for_log("WRONGPASS")
            self.assertNotIn("horse", one.errors())

    def test_what_lies_at_the_server_ends_by_itself_and_names_nobody(self):
        gateways = [self.gateway(limits=limits) for limits in (HOURLY, ('"1/day"', '"3/day"'))]
        for number in range(20):
            token = self.tokens.sign(f"somebody-{number}", claims=("plan=premium",))
            for gateway in gateways:
                self.ask(gateway, token)
        wait_until(lambda: len(self.server.ask("KEYS", "*")) >= 42)  # 20 of each, and a mark of each gateway
        day = 24 * 3600 * 1000
        for key in self.server.ask("KEYS", "*"):
            left = self.server.ask("PTTL", key)
            self.assertGreater(left, 0, key)
            # A day's count two days, a rate's its debt of 17 windows and a second, a batch's mark an hour.
            most = {"q": 2 * day, "r": 17 * 3600 * 1000 + 1000, "g": 3600 * 1000}[key.split(":")[1]]
            self.assertLessEqual(left, most, key)
            self.assertRegex(key, r"^jeton:(r:[0-9a-f]{32}|q:[0-9]+:[0-9a-f]{32}|g:[0-9a-f]{32}:[0-7])$")


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
