"""PyJWT: JWKs by the library, new keys by the library beneath it."""

import base64
import datetime
import json
import secrets

import jwt
import jwt.api_jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

import line_server

ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA"]
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


class Clock(datetime.datetime):
    """The library asks datetime.now and takes no other clock."""

    seconds = 0

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(cls.seconds, tz)


jwt.api_jwt.datetime = Clock


def hello(_request):
    return {"library": f"PyJWT {jwt.__version__}", "algorithms": ALGORITHMS, "can": ["generate", "publish"]}


def generate(request):
    alg = request["alg"]
    if alg.startswith("HS"):
        return {"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b"=").decode()}}
    if alg == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
    elif alg.startswith("ES"):
        key = ec.generate_private_key(CURVES[alg]())
    else:
        key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    return {"jwk": json.loads(get_default_algorithms()[alg].to_jwk(key)), "pem": pem.decode()}


def publish(request):
    key = jwt.PyJWK(request["jwk"], request["alg"]).key
    return {"jwk": json.loads(get_default_algorithms()[request["alg"]].to_jwk(key.public_key()))}


def sign(request):
    key = jwt.PyJWK(request["jwk"], request["alg"]).key
    return {"token": jwt.encode(request["claims"], key, request["alg"], headers=request["header"])}


def policy(rules):
    entries = []
    for jwk in rules["jwks"]["keys"]:
        algs = line_server.algorithms_of(jwk, rules["algs"])
        if algs:  # a set may hold keys that are not for us
            entries.append({"kid": jwk.get("kid"), "algs": algs, "key": jwt.PyJWK(jwk, algs[0]).key})
    return rules, entries


def check(prepared, token):
    rules, entries = prepared
    entry = line_server.pick(entries, jwt.get_unverified_header(token))
    Clock.seconds = rules["now"]
    return jwt.decode(token, entry["key"], algorithms=entry["algs"], issuer=rules["issuer"],
                      audience=rules["audience"], options={"require": ["exp", "iss", "aud"]})


if __name__ == "__main__":
    import sys
    line_server.serve(sys.modules["__main__"])
