"""Debian's libjwt, called through its C interface. It knows no JWK: keys come as PEM, secrets as bytes."""

import base64
import ctypes
import ctypes.util
import json
import sys

import line_server

LIBRARY = ctypes.CDLL(ctypes.util.find_library("jwt"))
KNOWN = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
         "ES256", "ES384", "ES512", "EdDSA"]


def function(name, result, *arguments):
    found = getattr(LIBRARY, name)
    found.restype, found.argtypes = result, arguments
    return found


pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
str_alg = function("jwt_str_alg", number, text)
alg_str = function("jwt_alg_str", text, number)
jwt_new = function("jwt_new", number, ctypes.POINTER(pointer))
jwt_free = function("jwt_free", None, pointer)
jwt_decode = function("jwt_decode", number, ctypes.POINTER(pointer), text, text, number)
get_alg = function("jwt_get_alg", number, pointer)
set_alg = function("jwt_set_alg", number, pointer, number, text, number)
add_header = function("jwt_add_header", number, pointer, text, text)
add_grants = function("jwt_add_grants_json", number, pointer, text)
get_grants = function("jwt_get_grants_json", pointer, pointer, text)
encode_str = function("jwt_encode_str", pointer, pointer)
release = ctypes.CDLL(None).free
release.restype, release.argtypes = None, (pointer,)

ALGORITHMS = [alg for alg in KNOWN if alg_str(str_alg(alg.encode())) == alg.encode()]


def hello(_request):
    return {"library": "libjwt (Debian)", "algorithms": ALGORITHMS, "can": []}


def material(jwk, pem):
    return base64.urlsafe_b64decode(jwk["k"] + "==") if jwk["kty"] == "oct" else pem.encode()


def taken(allocated):
    """The text of a char* that is the caller's to free."""
    try:
        return ctypes.string_at(allocated).decode()
    finally:
        release(allocated)


def sign(request):
    token = pointer()
    jwt_new(ctypes.byref(token))
    try:
        key = material(request["jwk"], request["pem"])
        failed = set_alg(token, str_alg(request["alg"].encode()), key, len(key))
        for name, value in request["header"].items():
            failed = failed or add_header(token, name.encode(), value.encode())
        failed = failed or add_grants(token, json.dumps(request["claims"]).encode())
        encoded = None if failed else encode_str(token)
        if not encoded:
            raise ValueError(f"libjwt did not sign ({failed})")
        return {"token": taken(encoded)}
    finally:
        jwt_free(token)


def policy(rules):
    entries = []
    for jwk, pem in zip(rules["jwks"]["keys"], rules["pems"]):
        entries.append({"kid": jwk.get("kid"), "algs": line_server.algorithms_of(jwk, rules["algs"]),
                        "key": material(jwk, pem)})
    return rules, entries


def check(prepared, token):
    rules, entries = prepared
    head = token.split(".")[0]
    entry = line_server.pick(entries, json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))))
    decoded = pointer()
    status = jwt_decode(ctypes.byref(decoded), token.encode(), entry["key"], len(entry["key"]))
    if status:
        raise ValueError(f"jwt_decode says {status}")
    try:
        if alg_str(get_alg(decoded)).decode() not in entry["algs"]:
            raise ValueError("the key is for another algorithm")
        claims = json.loads(taken(get_grants(decoded, None)))
    finally:
        jwt_free(decoded)
    # Debian 12's version checks signatures alone; claims are its caller's.
    audience = claims.get("aud")
    if claims.get("iss") != rules["issuer"] or rules["audience"] not in (
            audience if isinstance(audience, list) else [audience]):
        raise ValueError("another issuer or audience")
    if claims["exp"] <= rules["now"] or claims.get("nbf", 0) > rules["now"]:
        raise ValueError("not now")
    return claims


if __name__ == "__main__":
    line_server.serve(sys.modules["__main__"])
