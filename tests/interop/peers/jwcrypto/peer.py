"""jwcrypto: keys, sets and tokens by the library itself."""

import json
import sys
import types
from importlib.metadata import version

from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

import line_server

ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def hello(_request):
    return {"library": f"jwcrypto {version('jwcrypto')}", "algorithms": ALGORITHMS, "can": ["generate", "publish"]}


def generate(request):
    alg = request["alg"]
    if alg.startswith("HS"):
        return {"jwk": json.loads(jwcrypto_jwk.JWK.generate(kty="oct", size=512).export())}
    if alg == "EdDSA":
        key = jwcrypto_jwk.JWK.generate(kty="OKP", crv="Ed25519")
    elif alg.startswith("ES"):
        key = jwcrypto_jwk.JWK.generate(kty="EC", crv=CURVES[alg])
    else:
        key = jwcrypto_jwk.JWK.generate(kty="RSA", size=2048)
    return {"jwk": json.loads(key.export()), "pem": key.export_to_pem(private_key=True, password=None).decode()}


def publish(request):
    return {"jwk": json.loads(jwcrypto_jwk.JWK(**request["jwk"]).export_public())}


def sign(request):
    token = jwcrypto_jwt.JWT(header={"alg": request["alg"], **request["header"]}, claims=request["claims"],
                             algs=[request["alg"]])
    token.make_signed_token(jwcrypto_jwk.JWK(**request["jwk"]))
    return {"token": token.serialize()}


def policy(rules):
    keys = jwcrypto_jwk.JWKSet.from_json(json.dumps(rules["jwks"]))
    if len(rules["jwks"]["keys"]) == 1 and "kid" not in rules["jwks"]["keys"][0]:
        keys = jwcrypto_jwk.JWK(**rules["jwks"]["keys"][0])
    return rules, keys


def check(prepared, token):
    rules, keys = prepared
    # The library asks time.time and takes no other clock.
    jwcrypto_jwt.time = types.SimpleNamespace(time=lambda: rules["now"])
    verified = jwcrypto_jwt.JWT(algs=rules["algs"], expected_type="JWS",
                                check_claims={"iss": rules["issuer"], "aud": rules["audience"], "exp": None})
    verified.leeway = 0
    verified.deserialize(token, keys)
    return json.loads(verified.claims)


if __name__ == "__main__":
    line_server.serve(sys.modules["__main__"])
