"""A `jeton gateway` under test, an origin behind it, tokens, and the real proxies that ask it."""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = TOP / "examples"
START_SECONDS_MAX = 60
ISSUER = "https://id.example.com"

POLICY = """[gateway]
listen = "{listen}"
forward_auth = "127.0.0.1:0"
operations = "127.0.0.1:0"
state = "{folder}/state"
{more}
[[issuer]]
url = "https://id.example.com"
jwks_file = "{folder}/jwks.json"
profile = "access_token"
algorithms = ["ES256"]

[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]

[[route]]
name = "tracks"
match = {{ path = "/v1/tracks/{{id}}" }}
cors = {{ origins = ["https://app.example.com"] }}
require = {{ audience = "api" }}
pass = {{ sub = "X-Auth-User", roles = "X-Auth-Roles" }}
upstream = "origin"

[[route]]
name = "premium streams"
match = {{ path = "/v1/tracks/{{id}}/stream" }}
require = {{ audience = "api", plan = ["premium", "family"] }}
pass = {{ sub = "X-Auth-User", roles = "X-Auth-Roles" }}
upstream = "origin"

[[route]]
name = "limited"
match = {{ path = "/v1/limited" }}
require = {{ audience = "api" }}
limit = {{ by = "sub", plan = {{ free = "1/day", premium = "3/day" }} }}
upstream = "origin"

[[route]]
name = "public"
match = {{ path = "/public/**" }}
authentication = "optional"
require = {{ audience = "api" }}
pass = {{ sub = "X-Auth-User", roles = "X-Auth-Roles" }}
upstream = "origin"
"""


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="jeton-edge-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Tokens:
    """Made by the command line, with a key of its own."""

    def __init__(self, binary, folder, alg="ES256"):
        self.binary, self.key, self.folder = binary, f"{folder}/key-{time.monotonic_ns()}.jwk", folder
        self.run("key", "generate", "--alg", alg, "--out", self.key)

    def run(self, *words):
        done = subprocess.run([self.binary, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def publish(self, *others, path=None):
        sets = [json.loads(one.run("key", "jwks", one.key)) for one in (self, *others)]
        keys = [key for one in sets for key in one["keys"]]
        path = path or f"{self.folder}/jwks.json"
        pathlib.Path(path + ".new").write_text(json.dumps({"keys": keys}))
        os.rename(path + ".new", path)

    def public(self):
        return self.run("key", "jwks", self.key)

    def sign(self, subject="dev_1", audience="api", lifetime="15m", claims=(), now=None, issuer=ISSUER):
        words = ["token", "sign", "--key", self.key, "--issuer", issuer, "--audience", audience, "--subject", subject,
                 "--lifetime", lifetime, "--claim", "client_id=web"]
        for claim in claims:
            words += ["--claim", claim]
        if now is not None:
            words += ["--now", str(now)]
        return self.run(*words)


class Origin:
    """Answers 200 with what it was asked, as JSON."""

    def __init__(self):
        requests = self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size).decode("latin-1")
                if self.headers.get("Transfer-Encoding", "") == "chunked":
                    while (piece := int(self.rfile.readline(), 16)) > 0:
                        body += self.rfile.read(piece).decode("latin-1")
                        self.rfile.readline()
                    self.rfile.readline()
                seen = {"method": self.command, "target": self.path, "body": body,
                        "headers": [[name.lower(), value] for name, value in self.headers.items()]}
                requests.append(seen)
                text = json.dumps(seen).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a proxy that ends its connection by a reset

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Gateway:
    def __init__(self, binary, folder, origin_port, policy=POLICY, listen="", more="", arguments=(),
                 ready=True):
        self.ready = ready
        self.path = f"{folder}/gateway.toml"
        self.folder, self.origin_port, self.listen = folder, origin_port, listen
        self.write(policy, more)
        self.process = subprocess.Popen([binary, "gateway", "--config", self.path, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()
        self.line = self.process.stdout.readline()
        self.ports = {what: int(port) for what, port in
                      re.findall(r"(forward-auth|operations|proxy) https?://127\.0\.0\.1:(\d+)", self.line)}

    def write(self, policy, more=""):
        text = policy.format(folder=self.folder, origin=self.origin_port, listen=self.listen, more=more)
        pathlib.Path(self.path).write_text(text)

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def errors(self):
        return "".join(self.log)

    def wait_for_log(self, text, times=1):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if sum(text in line for line in list(self.log)) >= times:
                return
            time.sleep(0.01)
        raise AssertionError(f"{text!r} is not in the log: " + self.errors())

    def reload(self):
        seen = sum("configuration reloaded" in line for line in self.log)
        self.process.send_signal(signal.SIGHUP)
        self.wait_for_log("configuration reloaded", seen + 1)

    def reload_in_vain(self):
        """The reason."""
        seen = sum("not reloaded" in line for line in self.log)
        self.process.send_signal(signal.SIGHUP)
        self.wait_for_log("not reloaded", seen + 1)
        return [line for line in self.log if "not reloaded" in line][-1]

    def decisions(self):
        lines = [json.loads(line) for line in list(self.log) if line.startswith("{")]
        return [line for line in lines if line["event"] == "decision"]

    def metrics(self):
        return request(self.ports["operations"], "GET", "/metrics")[2]

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(START_SECONDS_MAX)
        self._drain.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def __enter__(self):
        if "forward-auth" not in self.ports and "proxy" not in self.ports:
            self.stop()
            raise AssertionError(f"not started: {self.line!r} {self.errors()}")
        deadline = time.monotonic() + START_SECONDS_MAX
        while self.ready and request(self.ports["operations"], "GET", "/readyz")[0] != 200:
            if time.monotonic() > deadline:
                raise AssertionError("not ready: " + self.errors())
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


def request(port, method, target, headers=(), body=None, token=None, source=None):
    """Status, headers by lower-case name, body text. Headers as pairs; several of one name are sent as such. `source`:
    the address that it comes from."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60,
                                            source_address=(source, 0) if source else None)
    try:
        names = {name.lower() for name, _ in headers}
        connection.putrequest(method, target, skip_host="host" in names, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if token is not None:
            connection.putheader("Authorization", "Bearer " + token)
        if body is not None and "transfer-encoding" not in names:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        text = answer.read().decode("latin-1")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text
    finally:
        connection.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process=None, log=None):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}: {pathlib.Path(log).read_text() if log else ''}")


# --- the real proxies, each with the configuration that stands in examples/ -------------------------------------------


def shipped(name, ports):
    """The text of an example, with the ports of this test for those it names: ours, the gateway's, the origin's, the
    issuer's."""
    text = (EXAMPLES / name).read_text()
    for old, new in zip(("127.0.0.1:8080", "127.0.0.1:8082", "127.0.0.1:9000", "127.0.0.1:9100"), ports):
        text = text.replace(old, f"127.0.0.1:{new}")
    return text.replace("example.com:8080", f"example.com:{ports[0]}")


@contextlib.contextmanager
def running(words, port, log, **more):
    with open(log, "w") as file:
        process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **more)
    try:
        wait_for(port, process, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def nginx(folder, port, gateway_port, origin_port, issuer_port=9):
    root = f"{folder}/nginx"
    os.makedirs(root, exist_ok=True)
    ports = (port, gateway_port, origin_port, issuer_port)
    pathlib.Path(root, "jeton.conf").write_text(shipped("nginx/jeton.conf", ports))
    temporary = "".join(f"{kind}_temp_path {root}/{kind};" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    pathlib.Path(root, "nginx.conf").write_text(
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; worker_processes 1; pid {root}/pid;\n"
        f"error_log {root}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; {temporary} include {root}/jeton.conf; }}\n")
    with running(["nginx", "-p", root, "-c", f"{root}/nginx.conf"], port, f"{root}/out.log") as process:
        yield process


@contextlib.contextmanager
def haproxy(folder, port, gateway_port, origin_port, issuer_port=9, script=None):
    root = f"{folder}/haproxy"
    os.makedirs(root, exist_ok=True)
    ports = (port, gateway_port, origin_port, issuer_port)
    pathlib.Path(root, "haproxy.cfg").write_text(shipped("haproxy/haproxy.cfg", ports))
    pathlib.Path(root, "jeton.lua").write_text(script or (EXAMPLES / "haproxy/jeton.lua").read_text())
    with running(["haproxy", "-db", "-f", "haproxy.cfg"], port, f"{root}/out.log", cwd=root) as process:
        yield process


@contextlib.contextmanager
def caddy(folder, port, gateway_port, origin_port, issuer_port=9):
    root = f"{folder}/caddy"
    os.makedirs(root, exist_ok=True)
    ports = (port, gateway_port, origin_port, issuer_port)
    pathlib.Path(root, "Caddyfile").write_text(shipped("caddy/Caddyfile", ports))
    env = {**os.environ, "HOME": root, "XDG_DATA_HOME": root, "XDG_CONFIG_HOME": root}
    words = ["caddy", "run", "--config", f"{root}/Caddyfile", "--adapter", "caddyfile"]
    with running(words, port, f"{root}/out.log", env=env) as process:
        yield process


@contextlib.contextmanager
def apache(folder, port, gateway_port, origin_port, issuer_port=9):
    root = f"{folder}/apache"
    os.makedirs(root, exist_ok=True)
    ports = (port, gateway_port, origin_port, issuer_port)
    lua = pathlib.Path(root, "jeton.lua")
    lua.write_text(shipped("apache/jeton.lua", ports))
    pathlib.Path(root, "jeton.conf").write_text(
        shipped("apache/jeton.conf", ports).replace("/etc/apache2/jeton.lua", str(lua)))
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in
                      ("mpm_event", "authz_core", "lua", "headers", "proxy", "proxy_http"))
    pathlib.Path(root, "apache.conf").write_text(
        f"ServerRoot {root}\nServerName localhost\nPidFile {root}/pid\nErrorLog {root}/error.log\n"
        f"Mutex file:{root} default\n{modules}Include {root}/jeton.conf\n")
    if os.getuid() == 0:
        os.chmod(folder, 0o755)
        os.chmod(root, 0o777)
    with running(["apache2", "-X", "-f", f"{root}/apache.conf"], port, f"{root}/error.log") as process:
        yield process


PROXIES = {"nginx": (nginx, "nginx"), "haproxy": (haproxy, "haproxy"), "apache": (apache, "apache2"),
           "caddy": (caddy, "caddy")}


def installed():
    """The proxies that are here; as a service they are found outside the path of an ordinary user."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    os.environ["PATH"] = path
    return [name for name, (_, program) in PROXIES.items() if shutil.which(program, path=path)]
