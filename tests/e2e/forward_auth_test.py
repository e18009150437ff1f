"""nginx, HAProxy, Apache and Caddy, as Debian has them and configured as examples/ says, ask a real `jeton gateway`."""
import contextlib
import http.client
import json
import re
import sys
import time
import unittest

import edge
from edge import Folder, Gateway, Origin, Tokens, request

BINARY = None
HOST = ("Host", "api.example.com")
SPOOFED = [("X-Auth-User", "root"), ("x-auth-roles", "admin"), ("X_Auth_User", "root"), ("X-Original-URI", "/public/x"),
           ("X-Original-Method", "GET"), ("X-Forwarded-Uri", "/public/x"), ("X-Forwarded-Method", "GET"),
           ("X-Forwarded-Host", "elsewhere"), ("X-Forwarded-For", "203.0.113.9"), ("Jeton-Status", "200")]
BELIEVED = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
            "X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "True-Client-IP", "Proxy",
            "X_HTTP-Method_Override", "X-Original_URL", "X-Forwarded.Host")
WEBSOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CARRY_WEBSOCKETS = ("haproxy", "caddy")  # as the examples are


class Behind:
    """What holds behind every proxy; a class for each below."""
    name = None

    @classmethod
    def setUpClass(cls):
        edge.installed()
        cls.open = contextlib.ExitStack()
        cls.folder, cls.origin = cls.open.enter_context(Folder()), cls.open.enter_context(Origin())
        cls.tokens = Tokens(BINARY, cls.folder)
        cls.tokens.publish()
        cls.gateway = cls.open.enter_context(Gateway(BINARY, cls.folder, cls.origin.port))
        cls.port = edge.free_port()
        ports = (cls.port, cls.gateway.ports["forward-auth"], cls.origin.port)
        cls.process = cls.open.enter_context(edge.PROXIES[cls.name][0](cls.folder, *ports))

    @classmethod
    def tearDownClass(cls):
        cls.open.close()

    def ask(self, target, token=None, method="GET", headers=(), body=None):
        return request(self.port, method, target, [HOST, *headers], body, token)

    def seen(self, answer):
        return json.loads(answer[2])

    def headers_seen(self, answer, name):
        """All that the origin could take for that header."""
        return [value for key, value in self.seen(answer)["headers"]
                if re.sub("[^a-z0-9]", "-", key) == name and value]

    # mission row 9: the claims are with the request.
    def test_good_token_arrives_with_its_identity(self):
        token = self.tokens.sign("dev_1", claims=('roles:=["developer","team_lead"]',))
        answer = self.ask("/v1/tracks/7?quality=high&x=%41", token)
        self.assertEqual(answer[0], 200, answer)
        self.assertEqual(self.headers_seen(answer, "x-auth-user"), ["dev_1"])
        self.assertEqual(self.headers_seen(answer, "x-auth-roles"), ["developer,team_lead"])
        self.assertEqual(self.seen(answer)["target"], "/v1/tracks/7?quality=high&x=%41")

    def test_headers_that_a_client_made_up_do_not_arrive_and_change_nothing(self):
        token = self.tokens.sign("dev_1")
        answer = self.ask("/v1/tracks/7", token, headers=SPOOFED)
        self.assertEqual(answer[0], 200, answer)
        self.assertEqual(self.headers_seen(answer, "x-auth-user"), ["dev_1"])
        self.assertEqual(self.headers_seen(answer, "x-auth-roles"), [])
        without = self.ask("/v1/tracks/7", headers=SPOOFED)
        self.assertEqual(without[0], 401, "the address of a public route was believed")
        anonymous = self.ask("/public/x", headers=SPOOFED)
        self.assertEqual(anonymous[0], 200)
        self.assertEqual(self.headers_seen(anonymous, "x-auth-user"), [])
        self.assertEqual(self.headers_seen(anonymous, "x-auth-roles"), [])

    # mission row 9: no token, an expired one, any other that is wrong.
    def test_refusals_reach_the_client_with_status_body_and_challenge(self):
        good = self.tokens.sign()
        changed = good[:-20] + ("A" if good[-20] != "A" else "B") + good[-19:]
        expired = self.tokens.sign(now=int(time.time()) - 7200)
        rows = ((None, "/v1/tracks/7", 401, {"error": "Access token required"}),
                (expired, "/v1/tracks/7", 401, {"error": "Token expired"}),
                (changed, "/v1/tracks/7", 403, {"error": "Invalid token"}),
                (self.tokens.sign(claims=("plan=free",)), "/v1/tracks/7/stream", 403, {"error": "Insufficient scope"}))
        for token, target, status, body in rows:
            before = len(self.origin.requests)
            answer = self.ask(target, token)
            self.assertEqual(answer[0], status, answer)
            self.assertEqual(json.loads(answer[2]), body)
            self.assertTrue(answer[1]["content-type"].startswith("application/json"), answer)
            self.assertTrue(answer[1]["www-authenticate"].startswith('Bearer realm="api"'), answer)
            self.assertEqual(len(self.origin.requests), before, "a refused request has reached the origin")

    def test_page_of_another_origin_can_ask_first_and_read_its_refusal(self):
        page, announces = ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT")
        answer = self.ask("/v1/tracks/7", method="OPTIONS", headers=[page, announces, *SPOOFED])
        self.assertEqual(answer[0], 200, answer)
        self.assertEqual(self.seen(answer)["method"], "OPTIONS")
        self.assertEqual(self.headers_seen(answer, "x-auth-user"), [])
        before = len(self.origin.requests)
        for headers in ([page], [announces], [("Origin", "https://evil.example"), announces],
                        [("Origin", "null"), announces]):
            answer = self.ask("/v1/tracks/7", method="OPTIONS", headers=headers)
            self.assertIn(answer[0], (401, 403), headers)
        answer = self.ask("/v1/tracks/7", headers=[page])
        self.assertEqual((answer[0], answer[1].get("access-control-allow-origin")), (401, "https://app.example.com"))
        self.assertIn("WWW-Authenticate", answer[1]["access-control-expose-headers"])
        self.assertIn("Origin", answer[1]["vary"])
        answer = self.ask("/v1/tracks/7", headers=[("Origin", "https://app.example.com.evil.example")])
        self.assertNotIn("access-control-allow-origin", answer[1])
        self.assertEqual(len(self.origin.requests), before)

    # mission row 4: the plan in the token decides at once.
    def test_plan_in_the_token_decides(self):
        self.assertEqual(self.ask("/v1/tracks/7/stream", self.tokens.sign(claims=("plan=premium",)))[0], 200)
        self.assertEqual(self.ask("/v1/tracks/7/stream", self.tokens.sign(claims=("plan=free",)))[0], 403)

    # mission row 24: the rate by plan, from the claim; nothing is asked but the token.
    def test_limit_is_429_with_when_to_come_back(self):
        free = self.tokens.sign("free", claims=("plan=free",))
        premium = self.tokens.sign("premium", claims=("plan=premium",))
        self.assertEqual(self.ask("/v1/limited", free)[0], 200)
        answer = self.ask("/v1/limited", free)
        self.assertEqual(answer[0], 429, answer)
        self.assertGreaterEqual(int(answer[1]["retry-after"]), 1)
        self.assertIn("ratelimit", answer[1])
        self.assertIn("ratelimit-policy", answer[1])
        self.assertEqual([self.ask("/v1/limited", premium)[0] for _ in range(4)], [200, 200, 200, 429])

    def test_paths_that_can_be_read_in_two_ways_are_refused(self):
        token = self.tokens.sign()
        for target in ("/public/..%2fv1/limited", "/public/%2e%2e/v1/limited", "/public/..;/v1", "/public//x",
                       "/v1/tracks/%2561"):
            before = len(self.origin.requests)
            self.assertNotEqual(self.ask(target, token)[0], 200, target)
            self.assertEqual(len(self.origin.requests), before)

    def test_request_body_arrives_untouched(self):
        token = self.tokens.sign()
        body = "x" * 100_000 + "\r\nend"
        answer = self.ask("/v1/tracks/7", token, "POST", body=body)
        self.assertEqual(answer[0], 200, answer[:2])
        self.assertEqual(self.seen(answer)["body"], body)
        self.assertEqual(self.seen(answer)["method"], "POST")

    def test_second_token_is_refused(self):
        token = self.tokens.sign()
        answer = self.ask("/v1/tracks/7", token, headers=[("Authorization", "Bearer x")])
        self.assertNotEqual(answer[0], 200)
        self.assertNotEqual(self.ask("/v1/tracks/7?access_token=x", token)[0], 200)

    def test_connection_takes_no_identity_away(self):
        token = self.tokens.sign("dev_1", claims=('roles:=["developer"]',))
        for named in ("close, X-Auth-User, X-Auth-Roles", "keep-alive, x-auth-user, x-auth-roles"):
            answer = self.ask("/v1/tracks/7", token, headers=[("Connection", named)])
            self.assertEqual(answer[0], 200, answer)
            self.assertEqual(self.headers_seen(answer, "x-auth-user"), ["dev_1"])
            self.assertEqual(self.headers_seen(answer, "x-auth-roles"), ["developer"])
            self.assertNotIn("x-auth-user", "".join(self.headers_seen(answer, "connection")).lower())

    def test_twins_of_identity_headers_do_not_arrive(self):
        twins = [("X-Auth_User", "root"), ("X_Auth-Roles", "admin"), ("X.Auth.User", "root"), ("x-auth.roles", "admin"),
                 ("x_auth_user", "root"), ("X_Auth.User", "root"),
                 *((f"X{odd}Auth-User", "root") for odd in "!#$%&'*+^`|~"),
                 *((f"X-Auth{odd}User", "root") for odd in "!#$%&'*+^`|~")]
        for target, token, seen in (("/public/x", None, []), ("/v1/tracks/7", self.tokens.sign("dev_1"), ["dev_1"])):
            answer = self.ask(target, token, headers=twins)
            self.assertEqual(answer[0], 200, answer)
            self.assertEqual(self.headers_seen(answer, "x-auth-user"), seen)
            self.assertEqual(self.headers_seen(answer, "x-auth-roles"), [])

    def test_no_upgrade_but_a_websocket_reaches_the_origin(self):
        for upgrades in (["h2c"], ["h2c, websocket"], ["websocket, h2c"], ["TLS/1.0"]):
            answer = self.ask("/public/x", headers=[("Connection", "Upgrade, HTTP2-Settings"),
                                                    ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"),
                                                    ("Sec-WebSocket-Key", WEBSOCKET_KEY),
                                                    *[("Upgrade", one) for one in upgrades]])
            self.assertEqual(answer[0], 200, answer)
            self.assertEqual(self.headers_seen(answer, "upgrade"), [])
            self.assertNotIn("upgrade", "".join(self.headers_seen(answer, "connection")).lower())
        answer = self.ask("/public/x", headers=[("Connection", "Upgrade"), ("Upgrade", "h2c"),
                                                ("Upgrade", "websocket"), ("Sec-WebSocket-Key", WEBSOCKET_KEY)])
        self.assertIn(answer[0], (200, 400), answer)
        if answer[0] == 200:
            self.assertNotIn("h2c", "".join(self.headers_seen(answer, "upgrade")))
        answer = self.ask("/public/x", headers=[("Connection", "Upgrade"), ("Upgrade", "WebSocket"),
                                                ("Sec-WebSocket-Key", WEBSOCKET_KEY), ("Sec-WebSocket-Version", "13")])
        self.assertEqual(answer[0], 200, answer)
        carried = [value.lower() for value in self.headers_seen(answer, "upgrade")]
        self.assertEqual(carried, ["websocket"] if self.name in CARRY_WEBSOCKETS else [])
        if carried:
            self.assertEqual([one.lower() for one in self.headers_seen(answer, "connection")], ["upgrade"])

    def test_headers_without_end_end_no_server(self):
        for count in (3, 60, 97):
            before = len(self.origin.requests)
            lines = [("traceparent", "a")] * count + [("Authorization", "Bearer x")] * min(count, 3)
            try:
                answer = self.ask("/v1/tracks/7", headers=lines)
            except (ConnectionError, http.client.HTTPException) as broken:
                self.fail(f"{count} lines: {broken!r}")
            self.assertGreaterEqual(answer[0], 400, answer)
            self.assertEqual(len(self.origin.requests), before)
            self.assertIsNone(self.process.poll(), "the server has ended")
        self.assertEqual(self.ask("/v1/tracks/7", self.tokens.sign())[0], 200)

    def test_methods_that_are_read_in_two_ways_are_refused(self):
        for method in ("get", "Get", "TRACE"):
            before = len(self.origin.requests)
            self.assertIn(self.ask("/public/x", method=method)[0], (400, 405), method)  # nginx and Apache know some
            self.assertEqual(len(self.origin.requests), before, method)
        self.assertEqual(self.ask("/public/x", method="PATCH")[0], 200)

    def test_nothing_that_is_believed_about_a_request_arrives(self):
        answer = self.ask("/public/x", headers=[*((name, "evil") for name in BELIEVED), ("Accept-Language", "en")])
        self.assertEqual(answer[0], 200, answer)
        for name in BELIEVED:
            self.assertNotIn("evil", "".join(self.headers_seen(answer, re.sub("[_.]", "-", name.lower()))), name)
        self.assertEqual(self.headers_seen(answer, "x-forwarded-host"), ["api.example.com"])
        self.assertEqual(self.headers_seen(answer, "x-forwarded-for"), ["127.0.0.1"])
        self.assertEqual(self.headers_seen(answer, "accept-language"), ["en"])

    def test_trace_arrives_if_it_is_well_formed(self):
        good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for sent, arrives in (([good], True), (["junk"], False), ([good.upper()], False), ([good + "0"], False),
                              ([], False)):
            headers = [("traceparent", one) for one in sent] + [("tracestate", "a=b")]
            answer = self.ask("/public/x", headers=headers)
            self.assertEqual(answer[0], 200, sent)
            self.assertEqual(self.headers_seen(answer, "traceparent"), [good] if arrives else [], sent)
            self.assertEqual(self.headers_seen(answer, "tracestate"), ["a=b"] if arrives else [], sent)

    def test_refresh_token_is_not_shown_to_the_origin(self):
        for sent, kept in (("a=b; __Host-jeton_refresh=SECRET; c=d", ["a=b", "c=d"]), ("jeton_refresh=SECRET", []),
                           ("jeton_refresh=SECRET; c=d", ["c=d"]), ("a=b;__Host-jeton_refresh =SECRET", ["a=b"]),
                           ("a=b; xjeton_refresh=1; jeton_refresher=2", ["a=b", "xjeton_refresh=1",
                                                                         "jeton_refresher=2"])):
            answer = self.ask("/public/x", headers=[("Cookie", sent)])
            self.assertEqual(answer[0], 200, answer)
            cookies = ";".join(self.headers_seen(answer, "cookie")).split(";")
            self.assertEqual([one.strip() for one in cookies if one.strip()], kept)
        twice = self.ask("/public/x", headers=[("Cookie", "jeton_refresh=SECRET; jeton_refresh=SECRET"),
                                               ("Cookie", "__Host-jeton_refresh=SECRET; Jeton_Refresh=SECRET")])
        self.assertNotIn("SECRET", twice[2])


