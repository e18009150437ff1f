"""Two `jeton gateway` processes keep one limit through a real Redis or Valkey server, with its password."""
import contextlib
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

import edge
from edge import Folder, Gateway, Origin, Tokens, request

BINARY = None
HOST = ("Host", "api.example.com")
POLICY = edge.POLICY.replace('/day"', '/h"')
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
        program = shutil.which("valkey-server") or shutil.which("redis-server")
        self.process = subprocess.Popen([program, f"{self.folder}/server.conf"])
        wait_until(pathlib.Path(self.socket).exists)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.kill()

    def settings(self, away):
        return (f'shared_limits = "unix:{self.socket}"\nshared_limits_secret = "{self.folder}/secret"\n'
                f'shared_limits_password = "{self.folder}/password"\nshared_limits_away = "{away}"\n')


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

    def gateway(self, away="local"):
        folder = self.open.enter_context(Folder())
        self.tokens = getattr(self, "tokens", None) or Tokens(BINARY, folder)
        self.tokens.publish(path=f"{folder}/jwks.json")
        return self.open.enter_context(Gateway(BINARY, folder, self.origin.port, POLICY, listen="127.0.0.1:0",
                                               more=self.server.settings(away)))

    def ask(self, gateway, token):
        status, headers, _ = request(gateway.ports["proxy"], "GET", "/v1/limited", [HOST], token=token)
        return status, headers

    def told(self, gateway):
        """Until what was counted is told: after one exchange more than there were."""
        text = request(gateway.ports["operations"], "GET", "/metrics")[2]
        return sum(float(line.split()[1]) for line in text.splitlines()
                   if line.startswith("jeton_shared_limits_exchanges_total "))

    # mission row 24: by the plan in the token, at whatever gateway.
    def test_what_one_let_through_is_missing_at_the_other(self):
        one, other = self.gateway(), self.gateway()
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
        local, refusing = self.gateway("local"), self.gateway("refuse")
        token = self.tokens.sign("listener", claims=("plan=premium",))
        wait_until(lambda: self.ask(refusing, token)[0] in (200, 429))
        self.server.kill()
        wait_until(lambda: self.ask(refusing, token)[0] == 503)
        other = self.tokens.sign("another", claims=("plan=premium",))
        self.assertEqual([self.ask(local, other)[0] for _ in range(4)], [200, 200, 200, 429])
        self.assertEqual(self.ask(refusing, other)[0], 503)
        for gateway in (local, refusing):
            self.assertNotIn("correct-horse", gateway.errors())


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
