"""A `jeton gateway` process as one of the verifiers that follow an issuer: asked as verifier.cc is, in either shape."""
import http.client
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

from verifier_process import WAIT_SECONDS_MAX, wait_for

SHAPES = ("proxy", "forward_auth")
ROUTE = """
[[route]]
name = "{name}"
match = {{ path = "/{name}" }}
require = {{ audience = "api" }}
staleness = {{ max = "{seconds}s", then = "{then}" }}
upstream = "origin"
"""
POLICY = """[gateway]
listen = "127.0.0.1:0"
forward_auth = "127.0.0.1:0"
operations = "127.0.0.1:0"
state = "{state}"
threads = 2

[[issuer]]
url = "{issuer}"
feed = true
feed_key = "{feed_keys}"
client_id = "{client}"
client_secret_file = "{secret}"

[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]
"""


class Origin:
    """Answers every request with 200 and `{}`, and counts them."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
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
        waiting = b""
        with one:
            try:
                while data := one.recv(65536):
                    waiting += data
                    while b"\r\n\r\n" in waiting:
                        waiting = waiting.split(b"\r\n\r\n", 1)[1]
                        one.sendall(self.ANSWER)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class EdgeVerifier:
    """`shape` is "proxy" or "forward_auth"; without one every other question takes the other way, so that the two may
    not differ in anything that a test can see."""

    def __init__(self, binary, issuer, state, origin, shape=None, staleness=10_000, client="verifier", env=None, **_):
        self.binary, self.shapes = binary, itertools.cycle((shape,) if shape else SHAPES)
        self.env = {**os.environ, **(env or {})}
        self.path = state + ".toml"
        text = POLICY.format(state=state, issuer=issuer.url, feed_keys=issuer.feed_keys, client=client,
                             secret=issuer.secret_file, origin=origin.port)
        for name, then in (("open", "allow"), ("strict", "deny")):
            text += ROUTE.format(name=name, then=then, seconds=staleness // 1000)
        pathlib.Path(self.path).write_text(text)
        self.start()

    def start(self):
        self.log = []
        self.process = subprocess.Popen([self.binary, "gateway", "--config", self.path], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=self.env)
        self._drain = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self._drain.start()
        line = self.process.stdout.readline()
        self.ports = {what.replace("-", "_"): int(port) for what, port in
                      re.findall(r"(forward-auth|operations|proxy) http://127\.0\.0\.1:(\d+)", line)}
        assert len(self.ports) == 3, line + "".join(self.log)
        self._connections = threading.local()

    def ask(self, what, target, headers):
        kept = self._connections.__dict__ if what != "operations" else {}  # asked seldom: it would be closed meanwhile
        connection = kept.get(what)
        if connection is None:
            connection = kept[what] = http.client.HTTPConnection("127.0.0.1", self.ports[what], timeout=60)
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
            del kept[what]
            raise
        if what == "operations":
            connection.close()
        return answer.status, body

    def get(self, path, token=None):
        """Status and body. An allowed request's body is `{}`, whoever answered it."""
        headers = {"Authorization": "Bearer " + token} if token else {}
        shape = next(self.shapes)
        if shape == "proxy":
            return self.ask(shape, path, headers)
        status, body = self.ask(shape, "/auth", {**headers, "X-Forwarded-Method": "GET", "X-Forwarded-Uri": path,
                                                 "X-Forwarded-Host": "api.example.com", "X-Forwarded-Proto": "https",
                                                 "X-Forwarded-For": "192.0.2.7"})
        return status, "{}" if status == 200 else body

    def open(self, token):
        return self.get("/open", token)[0]

    def strict(self, token):
        return self.get("/strict", token)[0]

    def is_allowed_as_stale(self, token):
        counted = self.metric("jeton_gateway_stale_allowed_total") or 0
        return self.open(token) == 200 and (self.metric("jeton_gateway_stale_allowed_total") or 0) > counted

    def metric(self, name):
        """The sum over all labels that `name` leaves open."""
        total, found = 0, False
        for line in self.ask("operations", "/metrics", {})[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name or series == name:
                total, found = total + float(value), True
        return total if found else None

    def status(self):
        staleness = self.metric("jeton_agent_feed_staleness_milliseconds")
        return {"keys": self.metric("jeton_agent_has_all_keys"),
                "generation": self.metric("jeton_agent_verifiers_total"),
                "connected": self.metric("jeton_agent_feed_connected") == 1,
                "staleness_ms": None if staleness in (None, float("inf")) else staleness,
                "entries": self.metric("jeton_agent_revocations")}

    def is_fresh(self):
        status = self.status()
        return status["keys"] == 1 and status["staleness_ms"] is not None and status["staleness_ms"] < 3000

    def wait_until_fresh(self):
        wait_for(self.is_fresh, "a fresh gateway", lambda: f"{self.status()} {self.log[-5:]}")

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        for connection in self._connections.__dict__.values():
            connection.close()
        code = self.process.wait(WAIT_SECONDS_MAX)
        self._drain.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        self.start()