class Nginx(Behind, unittest.TestCase):
    name = "nginx"


class Haproxy(Behind, unittest.TestCase):
    name = "haproxy"

    def test_question_that_would_not_fit_is_431_and_one_that_just_does_is_asked(self):
        token = self.tokens.sign()
        before = len(self.origin.requests)
        self.assertEqual(self.ask("/v1/tracks/7?" + "q" * 12_000, token)[0], 431)
        self.assertEqual(self.ask("/v1/tracks/7", token, headers=[("Origin", "a" * 6_000)] * 2)[0], 431)
        self.assertEqual(len(self.origin.requests), before)
        for query in range(10_000, 12_000, 200):
            self.assertIn(self.ask("/v1/tracks/7?" + "q" * query, token)[0], (200, 431), query)
        self.assertEqual(self.ask("/v1/tracks/7?" + "q" * 10_000, token)[0], 200)

    def test_failing_script_lets_nobody_in(self):
        good = (edge.EXAMPLES / "haproxy/jeton.lua").read_text()
        with Folder() as folder:
            for place in ("local function ask(txn)\n", "  if said.status == 200 then\n"):
                self.assertEqual(good.count(place), 1)
                port, before = edge.free_port(), len(self.origin.requests)
                ports = (port, self.gateway.ports["forward-auth"], self.origin.port)
                with edge.haproxy(folder, *ports, script=good.replace(place, place + "  error('planted')\n")):
                    answer = request(port, "GET", "/v1/tracks/7", [HOST], token=self.tokens.sign())
                    self.assertEqual((answer[0], json.loads(answer[2])), (503, {"error": "Verifier unavailable"}))
                    self.assertEqual(len(self.origin.requests), before)


