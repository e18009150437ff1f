"""Lines for `jeton token verify --batch-json`: good, refused, bad_input, or a token from standard input."""
import json
import sys

KEY = json.load(open("hmac.jwk"))
TOKEN = open("joe.token").read().strip()
BEFORE_EXPIRY = 1300819379


def line(**changes):
    request = {"jwks": KEY, "token": TOKEN, "issuer": "joe", "algs": ["HS256"], "now": BEFORE_EXPIRY}
    request.update(changes)
    return json.dumps({name: value for name, value in request.items() if value is not ...})


def good():
    named = {**KEY, "kid": "k"}
    refused_key = {"kty": "oct", "kid": "weak", "alg": "HS256", "k": "c2hvcnQ"}
    return [
        line(),
        line(now=..., issuer=..., algs=...),
        line(issuer=["ann", "joe"]),
        line(now=BEFORE_EXPIRY + 10, leeway=30),
        line(typ="jwt"),
        line(typ="application/JWT"),
        line(algs=["XS256", "HS256", "HS256"]),
        line(jwks={"keys": [named]}),
        line(jwks={"keys": [KEY, {"kty": "new"}]}),
    ]


def refused():
    ec = json.load(open("ec.jwk"))
    return [
        line(now=BEFORE_EXPIRY + 1),
        line(issuer="jo"),
        line(issuer=[]),
        line(issuer=["ann", "bob"]),
        line(audience="api"),
        line(audience=[]),
        line(typ="at+jwt"),
        line(algs=[]),
        line(algs=["none"]),
        line(jwks=ec),
        line(token=TOKEN[:-1] + "Q"),
        line(token="a.b"),
        line(token=TOKEN + "="),
        line(token="a" * 3_000_000),
        line(jwks={"keys": []}),
        line(jwks={"keys": 1}),
        line(jwks={"keys": [{**KEY, "kid": "a"}, {**KEY, "kid": "a"}]}),
        line(jwks={"kty": "oct", "alg": "HS256", "k": "c2hvcnQ"}),
    ]


def bad_input():
    whole = line()
    return [
        line(unknown=1), line(jwks=...), line(token=...), line(jwks="{}"), line(jwks=[KEY]), line(jwks=None),
        line(token=None), line(token=["a"]), line(token=1), line(issuer=1), line(issuer=["joe", 1]), line(issuer=None),
        line(audience={"a": 1}), line(audience=True), line(typ=["JWT"]), line(typ=None), line(algs="HS256"),
        line(algs=[1]), line(algs=None), line(now="1300819379"), line(now=1300819379.0), line(now=True),
        line(now=2**63), line(leeway=-1), line(leeway="30"), line(leeway=0.5),
        whole[:-1] + ',"now":1}', whole.replace('"kty"', '"kty":"oct","kty"'), whole + "x", "[" + whole + "]",
    ]


def wrap(with_now):
    changes = {"now": BEFORE_EXPIRY} if with_now else {"now": ...}
    return [line(token=sys.stdin.read().strip(), issuer=..., **changes)]


if __name__ == "__main__":
    kind = sys.argv[1]
    kinds = {"good": good, "refused": refused, "bad_input": bad_input, "wrap": lambda: wrap("now" in sys.argv)}
    lines = kinds[kind]()
    sys.stdout.write("".join(one + "\n" for one in lines))
