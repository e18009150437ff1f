"""Tokens, JWKs and JWKS travel both ways between Jeton and each peer, for every algorithm that both know.

travel.py JETON [PEER…]. Each step says what went where; whatever does not arrive is a failure. Every token that is
accepted has a twin whose signature was changed, which the same reader must refuse.
"""

import json
import sys
import time

import peers
import pem
from jeton import Jeton

ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA"]
ISSUER, AUDIENCE = "https://as.example", "api"
CLAIMS = {"sub": "dev_12847", "roles": ["developer", "reader"], "plan": "pro",
          "team": {"id": 7, "name": "Zoë ☂ \U0001f600"},
          "big": 9007199254740991, "negative": -3, "yes": True, "nothing": None, "quoted": "a\"b\\c\n/"}
PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "oct": ("kty", "k")}


def public_part(jwk):
    return {name: jwk.get(name) for name in PUBLIC[jwk["kty"]]}


def tampered(token):
    """Another signature of the same length, spelt canonically: its first byte changed."""
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


class Travel:
    def __init__(self, jeton, peer, now):
        self.jeton, self.peer, self.now = jeton, peer, now
        self.arrived, self.lost = 0, []
        self.made = []  # (algorithm, private key, public key) of the peer's

    def arrives(self, what, outcome):
        """outcome() returns None if what was sent arrived, or what came instead."""
        try:
            instead = outcome()
        except (peers.Failed, KeyError, TypeError, ValueError) as error:
            instead = str(error) or repr(error)
        if instead is None:
            self.arrived += 1
        else:
            self.lost.append(f"{self.peer.name}: {what}: {instead}")

    def policy(self, alg, keys):
        return {"jwks": {"keys": keys}, "pems": [pem.public_pem(key) for key in keys], "algs": [alg],
                "issuer": ISSUER, "audience": AUDIENCE, "now": self.now}

    def peer_reads(self, alg, keys, token, claims):
        policy = self.policy(alg, keys)
        answer = self.peer.answer({"op": "verify", "policy": policy, "token": token})
        if not answer["ok"]:
            return answer["error"]
        wrong = {name: answer["claims"].get(name) for name in claims if answer["claims"].get(name) != claims[name]}
        if wrong:
            return f"other claims: {wrong}"
        twin = self.peer.answer({"op": "verify", "policy": policy, "token": tampered(token)})
        return "it accepts another signature too" if twin["ok"] else None

    def jeton_reads(self, alg, keys, token, claims):
        request = {"jwks": {"keys": keys}, "token": token, "issuer": ISSUER, "audience": AUDIENCE, "algs": [alg],
                   "now": self.now}
        answer = self.jeton.verify.ask(request)
        if not answer["ok"] or any(answer["claims"].get(name) != claims[name] for name in claims):
            return json.dumps(answer)
        as_jws = self.jeton.verify_jws.ask({"jwks": {"keys": keys}, "jws": token})
        if not as_jws["ok"] or as_jws["payload"] != token.split(".")[1]:
            return f"as JWS {json.dumps(as_jws)}"
        twin = self.jeton.verify.ask({**request, "token": tampered(token)})
        return None if twin.get("error") == "bad_signature" else f"another signature: {json.dumps(twin)}"

    def full(self):
        return {**CLAIMS, "iss": ISSUER, "aud": AUDIENCE, "iat": self.now, "exp": self.now + 3600}

    def peer_signs(self, alg, jwk):
        header = {"kid": jwk["kid"], "typ": "JWT"} if "kid" in jwk else {"typ": "JWT"}
        return self.peer.ask({"op": "sign", "alg": alg, "jwk": jwk, "pem": pem.private_pem(jwk), "header": header,
                              "claims": self.full()})["token"]

    def jeton_made(self, alg, key, keys):
        """A key of Jeton's, used by both; `keys` are what verifiers get: Jeton's JWKS of all algorithms."""
        self.arrives(f"{alg} token by jeton", lambda: self.peer_reads(
            alg, keys, self.jeton.sign_token(key, CLAIMS, ISSUER, AUDIENCE, self.now), CLAIMS))
        self.arrives(f"{alg} JWS by jeton", lambda: self.peer_reads(
            alg, keys, self.jeton.sign_jws(key, json.dumps(self.full(), ensure_ascii=False)), CLAIMS))
        self.arrives(f"{alg} token by the peer, jeton's key", lambda: self.jeton_reads(
            alg, keys, self.peer_signs(alg, key), CLAIMS))
        if "publish" in self.peer.can and key["kty"] != "oct":
            self.arrives(f"{alg} jeton's JWK in and out", lambda: self.same_key(alg, key, key))

    def published(self, alg, jwk):
        return self.peer.ask({"op": "publish", "alg": alg, "jwk": jwk, "pem": pem.private_pem(jwk)})["jwk"]

    def same_key(self, alg, private, wanted):
        published = self.published(alg, private)
        if public_part(published) != public_part(wanted):
            return f"another key: {json.dumps(published)}"
        if any(name in published for name in ("d", "p", "q")):
            return "private members among the public ones"
        checked = self.jeton.check.ask({"keys": [published]})
        return None if checked["ok"] else json.dumps(checked)

    def peer_made(self, alg):
        """A key of the peer's, taken in by Jeton as JWK and as PEM, used by both."""
        made = self.peer.ask({"op": "generate", "alg": alg})
        forms = [form for form in ("jwk", "pem") if made.get(form)]
        for form in forms:
            self.arrives(f"{alg} key of the peer's as {form}", lambda form=form: self.key_arrives(alg, made, form))
        if "jwk" in made:  # a JWK as the peer writes it, without kid: any kid finds it
            key = made["jwk"]
            if key["kty"] != "oct":
                key = self.published(alg, made["jwk"])
                self.made.append((alg, made["jwk"], {**key, "kid": f"{self.peer.name} {alg}", "alg": alg}))
            self.arrives(f"{alg} token by the peer, its key", lambda: self.jeton_reads(
                alg, [key], self.peer_signs(alg, made["jwk"]), CLAIMS))

    def peer_set(self):
        """All of the peer's keys as one JWKS, in which each token finds its own by kid."""
        keys = [public for _alg, _private, public in self.made]
        self.arrives("JWKS of the peer's", lambda: self.set_arrives(keys))
        for alg, private, public in self.made:
            self.arrives(f"{alg} token by the peer, its JWKS", lambda alg=alg, private=private, public=public:
                         self.jeton_reads(alg, keys, self.peer_signs(alg, {**private, "kid": public["kid"]}), CLAIMS))

    def set_arrives(self, keys):
        said = self.jeton.check.ask({"keys": keys})
        wanted = [{name: key[name] for name in ("kid", "alg", "kty")} for key in keys]
        return None if said == {"ok": True, "keys": wanted} else json.dumps(said)

    def key_arrives(self, alg, made, form):
        imported = self.jeton.import_key(made[form], alg)
        if "jwk" in made and public_part(imported) != public_part(made["jwk"]):
            return f"another key: {json.dumps(public_part(imported))}"
        keys = [imported] if imported["kty"] == "oct" else self.jeton.publish([imported])["keys"]
        token = self.jeton.sign_token(imported, CLAIMS, ISSUER, AUDIENCE, self.now)
        return (self.peer_reads(alg, keys, token, CLAIMS)
                or self.jeton_reads(alg, keys, self.peer_signs(alg, imported), CLAIMS))

    def newer_name(self, key):
        """RFC 9864: the name Ed25519 in tokens and in a JWK; Jeton writes EdDSA and reads both."""
        named = {**key, "alg": "Ed25519"}
        self.arrives("Ed25519 token by the peer", lambda: self.jeton_reads(
            "Ed25519", self.jeton.publish([key])["keys"], self.peer_signs("Ed25519", named), CLAIMS))
        self.arrives("Ed25519 token by the peer, JWK of that name", lambda: self.jeton_reads(
            "Ed25519", [{**public_part(key), "alg": "Ed25519", "kid": key["kid"]}],
            self.peer_signs("Ed25519", named), CLAIMS))
        self.arrives("Ed25519 key of the peer's", lambda: self.key_arrives(
            "EdDSA", self.peer.ask({"op": "generate", "alg": "Ed25519"}), "jwk"))


def main(program, names):
    now = int(time.time())  # one peer takes no other clock
    jeton = Jeton(program)
    keys = {alg: jeton.generate(alg) for alg in ALGORITHMS}
    public = jeton.publish([key for key in keys.values() if key["kty"] != "oct"])["keys"]
    lost = []
    for peer in peers.start(names):
        travel = Travel(jeton, peer, now)
        known = [alg for alg in ALGORITHMS if alg in peer.algorithms]
        for alg in known:
            set_for_all = [keys[alg]] if alg.startswith("HS") else public
            travel.jeton_made(alg, keys[alg], set_for_all)
            if "generate" in peer.can and not (peer.name == "golang-jwt" and alg.startswith("HS")):
                travel.peer_made(alg)
        if travel.made:
            travel.peer_set()
        if "Ed25519" in peer.algorithms:
            travel.newer_name(keys["EdDSA"])
        print(f"{peer.library}: {len(known)} algorithms, {travel.arrived} arrived, {len(travel.lost)} lost", flush=True)
        lost += travel.lost
        peer.close()
    jeton.close()
    print("\n".join(lost))
    return 1 if lost else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except peers.Failed as failed:
        sys.exit(f"interop: {failed}")
