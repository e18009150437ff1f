"""TLS through `jeton gateway` as people run it: to its clients, renewed while it runs, and to its upstreams; WebSocket
and Server-Sent Events over it, with other people's client and server (Debian's python3-websockets)."""
import asyncio
import contextlib
import http.client
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

import websockets

import edge
from edge import Folder, Gateway, Origin, Tokens

BINARY = None
SECONDS_MAX = 60
# A certificate is looked at every ten seconds. Renewed by SIGHUP it is there at once.
POLICY = edge.POLICY.replace('[[upstream]]', '{upstream}\n[[upstream]]')


def wait_until(condition, what, also=lambda: ""):
    deadline = time.monotonic() + SECONDS_MAX
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what} {also()}")
        time.sleep(0.02)
    return value


class Authority:
    """A certificate authority of its own, by openssl's command line."""

    def __init__(self, folder, name="ca"):
        self.folder, self.number = folder, 0
        self.key, self.file = f"{folder}/{name}.key", f"{folder}/{name}.pem"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                 "-out", self.file, "-subj", f"/CN={name}", "-days", "2")

    @staticmethod
    def run(*words):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"openssl {' '.join(words)}: {done.stderr}")

    def issue(self, names="DNS:localhost,IP:127.0.0.1", path=None, dates=()):
        """Files of a certificate and its key; `dates` as YYMMDDHHMMSSZ from and to."""
        self.number += 1
        path = path or f"{self.folder}/server-{self.number}"
        request, extra = path + ".csr", path + ".ext"
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 path + ".key.new", "-out", request, "-subj", f"/CN=server-{self.number}")
        pathlib.Path(extra).write_text(f"subjectAltName={names}\n")
        if dates:  # `openssl x509` of Debian 12 knows only days
            directory = path + ".db"
            os.makedirs(directory)
            for name, text in (("index", ""), ("serial", f"{self.number + 16:02X}\n")):
                pathlib.Path(directory, name).write_text(text)
            pathlib.Path(directory, "conf").write_text(
                f"[ca]\ndefault_ca=d\n[d]\ndatabase={directory}/index\nserial={directory}/serial\n"
                f"new_certs_dir={directory}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
            self.run("ca", "-batch", "-config", f"{directory}/conf", "-in", request, "-out", path + ".pem.new", "-cert",
                     self.file, "-keyfile", self.key, "-startdate", dates[0], "-enddate", dates[1], "-extfile", extra,
                     "-notext")
        else:
            self.run("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-out",
                     path + ".pem.new", "-days", "2", "-extfile", extra)
        for kind in (".pem", ".key"):  # a file is never half written
            os.rename(path + kind + ".new", path + kind)
        return path + ".pem", path + ".key"


def client_context(authority, alpn=None):
    context = ssl.create_default_context(cafile=authority.file)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class TlsOrigin(Origin):
    def __init__(self, files):
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        # The handshake in the thread of the connection, or one that fails would stop all others.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)


class RawOrigin:
    """Whoever connects is handed to `serve`, in a thread."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(one,), daemon=True).start()

    def one(self, connection):
        with contextlib.suppress(OSError), connection:
            self.serve(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return head
        head += piece
    return head


class WebSocketOrigin:
    """Says back what it hears; a server of websockets, in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.heads = []
        started = threading.Event()

        async def echo(socket_):
            self.heads.append(dict(socket_.request_headers.raw_items()))
            async for message in socket_:
                if message == "close":
                    await socket_.close(4001, "as asked")
                    return
                await socket_.send(message)

        async def begin():
            server = await websockets.serve(echo, "127.0.0.1", 0, max_size=None)
            self.port = server.sockets[0].getsockname()[1]
            started.set()

        def run():
            asyncio.set_event_loop(self.loop)
            self.loop.run_until_complete(begin())
            self.loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        started.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())
        self.authority = Authority(self.folder)
        self.tokens = Tokens(BINARY, self.folder)
        self.tokens.publish()
        self.token = self.tokens.sign("dev_1")

    def gateway(self, origin_port, upstream="", policy=POLICY, **more):
        self.files = self.authority.issue(path=f"{self.folder}/gateway")
        text = policy.replace("{upstream}", upstream)
        gateway = self.enterContext(Gateway(BINARY, self.folder, origin_port, text, listen="127.0.0.1:0",
                                            more=f'certificate = "{self.files[0]}"\nkey = "{self.files[1]}"\n',
                                            **more))
        self.port = gateway.ports["proxy"]
        return gateway

    def connect(self, alpn=None):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX)
        return client_context(self.authority, alpn).wrap_socket(plain, server_hostname="localhost")

    def client(self):
        return http.client.HTTPSConnection("localhost", self.port, timeout=SECONDS_MAX,
                                           context=client_context(self.authority))

    def get(self, client, target="/v1/tracks/7", token=None):
        client.request("GET", target, headers={"Authorization": "Bearer " + (token or self.token)})
        answer = client.getresponse()
        return answer.status, answer.read().decode()

    def serial(self):
        with contextlib.closing(self.connect()) as one:
            return one.getpeercert()["serialNumber"]


