"""A `jeton serve` that keeps its port through restarts, and services guarded by jeton::Agent that follow it."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from jeton_server import Client, Server

WAIT_SECONDS_MAX = 120  # for a machine that is busy


def free_port():
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(condition, what, also=lambda: ""):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"never happened: {what} {also()}")


class Issuer:
    """With a client that may follow its feed."""

    def __init__(self, binary, folder, config=""):
        self.binary, self.folder, self.port = binary, folder, free_port()
        self.data = folder + "/data"
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder + "/jeton.toml"
        with open(self.config, "w") as file:
            file.write(config)
        self.server = None
        self.start()
        made = self.command("client", "create", "--id", "verifier", "--scope", "feed:read")
        self.secret_file = folder + "/secret"
        with open(self.secret_file, "w") as file:
            file.write(re.search(r"secret\s+(\S+)", made).group(1))
        self.feed_keys = folder + "/feed.jwks"
        with open(self.feed_keys, "w") as file:
            file.write(self.command("feed", "key"))

    def start(self):
        self.server = Server(self.binary, "--config", self.config, data=self.data, listen=f"127.0.0.1:{self.port}")
        assert self.server.port == self.port, self.server.errors()

    def command(self, *arguments):
        done = subprocess.run([self.binary, *arguments, "--data", self.data, "--config", self.config],
                              capture_output=True, text=True, timeout=WAIT_SECONDS_MAX)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def client(self):
        return Client(self.port)


class Verifier:
    def __init__(self, binary, issuer_url, state=None, env=None, **more):
        self.env = {**os.environ, **(env or {})}
        self.arguments = [binary, f"issuer={issuer_url}"] + [f"{name}={value}" for name, value in more.items()]
        if state:
            self.arguments.append(f"state={state}")
        self.start()

    @classmethod
    def of(cls, binary, issuer, state=None, url=None, **more):
        return cls(binary, url or issuer.url, state, client="verifier", secret=issuer.secret_file,
                   feed_keys=issuer.feed_keys, **more)

    def start(self):
        self.log = []
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=self.env)
        self._drain = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self._drain.start()
        line = self.process.stdout.readline()
        assert line.startswith("verifier on "), line + "".join(self.log)
        self.port = int(line.split()[-1])
        self._connection = threading.local()

    def get(self, path, token=None):
        """Status and body."""
        connection = getattr(self._connection, "value", None)
        if connection is None:
            connection = self._connection.value = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": "Bearer " + token} if token else {})
            answer = connection.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._connection.value = None
            raise
        return answer.status, body

    def open(self, token):
        return self.get("/open", token)[0]

    def strict(self, token):
        return self.get("/strict", token)[0]

    def status(self):
        return json.loads(self.get("/status")[1])

    def is_allowed_as_stale(self, token):
        return self.get("/open", token) == (200, '{"stale":true}')

    def metric(self, name):
        """The sum over all labels that `name` leaves open."""
        total, found = 0, False
        for line in self.get("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.startswith(name) and not line.startswith("#"):
                total, found = total + float(value), True
        return total if found else None

    def is_fresh(self):
        status = self.status()
        return status["keys"] > 0 and status["staleness_ms"] is not None and status["staleness_ms"] < 3000

    def wait_until_fresh(self):
        wait_for(self.is_fresh, "a fresh verifier", lambda: f"{self.status()} {self.log[-5:]}")

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        connection = getattr(self._connection, "value", None)
        if connection is not None:
            connection.close()
        code = self.process.wait(WAIT_SECONDS_MAX)
        self._drain.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        self.start()
