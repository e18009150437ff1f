"""Partners verify with the libraries that they have: tokens of a running issuer, by the keys that it publishes.

partners.py JETON [PEER…]. `jeton serve` logs somebody in; every peer reads the published set and the token, and must
find the claims in it; the same token with another signature it must refuse. Once with ES256, once with RS256.
"""

import json
import pathlib
import sys
import tempfile
import time

import peers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from jeton_server import EMAIL, Client, Server  # noqa: E402


def tampered(token):
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


def token_and_keys(binary, folder, alg):
    config = pathlib.Path(folder, f"{alg}.toml")
    config.write_text(f'[tokens]\nalgorithm = "{alg}"\n[log]\nlevel = "error"\n')
    with Server(binary, "--config", str(config), data=f"{folder}/{alg}") as server:
        client = Client(server.port)
        if client.register()[0] not in (200, 201):
            raise SystemExit(f"no user: {server.errors()}")
        status, session = client.login()
        if status != 200:
            raise SystemExit(f"no login: {session}")
        keys = client.get("/.well-known/jwks.json")[1]
        client.close()
        server.stop()
    return session["accessToken"], keys, f"http://127.0.0.1:{server.port}"


def objection_to(peer, alg, token, keys, issuer):
    """None if the partner believes the token, finds who it is about, and refuses its twin."""
    policy = {"jwks": keys, "pems": [], "algs": [alg], "issuer": issuer, "audience": "api", "now": int(time.time())}
    answer = peer.answer({"op": "verify", "policy": policy, "token": token})
    if not answer["ok"]:
        return answer["error"]
    claims = answer["claims"]
    if claims.get("iss") != issuer or not claims.get("sub") or claims.get("email", EMAIL) != EMAIL:
        return f"reads {json.dumps(claims)}"
    if peer.answer({"op": "verify", "policy": policy, "token": tampered(token)})["ok"]:
        return "believes a token whose signature was changed"
    return None


# mission row 16: partners in several languages verify with their usual libraries.
def main():
    binary, names = sys.argv[1], sys.argv[2:]
    # Debian's libjwt takes no `typ` but JWT, and access tokens say at+jwt (RFC 9068).
    partners = peers.start(names or [name for name in peers.TOOLCHAINS if name != "libjwt"])
    objections, verified = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for alg in ("ES256", "RS256"):
            token, keys, issuer = token_and_keys(binary, folder, alg)
            for peer in partners:
                if alg not in peer.algorithms:
                    continue
                objection = objection_to(peer, alg, token, keys, issuer)
                if objection is None:
                    verified += 1
                else:
                    objections.append(f"{peer.library}, {alg}: {objection}")
    for peer in partners:
        peer.close()
    for objection in objections:
        print(f"REFUSED {objection}")
    print(f"{verified} verified by {', '.join(peer.library for peer in partners)}")
    if verified == 0:
        objections.append("nobody has verified anything")
    sys.exit(1 if objections else 0)


if __name__ == "__main__":
    main()