class ToClients(Base):
    def setUp(self):
        super().setUp()
        self.origin = self.enterContext(Origin())
        self.running = self.gateway(self.origin.port)

    def test_one_connection_serves_many_requests_and_the_origin_hears_that_it_was_https(self):
        with contextlib.closing(self.client()) as client:
            self.assertEqual(self.get(client)[0], 200)
            kept = client.sock
            for _ in range(20):
                self.assertEqual(self.get(client)[0], 200)
                self.assertEqual(self.get(client, token="no.such.token")[0], 403)
            self.assertIs(client.sock, kept, "the connection was kept")
            self.assertEqual(kept.version(), "TLSv1.3")
        headers = dict(self.origin.requests[-1]["headers"])
        self.assertEqual(headers["x-forwarded-proto"], "https")

    def test_http_1_1_is_agreed_on_and_h2_alone_is_not(self):
        for offered in (["h2", "http/1.1"], ["http/1.1"]):
            with contextlib.closing(self.connect(offered)) as one:
                self.assertEqual(one.selected_alpn_protocol(), "http/1.1")
        with self.assertRaises(ssl.SSLError):
            self.connect(["h2"])
        # The preface of HTTP/2 is no request of HTTP/1.1, with the right ALPN or without.
        with contextlib.closing(self.connect()) as one:
            one.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            self.assertRegex(one.recv(4096), b"^HTTP/1.1 (400|405|505) ")

    def test_old_tls_and_plain_http_get_nothing(self):
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(self.authority.file)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                old.wrap_socket(plain, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX) as plain:
            plain.sendall(b"GET /public/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                self.assertNotIn(b"HTTP/", plain.recv(4096))
        with contextlib.closing(self.client()) as client:
            self.assertEqual(self.get(client)[0], 200)

    def test_renewed_while_it_runs_new_connections_get_it_and_no_request_fails(self):
        stop, wrong, served = threading.Event(), [], []

        def load(keeps):
            client = self.client()
            while not stop.is_set():
                try:
                    answer = self.get(client)
                    served.append(1)
                    if answer[0] != 200:
                        wrong.append(answer)
                except (OSError, http.client.HTTPException) as error:
                    wrong.append(repr(error))
                if not keeps:
                    client.close()
            client.close()

        threads = [threading.Thread(target=load, args=(keeps,)) for keeps in (True, True, False, False)]
        for thread in threads:
            thread.start()
        self.addCleanup(stop.set)
        old = self.client()
        self.assertEqual(self.get(old)[0], 200)
        before, kept = self.serial(), old.sock
        for _ in range(2):
            # Certificate and key are two files; in between they do not fit, and what was there goes on.
            self.authority.issue(path=f"{self.folder}/gateway")
            self.running.reload()
            after = wait_until(lambda: (now := self.serial()) != before and now, "the new certificate",
                               self.running.errors)
            self.assertEqual(self.get(old)[0], 200)
            self.assertIs(old.sock, kept, "a connection goes on with what it began with")
            before = after
        known = len(served)
        wait_until(lambda: len(served) > known + 20, "requests are served")
        stop.set()
        for thread in threads:
            thread.join()
        old.close()
        self.assertEqual(wrong, [])

    def test_a_certificate_that_is_bad_changes_nothing_and_is_told(self):
        before = self.serial()
        good = [pathlib.Path(file).read_bytes() for file in self.files]
        other = self.authority.issue()
        for number, text in ((0, b"no certificate"), (0, b""), (1, pathlib.Path(other[1]).read_bytes())):
            told = sum("certificate" in line and "reloaded" in line for line in list(self.running.log))
            pathlib.Path(self.files[number]).write_bytes(text)
            self.running.reload()
            wait_until(lambda: sum("certificate" in line and "reloaded" in line
                                   for line in list(self.running.log)) > told, "it is told", self.running.errors)
            self.assertEqual(self.serial(), before)
            pathlib.Path(self.files[number]).write_bytes(good[number])
        log = self.running.errors()
        self.assertNotIn("PRIVATE KEY", log)
        with contextlib.closing(self.client()) as client:
            self.assertEqual(self.get(client)[0], 200)


class WebSockets(Base):
    def setUp(self):
        super().setUp()
        self.origin = self.enterContext(WebSocketOrigin())
        self.running = self.gateway(self.origin.port)

    def open(self, token, **more):
        return websockets.connect(f"wss://localhost:{self.port}/v1/tracks/7",
                                  ssl=client_context(self.authority), max_size=None,
                                  extra_headers={"Authorization": "Bearer " + token} if token else {}, **more)

    def test_a_real_client_talks_to_a_real_server_through_it(self):
        async def talk():
            async with self.open(self.token) as one:
                for message in ("ä text", b"\x00\xff binary", "x" * 3_000_000, os.urandom(2_000_000)):
                    await one.send(message)
                    self.assertEqual(await one.recv(), message)
                await one.send(["in ", "several ", "frames"])
                self.assertEqual(await one.recv(), "in several frames")
                await (await one.ping())
                await one.send("close")
                with self.assertRaises(websockets.ConnectionClosed):
                    await one.recv()
                self.assertEqual((one.close_code, one.close_reason), (4001, "as asked"))

        asyncio.run(talk())
        head = {name.lower(): value for name, value in self.origin.heads[0].items()}
        self.assertEqual(head["x-auth-user"], "dev_1")
        self.assertEqual(head["x-forwarded-proto"], "https")

    def test_many_at_once_are_told_apart(self):
        async def one(number):
            async with self.open(self.token) as socket_:
                for turn in range(10):
                    await socket_.send(f"{number} {turn}")
                    self.assertEqual(await socket_.recv(), f"{number} {turn}")

        async def all_of_them():
            await asyncio.gather(*(one(number) for number in range(30)))

        asyncio.run(all_of_them())

    def test_without_a_good_token_nothing_is_opened(self):
        async def status(token):
            try:
                async with self.open(token):
                    return 101
            except websockets.InvalidStatusCode as error:
                return error.status_code

        self.assertEqual(asyncio.run(status(self.token)), 101)
        seen = len(self.origin.heads)
        self.assertEqual(asyncio.run(status(None)), 401)
        self.assertEqual(asyncio.run(status(self.token[:-4] + "AAAA")), 403)
        self.assertEqual(len(self.origin.heads), seen)


class Streams(Base):
    def test_events_arrive_one_by_one_over_tls(self):
        heard = threading.Semaphore(0)

        def serve(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            for number in range(5):
                connection.sendall(b"data: %d\n\n" % number)
                heard.acquire()  # the next is sent only when this one was heard

        with RawOrigin(serve) as origin:
            self.gateway(origin.port)
            with contextlib.closing(self.client()) as client:
                client.request("GET", "/v1/tracks/7", headers={"Authorization": "Bearer " + self.token})
                answer = client.getresponse()
                self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
                for number in range(5):
                    self.assertEqual(answer.readline(), b"data: %d\n" % number)
                    self.assertEqual(answer.readline(), b"\n")
                    heard.release()
                self.assertEqual(answer.read(), b"")


class ToUpstreams(Base):
    """The gateway's own upstream is of plain HTTP; each test adds those that speak TLS."""

    ROUTE = """
[[route]]
name = "{name}"
match = {{{{ path = "/{name}" }}}}
require = {{{{ audience = "api" }}}}
upstream = "{name}"
"""

    def reach(self, servers, authority=None):
        """Statuses by name of upstream, and the log."""
        policy, upstream = POLICY, ""
        for name, server in servers.items():
            upstream += (f'[[upstream]]\nname = "{name}"\nservers = ["{server}"]\n'
                         f'ca_file = "{(authority or self.authority).file}"\n')
            policy += self.ROUTE.format(name=name)
        with Origin() as origin:
            running = self.gateway(origin.port, upstream, policy)
            with contextlib.closing(self.client()) as client:
                answers = {name: self.get(client, "/" + name) for name in servers}
        return answers, running.errors()

    def test_only_a_certificate_that_is_good_for_the_name_is_spoken_to(self):
        stranger = Authority(self.folder, "stranger")
        expired = self.authority.issue(dates=("20200101000000Z", "20200201000000Z"))
        future = self.authority.issue(dates=("20450101000000Z", "20450201000000Z"))
        rows = {  # what it shows, by which name it is asked for, the reason that an operator reads
            "good": (self.authority.issue(), "localhost", None),
            "address": (self.authority.issue(), "127.0.0.1", None),
            "othername": (self.authority.issue("DNS:other.example"), "localhost", "ostname mismatch"),
            "otheraddress": (self.authority.issue("DNS:localhost"), "127.0.0.1", "IP address mismatch"),
            "stranger": (stranger.issue(path=f"{self.folder}/strange"), "localhost", "unable to get local issuer"),
            "expired": (expired, "localhost", "certificate has expired"),
            "future": (future, "localhost", "certificate is not yet valid"),
        }
        origins = {name: self.enterContext(TlsOrigin(row[0])) for name, row in rows.items()}
        answers, log = self.reach({name: f"https://{row[1]}:{origins[name].port}" for name, row in rows.items()})
        for name, (_, host, reason) in rows.items():
            self.assertEqual(answers[name][0], 502 if reason else 200, (name, answers[name], log))
            self.assertEqual(len(origins[name].requests), 0 if reason else 1, name)
            if reason:
                told = [line for line in log.splitlines() if f'"upstream":"{name}"' in line]
                self.assertEqual(len(told), 1, log)
                self.assertIn("upstream server cannot be reached", told[0])
                self.assertIn(reason, told[0])
                self.assertIn(f"{host}:{origins[name].port}", told[0])
        self.assertNotIn(self.token[:40], log)

    def test_a_server_that_speaks_no_tls_or_is_not_there_is_told_as_such(self):
        plain = self.enterContext(Origin())
        answers, log = self.reach({"plain": f"https://localhost:{plain.port}",
                                   "nobody": f"https://localhost:{edge.free_port()}"})
        self.assertEqual([answers["plain"][0], answers["nobody"][0]], [502, 502])
        lines = {name: [line for line in log.splitlines() if f'"upstream":"{name}"' in line] for name in answers}
        self.assertIn('"reason":"TLS: ', lines["plain"][0])
        self.assertIn("Connection refused", lines["nobody"][0])
        self.assertEqual(plain.requests, [])

    def test_an_answer_that_is_cut_never_passes_for_a_whole_one(self):
        """Without a length an answer ends with its connection; under TLS only a close_notify is such an end."""
        files = self.authority.issue()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)

        def serving(is_whole):
            def serve(connection):
                session = context.wrap_socket(connection, server_side=True)
                read_head(session)
                session.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf of it")
                if is_whole:
                    connection = session.unwrap()
                else:
                    connection = socket.socket(fileno=session.detach())
                connection.close()
            return serve

        whole, cut = self.enterContext(RawOrigin(serving(True))), self.enterContext(RawOrigin(serving(False)))
        policy = POLICY + self.ROUTE.format(name="whole") + self.ROUTE.format(name="cut")
        upstream = "".join(f'[[upstream]]\nname = "{name}"\nservers = ["https://localhost:{one.port}"]\n'
                           f'ca_file = "{self.authority.file}"\n' for name, one in (("whole", whole), ("cut", cut)))
        with Origin() as origin:
            self.gateway(origin.port, upstream, policy)
            with contextlib.closing(self.client()) as client:
                self.assertEqual(self.get(client, "/whole"), (200, "half of it"))
            with contextlib.closing(self.client()) as client:
                try:
                    status, text = self.get(client, "/cut")
                    self.assertEqual(status, 502, text)
                except (http.client.IncompleteRead, ConnectionError, ssl.SSLError):
                    pass


class Start(Base):
    def test_a_key_of_another_certificate_is_refused_at_the_start_with_both_names(self):
        one, other = self.authority.issue(), self.authority.issue()
        path = pathlib.Path(self.folder, "gateway.toml")
        text = POLICY.replace("{upstream}", "").format(
            folder=self.folder, origin=1, listen="127.0.0.1:0", more=f'certificate = "{one[0]}"\nkey = "{other[1]}"')
        path.write_text(text)
        done = subprocess.run([BINARY, "gateway", "--config", str(path)], capture_output=True, text=True, check=False,
                              timeout=SECONDS_MAX)
        self.assertEqual(done.returncode, 1)
        self.assertIn(one[0], done.stderr)
        self.assertIn(other[1], done.stderr)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
