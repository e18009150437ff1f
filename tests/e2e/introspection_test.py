"""`jeton gateway` that does not hear a real issuer's feed, on routes that want the issuer asked (RFC 7662)."""
import re
import sys
import tempfile
import threading
import unittest

import edge
from edge import Gateway, Origin, request
from verifier_process import Issuer, wait_for

BINARY = None
POLICY = """[gateway]
listen = "127.0.0.1:0"
forward_auth = "127.0.0.1:0"
operations = "127.0.0.1:0"
state = "{folder}/state"
[defaults]
audience = "api"
[[issuer]]
url = "ISSUER"
feed = true
feed_key = "{folder}/feed.jwks"
client_id = "CLIENT"
client_secret_file = "{folder}/CLIENT.secret"
introspection_endpoint = "ISSUER/oauth2/introspect"
[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:{origin}"]
[[route]]
name = "asks"
match = {{ path = "/asks/**" }}
staleness = {{ max = "1s", then = "introspect" }}
pass = {{ sub = "X-Auth-User" }}
upstream = "origin"
[[route]]
name = "denies"
match = {{ path = "/denies/**" }}
staleness = {{ max = "1s", then = "deny" }}
upstream = "origin"
[[route]]
name = "open"
match = {{ path = "/open/**" }}
staleness = {{ max = "1s", then = "allow" }}
upstream = "origin"
"""


