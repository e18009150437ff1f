"""edge_soak.py JETON SECONDS [EDGE_BENCH TOKENS_DIRECTORY]: a gateway under load while everything about it changes.

A real issuer rotates its keys every two seconds and tells its revocations; people sign in, use their tokens at both
shapes, and sign out; forged tokens come in between; the policy is reloaded all the time. With EDGE_BENCH another core's
worth of tokens of a second issuer. Nothing may be answered wrongly: a good token never refused, a revoked one never
accepted again once it was refused, a forged one never accepted. Memory and descriptors may not grow after a while.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import edge
from jeton_server import Client
from verifier_process import Issuer

WORKERS = 4
FORGER = "127.0.0.66"  # elsewhere: the failures of an address spend what its own new tokens may need
REFUSED_SECONDS_MAX = 60  # on a machine that is busy; the bound of a second is measured elsewhere
GROWTH_BYTES_MAX = 32 * 1024 * 1024
WRONG_SHOWN_MAX = 5
CONFIG = """
[accounts]
argon2_queue = 1000
[tokens]
access_lifetime = "1m"
jwks_max_age = "1s"
[keys]
rotation_period = "2s"
[log]
level = "error"
"""
POLICY = """[gateway]
listen = "127.0.0.1:0"
forward_auth = "127.0.0.1:0"
operations = "127.0.0.1:0"
state = "{folder}/state"
log_lines_per_second_max = 10
threads = 2

[[issuer]]
url = "{url}"
feed = true
feed_key = "{feed_keys}"
client_id = "verifier"
client_secret_file = "{secret}"

[[issuer]]
url = "https://id.example.com"
jwks_file = "{jwks}"
profile = "access_token"

[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]

[[route]]
name = "{name}"
match = {{ path = "/v1/tracks/{{id}}" }}
require = {{ audience = "api" }}
staleness = {{ max = "10s", then = "allow" }}
pass = {{ sub = "X-Auth-User" }}
upstream = "origin"

