"""The issuer behind the proxies of examples/, on a host of its own: whoever signs in with a cookie can refresh by it,
through nginx, HAProxy, Apache, Caddy and `jeton gateway` itself; and the API beside it never sees that cookie."""
import contextlib
import http.client
import json
import pathlib
import re
import socket
import sys
import unittest

import edge
from edge import Folder, Gateway, Origin, Tokens, request
from jeton_server import EMAIL, PASSWORD, Server

BINARY = None
PAGE = "https://app.example.com"
CONFIG = f"""
[issuer]
url = "https://id.example.com"
[http]
origins = ["{PAGE}"]
trusted_proxies = ["127.0.0.1"]
[log]
level = "warning"
"""
BROWSER = [("Origin", PAGE), ("X-Jeton-Client", "test"), ("Content-Type", "application/json")]
# The issuer behind the gateway's own reverse proxy: tokens are looked at and not demanded, cookies pass.
GATEWAY = """[gateway]
listen = "127.0.0.1:0"
operations = "127.0.0.1:0"
state = "{folder}/state"

[[issuer]]
url = "https://id.example.com"
jwks = "http://127.0.0.1:{more}/.well-known/jwks.json"

[[upstream]]
name = "issuer"
servers = ["http://127.0.0.1:{more}"]
pass_refresh_cookies = true

[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]

[[route]]
name = "api"
match = {{ host = "api.example.com", path = "/**" }}
require = {{ audience = "api" }}
upstream = "origin"

[[route]]
name = "public"
match = {{ host = "api.example.com", path = "/public/**" }}
authentication = "optional"
require = {{ audience = "api" }}
upstream = "origin"
""" + "".join(f"""
[[route]]
name = "issuer {part}"
match = {{{{ host = "id.example.com", path = "/{part}/**" }}}}
authentication = "optional"
require = {{{{ audience = "any" }}}}
upstream = "issuer"
""" for part in ("api", "oauth2", ".well-known"))