class Introspection(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.issuer = Issuer(BINARY, self.folder)
        self.addCleanup(lambda: self.issuer.server.process.poll() is None and self.issuer.server.kill())
        self.client("asker", "--audience", "api")  # may not follow the feed, so it is never heard
        self.origin = self.enterContext(Origin())

    def client(self, name, *more):
        made = self.issuer.command("client", "create", "--id", name, *more)
        with open(f"{self.folder}/{name}.secret", "w", encoding="utf-8") as file:
            file.write(re.search(r"secret\s+(\S+)", made).group(1))

    def gateway(self, client="asker"):
        policy = POLICY.replace("ISSUER", self.issuer.url).replace("CLIENT", client)
        return self.enterContext(Gateway(BINARY, self.folder, self.origin.port, policy, ready=False))

    def sign_in(self, email):
        client = self.issuer.client()
        self.assertIn(client.register(email)[0], (200, 201))
        status, body = client.login(email)
        self.assertEqual(status, 200)
        client.close()
        return body

    def by_proxy(self, gateway, token, target="/asks/7"):
        return request(gateway.ports["proxy"], "GET", target, token=token)

    def by_question(self, gateway, token, target="/asks/7"):
        return request(gateway.ports["forward-auth"], "GET", "/auth",
                       [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", target), ("X-Forwarded-Host", "h")],
                       token=token)

    def test_issuer_is_asked_revoked_is_refused_and_an_issuer_that_is_away_is_503(self):
        gateway = self.gateway()
        mine, other = self.sign_in("a@example.com"), self.sign_in("b@example.com")
        wait_for(lambda: self.by_proxy(gateway, mine["accessToken"])[0] == 200, "allowed", gateway.errors)
        answer = self.by_question(gateway, mine["accessToken"])
        self.assertEqual(answer[0], 200)
        self.assertTrue(answer[1]["x-auth-user"])
        self.assertEqual(self.by_proxy(gateway, mine["accessToken"], "/denies/7")[0], 503)
        self.assertEqual(self.issuer.client().logout(mine["refreshToken"])[0], 204)
        for shape in (self.by_proxy, self.by_question):
            wait_for(lambda one=shape: one(gateway, mine["accessToken"])[0] == 401, "revoked", gateway.errors)
            self.assertEqual(shape(gateway, mine["accessToken"])[2], '{"error":"Token revoked"}')
            self.assertEqual(shape(gateway, other["accessToken"])[0], 200)
        self.assertIn('"introspection":"inactive"', gateway.errors())
        self.assertIn('answer="active"', gateway.metrics())
        self.assertNotIn(mine["accessToken"].split(".")[2], gateway.errors())
        self.issuer.server.kill()
        for shape in (self.by_proxy, self.by_question):
            wait_for(lambda one=shape: one(gateway, other["accessToken"])[0] == 503, "away", gateway.errors)
        self.issuer.start()
        for shape in (self.by_proxy, self.by_question):
            wait_for(lambda one=shape: one(gateway, other["accessToken"])[0] == 200, "back", gateway.errors)
        self.assertEqual(gateway.stop(), 0)

    def test_feed_that_is_heard_spares_the_questions(self):
        self.client("follower", "--scope", "feed:read", "--audience", "api")
        gateway = self.gateway("follower")
        mine = self.sign_in("a@example.com")
        wait_for(lambda: request(gateway.ports["operations"], "GET", "/readyz")[0] == 200, "ready", gateway.errors)
        for shape in (self.by_proxy, self.by_question):
            wait_for(lambda one=shape: one(gateway, mine["accessToken"])[0] == 200, "allowed", gateway.errors)
        self.assertIn('answer="active"} 0\n', gateway.metrics())

    # What is no longer known of an issuer that stays is not given up for a policy that cannot have it.
    def test_reload_that_would_lose_keys_or_revocations_changes_nothing(self):
        self.client("follower", "--scope", "feed:read", "--audience", "api")
        gateway = self.gateway("follower")
        policy = POLICY.replace("ISSUER", self.issuer.url).replace("CLIENT", "follower")
        mine, other = self.sign_in("a@example.com"), self.sign_in("b@example.com")
        wait_for(lambda: request(gateway.ports["operations"], "GET", "/readyz")[0] == 200, "ready", gateway.errors)
        wait_for(lambda: self.by_proxy(gateway, mine["accessToken"], "/open/7")[0] == 200, "allowed", gateway.errors)
        self.assertEqual(self.issuer.client().logout(mine["refreshToken"])[0], 204)

        def expect_all_as_it_was():
            for shape in (self.by_proxy, self.by_question):
                wait_for(lambda: shape(gateway, mine["accessToken"], "/open/7")[0] == 401, "revoked", gateway.errors)
                self.assertEqual(shape(gateway, other["accessToken"], "/open/7")[0], 200, gateway.errors())
            self.assertEqual(request(gateway.ports["operations"], "GET", "/readyz")[0], 200)

        expect_all_as_it_was()
        mistyped = policy.replace("feed = true", f'jwks = "http://127.0.0.1:{edge.free_port()}/jwks.json"\nfeed = true')
        with open(f"{self.folder}/other.jwks", "w", encoding="utf-8") as file:
            file.write(edge.Tokens(BINARY, self.folder).public())
        other_key = policy.replace("feed.jwks", "other.jwks")
        moved = policy.replace("/state", "/elsewhere")
        gateway.write(mistyped)
        self.assertIn(self.issuer.url + ": its keys are not known", gateway.reload_in_vain())
        expect_all_as_it_was()
        gateway.write(moved)
        gateway.reload()  # the feed can be heard
        expect_all_as_it_was()
        gateway.write(policy)
        gateway.reload()
        expect_all_as_it_was()
        self.issuer.server.kill()
        for text in (mistyped, moved.replace("/elsewhere", "/empty"), other_key):
            gateway.write(text)
            self.assertRegex(gateway.reload_in_vain(), self.issuer.url + ": (its keys are|what it has revoked is) not")
            expect_all_as_it_was()
        # One that stays with what is on disk is another matter: also after those that failed.
        gateway.write(policy.replace("feed = true", 'leeway = "20s"\nfeed = true'))
        gateway.reload()
        expect_all_as_it_was()
        self.issuer.start()
        third = self.sign_in("c@example.com")
        self.assertEqual(self.issuer.client().logout(third["refreshToken"])[0], 204)
        wait_for(lambda: self.by_proxy(gateway, third["accessToken"], "/open/7")[0] == 401, "heard", gateway.errors)
        gateway.write(other_key)
        self.assertIn(": what it has revoked is not known", gateway.reload_in_vain())
        expect_all_as_it_was()
        self.assertEqual(gateway.stop(), 0)
        # The state is whole: a gateway that begins without the issuer knows all of it.
        self.issuer.server.kill()
        gateway = self.gateway("follower")
        for one in (mine, third):
            self.assertEqual(self.by_proxy(gateway, one["accessToken"], "/open/7")[0], 401)
        self.assertEqual(self.by_proxy(gateway, other["accessToken"], "/open/7")[0], 200)

    def test_no_request_fails_while_the_policy_is_reloaded_under_load(self):
        gateway = self.gateway()
        tokens = [self.sign_in(f"u{i}@example.com")["accessToken"] for i in range(3)]
        wait_for(lambda: self.by_proxy(gateway, tokens[0])[0] == 200, "allowed", gateway.errors)
        stop, wrong = threading.Event(), []

        def ask_on(token):
            while not stop.is_set():
                for answer in (self.by_question(gateway, token), self.by_proxy(gateway, token)):
                    if answer[0] != 200:
                        wrong.append(answer)

        threads = [threading.Thread(target=ask_on, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        for _ in range(20):
            gateway.reload()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    BINARY = sys.argv.pop()
    edge.installed()
    unittest.main(verbosity=2)
