"""How `tools/bench edge` builds, starts and loads what it compares: `jeton gateway`, nginx and HAProxy.

Every server has one thread and one core; the client has the other core of the machine, and tells the server's own CPU
time for a request. All servers run side by side, and the rounds go around: what the machine does besides meets all.
"""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build" / "release"
JETON, BENCH, TOKENS_MAKER = BUILD / "jeton", BUILD / "bench" / "edge_bench", BUILD / "bench" / "edge_tokens"
TOKENS = TOP / "build" / "bench" / "edge"
TOKENS_SECONDS_MAX = 20 * 3600  # of the 24 h that they live
MOST_TOKENS, OTHER_TOKENS = 1_000_000, 40_000
CONNECTIONS, ROUNDS, SECONDS = 64, 7, 0.7
START_SECONDS_MAX = 30
FORWARDED = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: /v1/tracks/12/stream", "X-Forwarded-Host: api.example.com",
             "X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    say(f"bench: {text}")
    sys.exit(1)


def build():
    say("build build/release")
    for step in (["cmake", "--preset", "release", "-DJETON_EXAMPLES=OFF", "-DJETON_BENCH=ON"],
                 ["ninja", "-C", str(BUILD), "jeton_binary", "edge_bench", "edge_tokens"]):
        done = subprocess.run(step, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            say(done.stdout[-4000:])
            fail(f"could not run: {' '.join(step)}")


def make_tokens(count):
    """Signing takes 0.3 ms a token, so they are kept while they live."""
    stamp = TOKENS / f"made-{count}"
    if stamp.is_file() and time.time() - stamp.stat().st_mtime < TOKENS_SECONDS_MAX:
        return
    say(f"sign {count + 2 * OTHER_TOKENS:,} tokens into build/bench/edge")
    shutil.rmtree(TOKENS, ignore_errors=True)
    TOKENS.mkdir(parents=True)
    if subprocess.run([TOKENS_MAKER, str(TOKENS), str(count)], check=False).returncode != 0:
        fail("no tokens")
    for number in range(ROUNDS):
        share = OTHER_TOKENS // ROUNDS
        for kind in ("cold", "forged"):
            lines = (TOKENS / f"rs256.{kind}").read_text().splitlines()[number * share:(number + 1) * share]
            (TOKENS / f"{kind}-{number}").write_text("\n".join(lines) + "\n")
    stamp.touch()


def cores():
    """The core for servers and the core for the client."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    return usable[0], usable[-1]


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core}) if hasattr(os, "sched_setaffinity") else None


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    import socket
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    fail(f"nothing listens on port {port}")


# --- the servers -----------------------------------------------------------------------------------------------------


NGINX = """daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_header_buffer_size 4k; large_client_header_buffers 4 16k;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{body}"; }} }}
}}
"""

HAPROXY = """global
  nbthread 1
  maxconn 8192
  tune.bufsize 16384
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
frontend plain
  bind 127.0.0.1:{plain}
  http-request return status 200
frontend hs256
  bind 127.0.0.1:{hs256}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny unless {{ var(txn.bearer),jwt_header_query('$.alg') -m str HS256 }}
  http-request deny unless {{ var(txn.bearer),jwt_verify("HS256","{secret}") -m int 1 }}
  http-request return status 200
frontend rs256
  bind 127.0.0.1:{rs256}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny unless {{ var(txn.bearer),jwt_header_query('$.alg') -m str RS256 }}
  http-request deny unless {{ var(txn.bearer),jwt_verify("RS256","{pem}") -m int 1 }}
  http-request return status 200
frontend proxy
  bind 127.0.0.1:{proxy}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny unless {{ var(txn.bearer),jwt_header_query('$.alg') -m str RS256 }}
  http-request deny unless {{ var(txn.bearer),jwt_verify("RS256","{pem}") -m int 1 }}
  default_backend origin
backend origin
  http-reuse always
  server origin 127.0.0.1:{origin}
"""

GATEWAY = """[gateway]
listen = "{listen}"
forward_auth = "127.0.0.1:0"
operations = "127.0.0.1:0"
threads = 1
cached_tokens_max = {cached}
state = "{folder}/state"

[[issuer]]
url = "https://id.example.com"
jwks_file = "{jwks}"
profile = "access_token"
algorithms = ["RS256"]

[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]

