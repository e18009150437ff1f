"""How `tools/bench issuer` and `tools/soak sessions` build, fill, start and load an issuer of their own."""
import base64
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "e2e"))
from jeton_server import EMAIL, PASSWORD, Client, Server  # noqa: E402

BUILD = TOP / "build" / "release"
BENCH = BUILD / "bench" / "issuer_bench"
JETON = BUILD / "jeton"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
REFRESH_CONNECTIONS, LOGIN_CONNECTIONS = 128, 8
# F16: so many logins at once all the time, each waiting for its hash, and refreshes due at this rate beside them.
LOGINS_AT_ONCE, REFRESHES_BESIDE, BESIDE_SECONDS, BESIDE_ROUNDS = 200, 500, 4, 5
MANY_LOGINS = f"""
[accounts]
argon2_queue = {2 * LOGINS_AT_ONCE}
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def build():
    say("build build/release")
    for step in (["cmake", "--preset", "release", "-DJETON_EXAMPLES=OFF", "-DJETON_BENCH=ON"],
                 ["ninja", "-C", str(BUILD), "jeton_binary", "issuer_bench"]):
        done = subprocess.run(step, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            say(done.stdout[-4000:])
            sys.exit(f"could not run: {' '.join(step)}")


def bench(*words):
    """One run of issuer_bench: what it printed."""
    done = subprocess.run([str(BENCH), *map(str, words)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"failed: issuer_bench {' '.join(map(str, words))}")
    return json.loads(done.stdout) if done.stdout else None


KEPT = TOP / "build" / "sessions"


class Issuer:
    """A data directory on the disk of the repository, filled, and the server on it. `keep`: filled once, in
    build/sessions, and copied from there."""

    def __init__(self, sessions, tokens, keep=False, settings=""):
        self.settings = settings
        (TOP / "build").mkdir(exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="issuer-load-", dir=TOP / "build")
        self.data = self.folder + "/data"
        self.tokens = self.folder + "/tokens"
        self.config = self.folder + "/jeton.toml"
        kept = KEPT / str(sessions)
        if not (keep and kept.is_dir()):
            self.fill(sessions, tokens)
        if keep and not kept.is_dir():
            KEPT.mkdir(exist_ok=True)
            shutil.copytree(self.folder, kept)
        elif keep:
            shutil.copytree(kept, self.folder, dirs_exist_ok=True)

    def fill(self, sessions, tokens):
        with open(self.config, "w") as file:
            file.write('[log]\nlevel = "warning"\n' + self.settings)
        self.server = None
        with self.running() as server:
            client = Client(server.port)
            body = {"email": EMAIL, "password": PASSWORD}
            if (client.register()[0] != 201 or
                    client.request("POST", "/api/auth/login", body, {"User-Agent": BROWSER})[0] != 200):
                sys.exit("no session to begin with")
            server.stop()
        began = time.monotonic()
        bench("fill", self.data, sessions, tokens, self.tokens)
        say(f"{sessions:,} sessions filled in {time.monotonic() - began:.1f} s")

    def running(self):
        return Server(str(JETON), "--config", self.config, data=self.data)

    def refresh(self, server, rate, seconds, connections=REFRESH_CONNECTIONS):
        return whole(bench("refresh", server.port, server.process.pid, self.tokens, connections, rate, seconds))

    def login(self, server, rate, seconds):
        return whole(bench(*self.login_words(server, LOGIN_CONNECTIONS, rate, seconds)))

    @staticmethod
    def login_words(server, connections, rate, seconds):
        body = json.dumps({"email": EMAIL, "password": PASSWORD})
        return ["post", server.port, server.process.pid, connections, rate, seconds, "/api/auth/login", body,
                "Content-Type: application/json"]

    def refresh_beside_logins(self, server):
        """The load of the logins is there before the first refresh and after the last."""
        words = self.login_words(server, LOGINS_AT_ONCE, 0, BESIDE_SECONDS + 4)
        logins = subprocess.Popen([str(BENCH), *map(str, words)], stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        run = self.refresh(server, REFRESHES_BESIDE, BESIDE_SECONDS)
        busy = logins.poll() is None
        answered = whole(json.loads(logins.communicate()[0]))["answered"]
        if not busy or answered == 0:
            sys.exit("the logins were over before the refreshes")
        return run

    def client_credentials(self, server, rate, seconds):
        basic = base64.b64encode(b"bench-service:bench-secret").decode()
        return whole(bench("post", server.port, server.process.pid, REFRESH_CONNECTIONS, rate, seconds,
                           "/oauth2/token", "grant_type=client_credentials", "Authorization: Basic " + basic,
                           "Content-Type: application/x-www-form-urlencoded"))

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def whole(figures):
    if figures["refused"]:
        sys.exit(f"{figures['refused']} requests were refused: {figures}")
    return figures


def resident_megabytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(name, floor, load, rounds, open_seconds):
    """In turns: the floor, as many requests as the server takes, and 80 % of those, due at random moments. Medians."""
    floors, closed, opened = [], [], []
    for _ in range(rounds):
        floors.append(floor())
        closed.append(load(0, 2))
        opened.append(load(0.8 * closed[-1]["per_s"], open_seconds))
    cpu_us = statistics.median(one["cpu_us"] for one in closed)
    per_core, floor_rate = 1e6 / cpu_us, statistics.median(floors)
    say(f"{name}: {', '.join(format(one['per_s'], ',.0f') for one in closed)}/s on this machine beside its client; p99 "
        f"at 80 %: {', '.join(format(one['p99_ms'], '.1f') for one in opened)} ms")
    return {"name": name, "per_s_per_core": round(per_core, 1), "cpu_us": round(cpu_us, 2),
            "p99_ms": round(statistics.median(one["p99_ms"] for one in opened), 3),
            "floor_per_s": round(floor_rate, 1), "ratio": round(per_core / floor_rate, 4)}


def beside_logins(issuer):
    """F16: the p99 of refreshes beside two hundred logins at once, in turns with the p99 of as many without them."""
    idle, beside = [], []
    with issuer.running() as server:
        for _ in range(BESIDE_ROUNDS):
            idle.append(issuer.refresh(server, REFRESHES_BESIDE, BESIDE_SECONDS)["p99_ms"])
            beside.append(issuer.refresh_beside_logins(server)["p99_ms"])
    name = f"refresh/beside_{LOGINS_AT_ONCE}_logins"
    say(f"{name}: idle {', '.join(format(one, '.2f') for one in idle)} ms, beside them "
        f"{', '.join(format(one, '.2f') for one in beside)} ms")
    return {"name": name, "idle_p99_ms": round(statistics.median(idle), 3),
            "p99_ms": round(statistics.median(beside), 3),
            "ratio": round(statistics.median(beside) / statistics.median(idle), 3)}


def hurry():
    """For this process and all that it starts: as on a machine that does nothing else. Needs the privilege."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def rows(realtime):
    """The rows of `tools/bench issuer`, one after another."""
    build()
    if realtime:
        hurry()
    issuer = Issuer(sessions=10_000, tokens=10_000)
    try:
        yield {"name": "disk/sync", "per_s": bench("floor", "syncs", issuer.folder)["per_s"]}
        spare = Issuer(sessions=10_000, tokens=1)
        try:
            with issuer.running() as server:
                yield measure("refresh/durable", lambda: bench("floor", "updates", spare.data)["per_s"],
                              lambda rate, seconds: issuer.refresh(server, rate, seconds), 5, 3)
                yield measure("client_credentials", lambda: bench("floor", "signatures")["per_s"],
                              lambda rate, seconds: issuer.client_credentials(server, rate, seconds), 3, 3)
                threads = min(2, os.cpu_count())
                yield measure("login", lambda: bench("floor", "passwords", threads)["per_s"],
                              lambda rate, seconds: issuer.login(server, rate, seconds), 3, 3)
        finally:
            spare.close()
        yield from crowded_rows()
    finally:
        issuer.close()


def crowded_rows():
    issuer = Issuer(sessions=10_000, tokens=10_000, settings=MANY_LOGINS)
    try:
        yield beside_logins(issuer)
    finally:
        issuer.close()