class Behind:
    name = None

    @classmethod
    def setUpClass(cls):
        edge.installed()
        cls.open = contextlib.ExitStack()
        cls.folder, cls.origin = cls.open.enter_context(Folder()), cls.open.enter_context(Origin())
        config = pathlib.Path(cls.folder, "jeton.toml")
        config.write_text(CONFIG)
        cls.issuer = cls.open.enter_context(Server(BINARY, "--config", str(config), data=f"{cls.folder}/data"))
        tokens = Tokens(BINARY, cls.folder)
        tokens.publish()
        cls.port = cls.proxy()
        status, _, text = cls.ask("POST", "/api/auth/register", body={"email": EMAIL, "password": PASSWORD})
        assert status in (200, 201), text

    @classmethod
    def proxy(cls):
        gateway = cls.open.enter_context(Gateway(BINARY, cls.folder, cls.origin.port))
        port = edge.free_port()
        cls.open.enter_context(edge.PROXIES[cls.name][0](cls.folder, port, gateway.ports["forward-auth"],
                                                         cls.origin.port, cls.issuer.port))
        return port

    @classmethod
    def tearDownClass(cls):
        cls.open.close()

    @classmethod
    def ask(cls, method, target, headers=(), body=None, host="id.example.com", token=None):
        given = [("Host", host), *headers]
        if body is not None and not headers:
            given.append(("Content-Type", "application/json"))
        return request(cls.port, method, target, given, json.dumps(body) if body is not None else None, token)

    def cookies_of(self, answer_headers):
        return re.findall(r"(__Host-[a-z_]+=[^;,\s]+)", answer_headers.get("set-cookie", ""))

    def sign_in(self, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            body = json.dumps({"email": EMAIL, "password": PASSWORD, "delivery": "cookie"})
            connection.putrequest("POST", "/api/auth/login", skip_host=True)
            for name, value in [("Host", "id.example.com"), *BROWSER, *headers, ("Content-Length", str(len(body)))]:
                connection.putheader(name, value)
            connection.endheaders(body.encode())
            answer = connection.getresponse()
            said = json.loads(answer.read())
            self.assertEqual(answer.status, 200, said)
            cookies = {one.split("=", 1)[0]: one.split(";")[0] for one in answer.headers.get_all("Set-Cookie")}
        self.assertIn("__Host-jeton_refresh", cookies)
        self.assertNotIn("refreshToken", said)
        return said["accessToken"], cookies["__Host-jeton_refresh"]

    def refresh(self, cookie, headers=BROWSER):
        return self.ask("POST", "/api/auth/refresh", [*headers, ("Cookie", "theme=dark; " + cookie)])

    # mission rows 13 and 17
    def test_who_signed_in_with_a_cookie_refreshes_by_it_and_signs_out(self):
        _, cookie = self.sign_in()
        for _ in range(3):
            status, headers, text = self.refresh(cookie)
            self.assertEqual(status, 200, text)
            self.assertIn("accessToken", json.loads(text))
            renewed = self.cookies_of(headers)
            self.assertEqual(len(renewed), 1, headers)
            self.assertNotEqual(renewed[0], cookie)
            self.assertIn("Secure", headers["set-cookie"])
            self.assertEqual(headers["access-control-allow-origin"], PAGE)
            cookie = renewed[0]
        self.assertEqual(self.ask("POST", "/api/auth/logout", [*BROWSER, ("Cookie", cookie)])[0], 204)
        self.assertEqual(self.refresh(cookie)[0], 401)

    def test_another_page_cannot_and_its_preflight_is_answered_by_the_issuer(self):
        _, cookie = self.sign_in()
        evil = [("Origin", "https://evil.example"), *BROWSER[1:]]
        self.assertEqual(self.refresh(cookie, evil)[0], 403)
        ask = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-jeton-client")]
        status, headers, _ = self.ask("OPTIONS", "/api/auth/refresh", [("Origin", PAGE), *ask])
        self.assertIn(status, (200, 204))
        self.assertEqual(headers.get("access-control-allow-origin"), PAGE)
        _, headers, _ = self.ask("OPTIONS", "/api/auth/refresh", [("Origin", "https://evil.example"), *ask])
        self.assertNotIn("access-control-allow-origin", headers)
        self.assertEqual(self.refresh(cookie)[0], 200, "the session is as it was")

    def test_the_api_beside_it_never_sees_the_cookie_and_is_still_guarded(self):
        _, cookie = self.sign_in()
        before = len(self.origin.requests)
        for host in ("api.example.com", "elsewhere.example.com", "id.example.com.", "id.example.com.evil.example"):
            for target in ("/public/x", "/api/auth/refresh"):
                status, _, text = self.ask("GET", target, [("Cookie", "a=b; " + cookie)], host=host)
                if status == 200:
                    self.assertNotIn("jeton_refresh", text, host)
        for seen in self.origin.requests[before:]:
            self.assertNotIn("jeton_refresh", json.dumps(seen["headers"]))
        self.assertGreater(len(self.origin.requests), before)
        # Nor does naming the issuer's host lead to the API's origin.
        before = len(self.origin.requests)
        for target in ("/v1/tracks/7", "/public/x"):
            self.assertEqual(self.ask("GET", target)[0], 404, target)
        self.assertEqual(len(self.origin.requests), before)

    def test_two_hosts_lead_no_request_past_the_guard(self):
        before = len(self.origin.requests)
        for lines in ([b"Host: id.example.com", b"Host: api.example.com"],
                      [b"Host: api.example.com", b"Host: id.example.com"]):
            with self.connection() as one:
                one.sendall(b"GET /v1/tracks/7 HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n")
                self.assertNotIn(b"200 OK", one.makefile("rb").read().split(b"\r\n")[0])
        for host in (b"id.example.com", b"api.example.com"):
            with self.connection() as one:  # the target's host is the request's (RFC 9112, section 3.2.2)
                one.sendall(b"GET http://api.example.com/v1/tracks/7 HTTP/1.1\r\nHost: " + host +
                            b"\r\nConnection: close\r\n\r\n")
                self.assertRegex(one.makefile("rb").read().split(b"\r\n")[0], b" 4[0-9][0-9] ")
        self.assertEqual(len(self.origin.requests), before)

    def connection(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def test_the_address_is_the_clients_own_and_not_what_it_says(self):
        access, _ = self.sign_in([("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "ftp"),
                                  ("X-Forwarded-Host", "evil.example"), ("Forwarded", "for=203.0.113.9")])
        status, _, text = self.ask("GET", "/api/auth/sessions", token=access)
        self.assertEqual(status, 200, text)
        self.assertNotIn("203.0.113", text)
        status, _, text = self.ask("GET", "/.well-known/oauth-authorization-server")
        self.assertEqual(json.loads(text)["issuer"], "https://id.example.com")

    def test_its_metrics_are_nobodys(self):
        for target in ("/metrics", "/metrics?x=1"):
            self.assertEqual(self.ask("GET", target)[0], 404, target)
        for target in ("/%6detrics", "/./metrics", "//metrics", "/metrics/", "/x/../metrics", "/METRICS", "/metrics;x",
                       "/metrics%20", "/metrics#x", "/metrics/.", "/metrics%2f", "/%2e/metrics"):
            status, _, text = self.ask("GET", target)
            self.assertNotIn("jeton_", text, target)
            self.assertNotEqual(status, 200, target)
        self.assertEqual(self.ask("GET", "/.well-known/jwks.json")[0], 200)


class Nginx(Behind, unittest.TestCase):
    name = "nginx"


class Haproxy(Behind, unittest.TestCase):
    name = "haproxy"


class Apache(Behind, unittest.TestCase):
    name = "apache"


class Caddy(Behind, unittest.TestCase):
    name = "caddy"


class JetonGateway(Behind, unittest.TestCase):
    @classmethod
    def proxy(cls):
        return cls.open.enter_context(Gateway(BINARY, cls.folder, cls.origin.port, GATEWAY,
                                              more=str(cls.issuer.port))).ports["proxy"]


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