class Apache(Behind, unittest.TestCase):
    name = "apache"


class Caddy(Behind, unittest.TestCase):
    name = "caddy"


class GatewayAway(unittest.TestCase):
    def test_nobody_gets_in_unseen(self):
        with Folder() as folder, Origin() as origin:
            for name in edge.installed():
                with self.subTest(proxy=name):
                    port = edge.free_port()
                    with edge.PROXIES[name][0](folder, port, edge.free_port(), origin.port):
                        answer = request(port, "GET", "/public/x", [HOST])
                        self.assertIn(answer[0], (502, 503), answer)
            self.assertEqual(origin.requests, [])

    def test_gateway_without_keys_refuses_and_says_that_it_is_not_ready(self):
        with Folder() as folder, Origin() as origin:
            tokens = Tokens(BINARY, folder)
            tokens.publish()
            policy = edge.POLICY.replace('jwks_file = "{folder}/jwks.json"',
                                         f'jwks = "http://127.0.0.1:{edge.free_port()}/keys"')
            with Gateway(BINARY, folder, origin.port, policy, ready=False) as gateway:
                self.assertEqual(request(gateway.ports["operations"], "GET", "/healthz")[0], 200)
                self.assertEqual(request(gateway.ports["operations"], "GET", "/readyz")[0], 503)
                for name in edge.installed():
                    with self.subTest(proxy=name):
                        port = edge.free_port()
                        with edge.PROXIES[name][0](folder, port, gateway.ports["forward-auth"], origin.port):
                            answer = request(port, "GET", "/v1/tracks/7", [HOST], token=tokens.sign())
                            self.assertEqual(answer[0], 503, answer)
                            self.assertEqual(json.loads(answer[2]), {"error": "Verifier unavailable"})
            self.assertEqual(origin.requests, [])


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