[[route]]
name = "streams"
match = {{ path = "/v1/tracks/{{id}}/stream" }}
require = {{ audience = "api" }}
pass = {{ sub = "X-Auth-User" }}
upstream = "origin"
"""


class Soak:
    def __init__(self, binary, folder):
        self.stop = threading.Event()
        self.wrong, self.counts, self.lock = [], {"good": 0, "revoked": 0, "forged": 0, "reloads": 0}, threading.Lock()
        self.issuer = Issuer(binary, folder, CONFIG)
        self.origin = edge.Origin()
        self.folder = folder
        self.jwks = f"{folder}/jwks.json"
        pathlib.Path(self.jwks).write_text('{"keys":[]}')
        self.policies = [POLICY.replace("{name}", name) for name in ("tracks", "tracks again")]
        self.binary = binary

    def start(self, jwks=None):
        if jwks is not None:
            self.jwks = jwks
        self.gateway = edge.Gateway(self.binary, self.folder, self.origin.port, self.text(0), ready=jwks is not None)
        self.gateway.__enter__()
        client = self.issuer.client()
        for number in range(WORKERS):
            status, body = client.register(f"dev{number}@example.com")
            if status not in (200, 201):
                raise AssertionError(body)

    def text(self, which):
        return self.policies[which].replace("{url}", self.issuer.url).replace(
            "{feed_keys}", self.issuer.feed_keys).replace("{secret}", self.issuer.secret_file).replace(
                "{jwks}", self.jwks)

    def note(self, what, wrong=None):
        with self.lock:
            self.counts[what] += 1
            if wrong is not None:
                self.wrong.append((what, wrong))

    def ask(self, token, shape, source=None):
        if shape == "proxy":
            return edge.request(self.gateway.ports["proxy"], "GET", "/v1/tracks/7", [("Host", "a")], token=token,
                                source=source)
        headers = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/v1/tracks/7"), ("X-Forwarded-Host", "a")]
        return edge.request(self.gateway.ports["forward-auth"], "GET", "/auth", headers, token=token,
                            source=source)

    def work(self, number):
        client = self.issuer.client()
        try:
            while not self.stop.is_set():
                self.turn(client, number)
        except Exception as error:  # the campaign is to say so, not to go on with fewer
            self.note("good", f"worker {number}: {error!r}")

    def turn(self, client, number):
        status, session = client.login(f"dev{number}@example.com")
        if status != 200:
            raise AssertionError(f"login {status} {session}")
        token = session["accessToken"]
        for _ in range(20):
            for shape in ("forward_auth", "proxy"):
                answer = self.ask(token, shape)
                self.note("good", None if answer[0] == 200 else answer)
            head, payload, signature = token.split(".")
            # The last letters stay: with others they might be no base64url, and the signature would not be looked at.
            forged = ".".join((head, payload, signature[:-12] + signature[-8:-4] + signature[-12:-8] + signature[-4:]))
            answer = self.ask(forged, "forward_auth", FORGER)
            if forged != token:
                self.note("forged", None if answer[0] in (401, 403, 429) else answer)
        if client.logout(session["refreshToken"])[0] != 204:
            raise AssertionError("logout")
        deadline = time.monotonic() + REFUSED_SECONDS_MAX
        while self.ask(token, "forward_auth")[0] == 200:
            if time.monotonic() > deadline:
                return self.note("revoked", "never refused")
            time.sleep(0.01)
        for shape in ("forward_auth", "proxy") * 5:
            answer = self.ask(token, shape)
            self.note("revoked", None if answer[0] == 401 else answer)

    def reload_on(self):
        which = 0
        while not self.stop.wait(0.5):
            which = 1 - which
            self.gateway.write(self.text(which))
            self.gateway.process.send_signal(signal.SIGHUP)
            with self.lock:
                self.counts["reloads"] += 1

    def measure(self):
        pid = self.gateway.process.pid
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024
        return resident, len(os.listdir(f"/proc/{pid}/fd"))

    def run(self, seconds, bench=None, tokens=None):
        threads = [threading.Thread(target=self.work, args=(number,)) for number in range(WORKERS)]
        threads.append(threading.Thread(target=self.reload_on))
        for thread in threads:
            thread.start()
        load = None
        if bench:
            words = [bench, "load", self.gateway.ports["forward-auth"], self.gateway.process.pid,
                     f"{tokens}/rs256.tokens", 10_000, 64, 0, seconds, 200, "/auth", "X-Forwarded-Method: GET",
                     "X-Forwarded-Uri: /v1/tracks/12/stream", "X-Forwarded-Host: a"]
            load = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)
        samples = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.gateway.process.poll() is None:
            time.sleep(min(1, seconds / 20))
            samples.append(self.measure())
        self.stop.set()
        for thread in threads:
            thread.join()
        if load is not None:
            figures = json.loads(load.communicate()[0])
            self.counts["load"] = figures["answered"]
            if figures["refused"]:
                self.wrong.append(("load", figures))
        return samples

    def end(self):
        code = self.gateway.stop()
        if code != 0:
            self.wrong.append(("end", code))
        self.issuer.server.stop()
        self.origin.__exit__(None, None, None)


def told_of(soak, wrong):
    """The line of the decision log for an answer, if there is one: it says why."""
    if not isinstance(wrong, tuple):
        return ""
    return next((f"\n    {line}" for line in soak.gateway.decisions()
                 if line["request"] == wrong[1].get("x-request-id")), "")


def judge(soak, samples):
    """What is wrong; empty if nothing is."""
    objections = [f"{what}: {wrong}{told_of(soak, wrong)}" for what, wrong in soak.wrong[:WRONG_SHOWN_MAX]]
    if len(soak.wrong) > WRONG_SHOWN_MAX:
        objections.append(f"and {len(soak.wrong) - WRONG_SHOWN_MAX} more")
    third = len(samples) // 3
    early = max(resident for resident, _ in samples[third:2 * third])
    late = max(resident for resident, _ in samples[2 * third:])
    if late > early + GROWTH_BYTES_MAX:
        objections.append(f"memory grows: {early:,} then {late:,} bytes")
    early, late = (max(files for _, files in part) for part in (samples[third:2 * third], samples[2 * third:]))
    if late > early + WORKERS * 4:
        objections.append(f"descriptors grow: {early} then {late}")
    for what in ("good", "revoked", "forged", "reloads"):
        if soak.counts[what] == 0:
            objections.append(f"nothing was {what}")
    return objections


def main():
    binary, seconds = sys.argv[1], float(sys.argv[2])
    bench, tokens = (sys.argv[3:5] + [None, None])[:2]
    with edge.Folder() as folder:
        soak = Soak(binary, folder)
        if tokens:
            soak.start(jwks=f"{tokens}/jwks.json")
        else:
            own = edge.Tokens(binary, folder)
            own.publish(path=soak.jwks)
            soak.start(jwks=soak.jwks)
        samples = soak.run(seconds, bench, tokens)
        soak.end()
        resident, files = samples[-1]
        print(f"{seconds:.0f} s: {soak.counts}, {resident / 1e6:.0f} MB, {files} descriptors")
        objections = judge(soak, samples)
        for objection in objections:
            print(f"WRONG {objection}")
        sys.exit(1 if objections else 0)


if __name__ == "__main__":
    main()