[[route]]
name = "streams"
match = {{ path = "/v1/tracks/{{id}}/stream", method = ["GET"] }}
require = {{ audience = "api", plan = ["pro", "team"], role = "developer" }}
pass = {{ sub = "X-Auth-User", roles = "X-Auth-Roles" }}
upstream = "origin"
"""


class Servers:
    def __init__(self, with_proxy):
        self.folder = tempfile.mkdtemp(prefix="edge-", dir=TOP / "build")
        self.server_core, self.client_core = cores()
        self.running = []
        self.ports = {}
        self.pids = {}
        try:
            self._start(with_proxy)
        except BaseException:
            self.stop()
            raise

    def _spawn(self, name, words, core, **more):
        log = open(f"{self.folder}/{name}.err", "w")
        process = subprocess.Popen(words, stderr=log, preexec_fn=pinned(core), text=True, **more)
        self.running.append(process)
        self.pids[name] = process.pid
        return process

    def _nginx(self, name, body, core):
        folder = f"{self.folder}/{name}"
        os.mkdir(folder)
        self.ports[name] = free_port()
        path = pathlib.Path(folder, "nginx.conf")
        path.write_text(NGINX.format(folder=folder, port=self.ports[name], body=body))
        self._spawn(name, ["nginx", "-p", folder, "-c", str(path)], core)
        wait_for(self.ports[name])

    def _start(self, with_proxy):
        self._nginx("nginx", "", self.server_core)
        self._nginx("origin", "{}", self.client_core)
        names = ("plain", "hs256", "rs256", "proxy")
        haproxy = {name: free_port() for name in names}
        path = pathlib.Path(self.folder, "haproxy.cfg")
        path.write_text(HAPROXY.format(secret=(TOKENS / "hs256.secret").read_text(), pem=TOKENS / "rs256.pem",
                                       origin=self.ports["origin"], **haproxy))
        self._spawn("haproxy", ["haproxy", "-db", "-f", str(path)], self.server_core)
        for name in names:
            wait_for(haproxy[name])
            self.ports["haproxy-" + name] = haproxy[name]
        self.start_gateway("gateway", with_proxy)

    def start_gateway(self, name, with_proxy, cached=MOST_TOKENS):
        folder = f"{self.folder}/{name}"
        os.mkdir(folder)
        path = pathlib.Path(folder, "gateway.toml")
        path.write_text(GATEWAY.format(listen="127.0.0.1:0" if with_proxy else "", folder=folder, cached=cached,
                                       jwks=TOKENS / "jwks.json", origin=self.ports["origin"]))
        gateway = self._spawn(name, [str(JETON), "gateway", "--config", str(path)], self.server_core,
                              stdout=subprocess.PIPE)
        line = gateway.stdout.readline()
        for what, port in re.findall(r"(forward-auth|operations|proxy) http://127\.0\.0\.1:(\d+)", line):
            self.ports[f"{name}-{what}"] = int(port)
        if f"{name}-forward-auth" not in self.ports:
            fail(f"the gateway did not start: {line}{pathlib.Path(self.folder, name + '.err').read_text()}")

    def stop(self):
        for process in self.running:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def resident_bytes(self, name):
        for line in pathlib.Path(f"/proc/{self.pids[name]}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def bench(self, mode, port, process, tokens, count, status, target, headers=(), rate=0, seconds=SECONDS):
        words = [str(BENCH), mode, self.ports[port], self.pids[process], tokens, count, CONNECTIONS]
        words += [rate, seconds] if mode == "load" else []
        words += [status, target, *headers]
        for _ in range(3):
            done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=False,
                                  preexec_fn=pinned(self.client_core))
            if done.returncode != 0:
                fail(f"could not run: {' '.join(map(str, words))}")
            if '"answered":0' not in done.stdout:
                break  # else a machine that was so busy that nothing was answered in time
        else:
            fail(f"{port}: nothing is answered")
        figures = json.loads(done.stdout)
        if figures["refused"]:
            fail(f"{port}: {figures['refused']} answers were not {status}: a wrong answer has no speed")
        return figures


# --- the rows --------------------------------------------------------------------------------------------------------


class Rounds:
    """The figures of every row, one for each round."""

    def __init__(self):
        self.figures = {}

    def add(self, name, figures):
        self.figures.setdefault(name, []).append(figures)

    def median(self, name, what):
        return statistics.median(one[what] for one in self.figures[name])

    def row(self, name, tokens):
        per_us = self.median(name, "cpu_us")
        return {"name": name, "cpu_us": round(per_us, 2), "per_s": round(self.median(name, "per_s")),
                "p99_us": round(self.median(name, "p99_us")), "tokens": tokens}


STREAM = "/v1/tracks/12/stream"


def warm(servers, rounds, tokens, with_proxy):
    rs256, hs256 = TOKENS / "rs256.tokens", TOKENS / "hs256.tokens"
    few = min(tokens, 10_000)
    for port in ["gateway-forward-auth"] + (["gateway-proxy"] if with_proxy else []):
        forwarded = FORWARDED if port.endswith("auth") else []
        target = "/auth" if forwarded else STREAM
        for _ in range(2):  # a full cache takes a token the second time
            servers.bench("once", port, "gateway", rs256, tokens, 200, target, forwarded)
        if tokens > 1_000:
            break  # both ask the same cache
    for _ in range(ROUNDS):
        for name, port, process, file, count, target, headers in (
                ("nginx/return200", "nginx", "nginx", rs256, tokens, "/auth", FORWARDED),
                ("haproxy/plain", "haproxy-plain", "haproxy", rs256, tokens, "/auth", FORWARDED),
                ("haproxy/jwt_hs256", "haproxy-hs256", "haproxy", hs256, few, "/auth", FORWARDED),
                ("haproxy/jwt_rs256", "haproxy-rs256", "haproxy", rs256, tokens, "/auth", FORWARDED),
                ("forward_auth/rs256_warm", "gateway-forward-auth", "gateway", rs256, tokens, "/auth", FORWARDED),
                ("haproxy/proxy_jwt_rs256", "haproxy-proxy", "haproxy", rs256, tokens, STREAM, []),
                ("proxy/rs256_warm", "gateway-proxy", "gateway", rs256, tokens, STREAM, [])):
            if port in servers.ports:
                rounds.add(name, servers.bench("load", port, process, file, count, 200, target, headers))


def cold_and_forged(servers, rounds, with_proxy, tokens):
    """Tokens never seen before, and tokens whose signature is wrong, each once, beside so many that are known.

    Each round asks a gateway of its own, whose budget for failures is whole. A million tokens are known to one alone,
    which the shapes ask in turn: its budget lasts for the first forged ones.
    """
    count = OTHER_TOKENS // ROUNDS
    shapes = ["forward_auth"] + (["proxy"] if with_proxy else [])
    known_to_one = tokens > 10_000
    for number in range(ROUNDS):
        for shape in shapes[number % len(shapes):][:1] if known_to_one else shapes:
            name = "gateway" if known_to_one else f"{shape}-{number}"
            target, headers = ("/auth", FORWARDED) if shape == "forward_auth" else (STREAM, [])
            if not known_to_one:
                servers.start_gateway(name, with_proxy, cached=100_000)
            port = f"{name}-forward-auth" if shape == "forward_auth" else f"{name}-proxy"
            if not known_to_one:
                servers.bench("once", port, name, TOKENS / "rs256.tokens", tokens, 200, target, headers)
            for kind, status in (("cold", "200"), ("forged", "403,429")):
                figures = servers.bench("once", port, name, TOKENS / f"{kind}-{number}", count, status, target, headers)
                rounds.add(f"{shape}/rs256_{kind}", figures)
            if not known_to_one:
                os.kill(servers.pids[name], 15)


def rows(counts=(1, 10_000, MOST_TOKENS)):
    for program in ("nginx", "haproxy"):
        if shutil.which(program) is None:
            fail(f"there is no {program} here: tools/install-dependencies bench")
    build()
    make_tokens(max(counts))
    with_proxy = True
    for tokens in counts:
        servers = Servers(with_proxy)
        try:
            before = servers.resident_bytes("gateway")
            rounds = Rounds()
            say(f"{tokens:,} tokens")
            warm(servers, rounds, tokens, with_proxy)
            if tokens == max(counts):
                grown = servers.resident_bytes("gateway") - before
                yield {"name": "memory/cached_tokens", "bytes": grown, "tokens": tokens}
            cold_and_forged(servers, rounds, with_proxy, tokens)
            for name in rounds.figures:
                yield rounds.row(name, tokens)
            nginx, haproxy = (rounds.median(name, "cpu_us") for name in ("nginx/return200", "haproxy/jwt_rs256"))
            ours = rounds.median("forward_auth/rs256_warm", "cpu_us")
            yield {"name": "ratio/forward_auth_to_nginx", "ratio": round(ours / nginx, 3), "tokens": tokens}
            yield {"name": "ratio/forward_auth_to_haproxy_rs256", "ratio": round(ours / haproxy, 3), "tokens": tokens}
            if "proxy/rs256_warm" in rounds.figures:
                ratio = rounds.median("proxy/rs256_warm", "cpu_us") / rounds.median("haproxy/proxy_jwt_rs256", "cpu_us")
                yield {"name": "ratio/proxy_to_haproxy_proxy", "ratio": round(ratio, 3), "tokens": tokens}
        finally:
            servers.stop()
