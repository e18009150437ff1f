"""`jeton gateway` as people run it: both shapes on one policy, reload, keys that change, what the operator sees."""
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

import edge
from edge import Folder, Gateway, Origin, Tokens, request

BINARY = None
HOST = ("Host", "api.example.com")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def forwarded(target, method="GET"):
    return [("X-Forwarded-Method", method), ("X-Forwarded-Uri", target), ("X-Forwarded-Host", "api.example.com"),
            ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "192.0.2.7")]


class Whole(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())
        self.origin = self.enterContext(Origin())
        self.tokens = Tokens(BINARY, self.folder)
        self.tokens.publish()
        self.gateway = self.enterContext(Gateway(BINARY, self.folder, self.origin.port, listen="127.0.0.1:0",
                                                 more="log_allowed_one_in = 1"))
        self.maxDiff = None

    def ask(self, target, token=None, method="GET", headers=()):
        return request(self.gateway.ports["forward-auth"], "GET", "/auth", [*forwarded(target, method), *headers],
                       token=token)

    def pass_through(self, target, token=None, method="GET", headers=(), body=None):
        return request(self.gateway.ports["proxy"], method, target, [HOST, *headers], body, token)

    # mission rows 9 and 20: both shapes decide alike, by themselves.
    def test_both_shapes_decide_alike(self):
        good, free, premium = (self.tokens.sign("dev_1", claims=claims) for claims in
                               ((), ("plan=free",), ("plan=premium",)))
        other = self.tokens.sign(audience="billing")
        expired = self.tokens.sign(now=int(time.time()) - 7200)
        for target, token, status in (
                ("/v1/tracks/7", good, 200), ("/v1/tracks/7", None, 401), ("/v1/tracks/7", expired, 401),
                ("/v1/tracks/7", good + "x", 403), ("/v1/tracks/7", other, 403), ("/v1/tracks/7/stream", free, 403),
                ("/v1/tracks/7/stream", premium, 200), ("/public/x", None, 200), ("/public/x", good + "x", 403),
                ("/v1/tracks/%37", good, 200), ("/v1/tracks/%2e%2e/x", good, 400), ("/v1/tracks/7;x", good, 400)):
            by_proxy, by_question = self.pass_through(target, token), self.ask(target, token)
            self.assertEqual((by_proxy[0], by_question[0]), (status, status), target)
            if status != 200:
                self.assertEqual(by_proxy[2], by_question[2])
                self.assertEqual(by_proxy[1].get("www-authenticate"), by_question[1].get("www-authenticate"))

    def test_proxy_passes_identity_and_body_and_strips_what_the_client_made_up(self):
        answer = self.pass_through("/v1/tracks/7?q=1", self.tokens.sign("dev_1"), "POST",
                                   [("X-Auth-User", "root"), ("X_Auth_Roles", "admin")], "hello")
        self.assertEqual(answer[0], 200, answer)
        seen = json.loads(answer[2])
        self.assertEqual(seen["body"], "hello")
        names = {name.replace("_", "-"): value for name, value in seen["headers"]}
        self.assertEqual(names["x-auth-user"], "dev_1")
        self.assertNotIn("x-auth-roles", names)

    def test_preflight_is_answered_by_the_proxy_and_refusals_can_be_read(self):
        page, announces = ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT")
        answer = self.pass_through("/v1/tracks/7", method="OPTIONS", headers=[page, announces])
        self.assertEqual((answer[0], answer[1]["access-control-allow-origin"]), (204, page[1]))
        self.assertEqual(answer[1]["access-control-allow-methods"], "PUT")
        self.assertEqual(self.pass_through("/v1/tracks/7", method="OPTIONS",
                                           headers=[("Origin", "https://evil.example"), announces])[0], 403)
        self.assertEqual(self.origin.requests, [])
        self.assertEqual(self.pass_through("/v1/tracks/7/stream", method="OPTIONS", headers=[page, announces])[0], 401)
        for answer in (self.pass_through("/v1/tracks/7", headers=[page]), self.ask("/v1/tracks/7", headers=[page])):
            self.assertEqual((answer[0], answer[1]["access-control-allow-origin"]), (401, page[1]))
        answer = self.pass_through("/v1/tracks/7", self.tokens.sign(), headers=[page])
        self.assertEqual((answer[0], answer[1]["access-control-allow-origin"]), (200, page[1]))
        self.assertIn('jeton_gateway_preflights_total{decision="refused"} 1', self.gateway.metrics())

    # mission row 24
    def test_limit_by_plan_is_one_for_both_shapes(self):
        premium = self.tokens.sign("p", claims=("plan=premium",))
        first = self.pass_through("/v1/limited", premium)
        self.assertEqual(first[0], 200)
        self.assertIn("r=2", first[1]["ratelimit"])
        self.assertEqual([self.ask("/v1/limited", premium)[0] for _ in range(3)], [200, 200, 429])
        self.assertEqual(self.pass_through("/v1/limited", premium)[0], 429)
        self.assertEqual(self.pass_through("/v1/limited", self.tokens.sign("q"))[0], 403)  # a plan that is not listed

    def test_reload_takes_another_policy_and_keeps_the_old_one_if_it_is_bad(self):
        token = self.tokens.sign(claims=("plan=free",))
        self.assertEqual(self.ask("/v1/tracks/7/stream", token)[0], 403)
        self.gateway.write(edge.POLICY.replace('plan = ["premium", "family"]', 'plan = ["free"]'))
        self.gateway.reload()
        self.assertEqual(self.ask("/v1/tracks/7/stream", token)[0], 200)
        self.assertEqual(self.pass_through("/v1/tracks/7/stream", token)[0], 200)
        self.gateway.write(edge.POLICY.replace("upstream = ", "upstrem = "))
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for_log("did you mean upstream")
        self.assertEqual(self.ask("/v1/tracks/7/stream", token)[0], 200)

    def test_no_request_fails_while_the_policy_is_reloaded(self):
        token = self.tokens.sign()
        stop, wrong = threading.Event(), []

        def ask_on():
            while not stop.is_set():
                for answer in (self.ask("/v1/tracks/7", token), self.pass_through("/v1/tracks/7", token)):
                    if answer[0] != 200:
                        wrong.append(answer)

        threads = [threading.Thread(target=ask_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            self.gateway.reload()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_reload_takes_over_issuers_and_no_request_of_those_that_stay_fails(self):
        second = Tokens(BINARY, self.folder)
        second.publish(path=f"{self.folder}/partner.json")
        partner = edge.POLICY.replace("[[upstream]]", """[[issuer]]
url = "https://partner.example"
jwks_file = "{folder}/partner.json"
profile = "any"
typ = "any"

[[upstream]]""", 1)
        alone = partner.replace("""[[issuer]]
url = "https://id.example.com"
jwks_file = "{folder}/jwks.json"
profile = "access_token"
algorithms = ["ES256"]
""", "", 1)
        first, other = self.tokens.sign(), second.sign(issuer="https://partner.example")
        self.assertEqual(self.ask("/v1/tracks/7", other)[0], 403)
        stop, wrong = threading.Event(), []

        def ask_on(token):
            while not stop.is_set():
                for answer in (self.ask("/v1/tracks/7", token), self.pass_through("/v1/tracks/7", token)):
                    if answer[0] != 200:
                        wrong.append(answer)

        threads = [threading.Thread(target=ask_on, args=(first,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for policy in (partner, edge.POLICY) * 5 + (partner,):
            self.gateway.write(policy)
            self.gateway.reload()
            self.assertEqual(self.ask("/v1/tracks/7", other)[0], 200 if policy is partner else 403)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.gateway.write(alone)
        self.gateway.reload()
        for shape in (self.ask, self.pass_through):
            self.assertEqual(shape("/v1/tracks/7", other)[0], 200)
            self.assertEqual(shape("/v1/tracks/7", first)[0], 403, "of an issuer that is gone, and was in the cache")
        self.assertIn("jeton_agent_", self.gateway.metrics())
        self.assertEqual(request(self.gateway.ports["operations"], "GET", "/readyz")[0], 200)

    def test_reload_takes_over_proxies_and_log_and_names_what_waits(self):
        token = self.tokens.sign()
        self.gateway.write(edge.POLICY, more='trusted_proxies = ["192.0.2.1"]')
        self.gateway.reload()
        self.until(lambda: self.ask("/v1/tracks/7", token)[0] == 403)
        self.assertIn("Only trusted proxies may ask", self.ask("/v1/tracks/7", token)[2])
        self.gateway.write(edge.POLICY, more="""trusted_proxies = ["127.0.0.0/8"]
log_allowed_one_in = 1
threads = 7
connections_max = 77""")
        self.gateway.reload()
        self.until(lambda: self.ask("/v1/tracks/7", token)[0] == 200)
        answer = self.pass_through("/v1/tracks/7", token, headers=[("X-Forwarded-For", "203.0.113.9")])
        self.assertEqual(dict(json.loads(answer[2])["headers"])["x-forwarded-for"], "203.0.113.9")
        self.gateway.wait_for_log('"address":"203.0.113.9"')
        self.gateway.wait_for_log('"settings":"[gateway] threads, [gateway] connections_max"')

    def test_bad_configuration_changes_nothing_at_all(self):
        token = self.tokens.sign()
        good = edge.POLICY.replace('path = "/public/**"', 'path = "/else/**"')
        for policy, said in (
                (good.replace('jwks_file = "{folder}/jwks.json"', 'jwks_file = 7'), "jwks_file"),
                (good.replace('jwks_file = "{folder}/jwks.json"', """jwks_file = "{folder}/jwks.json"
feed = true
feed_key = "{folder}/no-such-file"
client_id = "gateway"
client_secret_file = "{folder}/none" """), "no-such-file"),
                (good.replace('"http://127.0.0.1:{origin}"', '"https://127.0.0.1:{origin}"').replace(
                    "servers = [", 'ca_file = "{folder}/none"\nservers = ['), "none"),
                (good.replace("[[issuer]]", '[[issuer]]\nurl = "https://id.example.com"\n[[issuer]]', 1), "twice")):
            self.gateway.write(policy)
            before = sum("not reloaded" in line for line in self.gateway.log)
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for_log("not reloaded", before + 1)
            self.assertIn(said, [line for line in self.gateway.log if "not reloaded" in line][-1])
            self.assertEqual(self.ask("/public/x")[0], 200)
            self.assertEqual(self.ask("/v1/tracks/7", token)[0], 200)

    # mission row 8: keys change while it runs, and nobody is interrupted.
    def test_new_key_is_taken_and_the_tokens_of_a_removed_one_end_though_they_were_cached(self):
        old = self.tokens.sign("old")
        self.assertEqual([self.ask("/v1/tracks/7", old)[0] for _ in range(3)], [200] * 3)
        fresh = Tokens(BINARY, self.folder)
        fresh.publish(self.tokens)
        new = fresh.sign("new")
        self.until(lambda: self.ask("/v1/tracks/7", new)[0] == 200)
        self.assertEqual(self.ask("/v1/tracks/7", old)[0], 200)
        fresh.publish()
        self.until(lambda: self.ask("/v1/tracks/7", old)[0] == 403)
        self.assertEqual(self.pass_through("/v1/tracks/7", old)[0], 403)
        self.assertEqual(self.ask("/v1/tracks/7", new)[0], 200)

    def until(self, holds):
        deadline = time.monotonic() + edge.START_SECONDS_MAX
        while not holds():
            self.assertLess(time.monotonic(), deadline, self.gateway.errors())
            time.sleep(0.02)

    def why(self, request_id):
        done = subprocess.run([BINARY, "why", request_id], input=self.gateway.errors(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_why_tells_what_was_demanded_and_what_the_token_said(self):
        token = self.tokens.sign("dev_1", claims=("plan=free",))
        headers = [("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("X-Request-Id", "from-the-client")]
        answer = self.ask("/v1/tracks/7/stream?key=secret", token, headers=headers)
        request_id = answer[1]["x-request-id"]
        self.gateway.wait_for_log(request_id)
        for name in (request_id, TRACE, "from-the-client"):
            code, story, _ = self.why(name)
            self.assertEqual(code, 0)
            for part in ("refused, 403: insufficient_plan", "premium streams", 'plan: "free"', "plan: premium",
                         "subject dev_1", "192.0.2.7"):
                self.assertIn(part, story)
        self.assertEqual(self.why("no-such-request")[0], 1)
        log = self.gateway.errors()
        self.assertNotIn(token[:60], log)
        self.assertNotIn(token.split(".")[2], log)
        self.assertNotIn("secret", log)

    def test_traceparent_is_passed_on_and_one_is_made_where_there_is_none(self):
        answer = self.pass_through("/public/x", headers=[("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")])
        names = dict(json.loads(answer[2])["headers"])
        self.assertEqual(names["traceparent"].split("-")[1], TRACE)
        names = dict(json.loads(self.pass_through("/public/x")[2])["headers"])
        self.assertRegex(names["traceparent"], "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")

    def test_metrics_count_by_shape_route_and_reason(self):
        self.ask("/v1/tracks/7", self.tokens.sign())
        self.ask("/v1/tracks/7")
        self.pass_through("/v1/tracks/7")
        text = self.gateway.metrics()
        for shape, decision, reason in (("forward_auth", "allowed", ""), ("forward_auth", "refused", "missing_token"),
                                        ("proxy", "refused", "missing_token")):
            self.assertIn(f'jeton_gateway_decisions_total{{shape="{shape}",route="tracks",decision="{decision}",'
                          f'reason="{reason}"}} 1', text)
        self.assertIn("jeton_gateway_token_cache_entries 1", text)
        self.assertIn("jeton_agent_", text)
        self.assertEqual(request(self.gateway.ports["operations"], "GET", "/readyz")[0], 200)

    def test_ends_in_order_and_a_taken_port_is_named(self):
        port = self.gateway.ports["forward-auth"]
        path = pathlib.Path(self.folder, "second.toml")
        path.write_text(pathlib.Path(self.gateway.path).read_text().replace('forward_auth = "127.0.0.1:0"',
                                                                            f'forward_auth = "127.0.0.1:{port}"'))
        done = subprocess.run([BINARY, "gateway", "--config", str(path)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"127.0.0.1:{port} is taken", done.stderr)
        self.assertEqual(self.gateway.stop(), 0)
        self.assertIn('"event":"stopped"', self.gateway.errors())


class Set(unittest.TestCase):
    """What [gateway] sets has its effect in the process."""

    def host_seen(self, folder, origin, more):
        with Gateway(BINARY, folder, origin.port, listen="127.0.0.1:0", more=more) as gateway:
            answer = request(gateway.ports["proxy"], "GET", "/public/x",
                             [("Host", "api.example.com"), ("X-Forwarded-Host", "admin.example.com")])
            self.assertEqual(answer[0], 200, answer)
            return dict(json.loads(answer[2])["headers"])["host"]

    def test_forwarded_host_is_believed_only_if_the_proxies_set_it(self):
        with Folder() as folder, Origin() as origin:
            Tokens(BINARY, folder).publish()
            trusted = 'trusted_proxies = ["127.0.0.1"]\n'
            self.assertEqual(self.host_seen(folder, origin, trusted), "api.example.com")
            self.assertEqual(self.host_seen(folder, origin, trusted + "forwarded_host = true\n"), "admin.example.com")
            self.assertEqual(self.host_seen(folder, origin, ""), "api.example.com")

    def test_limits_are_those_of_the_file(self):
        with Folder() as folder, Origin() as origin:
            Tokens(BINARY, folder).publish()
            with Gateway(BINARY, folder, origin.port, listen="127.0.0.1:0",
                         more="body_bytes_max = 5\nheader_bytes_max = 2048\n") as gateway:
                def post(body, more=()):
                    return request(gateway.ports["proxy"], "POST", "/public/x", [("Host", "a"), *more], body)[0]
                self.assertEqual([post("12345"), post("123456")], [200, 413])
                self.assertEqual([post("", [("X-A", "a" * 1_000)]), post("", [("X-A", "a" * 2_048)])], [200, 431])


class Bad(unittest.TestCase):
    def test_policy_that_cannot_be_used_is_refused_whole_with_its_lines(self):
        with Folder() as folder:
            path = pathlib.Path(folder, "gateway.toml")
            path.write_text('[gateway]\nforward_auth = "nowhere"\nthreds = 2\n')
            done = subprocess.run([BINARY, "gateway", "--config", str(path)], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("gateway.toml:2", done.stderr)
            self.assertIn("gateway.toml:3", done.stderr)
            self.assertIn("did you mean threads", done.stderr)


class Shadow(unittest.TestCase):
    def test_shadow_policy_refuses_nothing_and_says_what_it_would(self):
        with Folder() as folder, Origin() as origin:
            tokens = Tokens(BINARY, folder)
            tokens.publish()
            strict = edge.POLICY.replace('plan = ["premium", "family"]', 'plan = ["family"]')
            shadow = pathlib.Path(folder, "shadow.toml")
            shadow.write_text(strict.format(folder=folder, origin=origin.port, listen="", more=""))
            with Gateway(BINARY, folder, origin.port, more=f'shadow = "{shadow}"') as gateway:
                token = tokens.sign(claims=("plan=premium",))
                headers = forwarded("/v1/tracks/7/stream")
                answer = request(gateway.ports["forward-auth"], "GET", "/auth", headers, token=token)
                self.assertEqual(answer[0], 200)
                gateway.wait_for_log("shadow policy would refuse")
                self.assertIn("jeton_gateway_shadow_refusals_total 1", gateway.metrics())


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
