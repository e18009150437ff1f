"""The part that every peer in Python shares: one JSON request a line on stdin, one JSON answer a line on stdout."""

import json
import sys


def pick(entries, header):
    """The one entry of a key set that a header asks for; entries are dictionaries with kid and algs."""
    if len(entries) == 1 and entries[0]["kid"] is None:
        return entries[0]
    if "kid" in header:
        fits = [entry for entry in entries if entry["kid"] == header["kid"]]
    else:
        fits = [entry for entry in entries if header.get("alg") in entry["algs"]]
    if len(fits) != 1:
        raise ValueError(f"{len(fits)} keys fit")
    return fits[0]


def algorithms_of(jwk, allowed):
    """The algorithms of the policy that a JWK admits: its own, or what its type can do."""
    if "alg" in jwk:
        names = ("EdDSA", "Ed25519") if jwk["alg"] == "EdDSA" else (jwk["alg"],)
        return [alg for alg in allowed if alg in names]
    families = {"oct": ("HS",), "RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}[jwk["kty"]]
    return [alg for alg in allowed if alg[:2] in families]


def serve(peer):
    """Answers until stdin ends. The peer has hello, policy and check, and may have generate, publish and sign."""
    policies = []

    def judged(policy, token):
        try:
            return peer.check(policy, token)
        except Exception:  # whatever it raises is its way to refuse
            return None

    for line in sys.stdin:
        try:
            request = json.loads(line)
            operation = request["op"]
            if operation == "policies":
                policies = [peer.policy(policy) for policy in request["policies"]]
                answer = {}
            elif operation == "judge":
                policy = policies[request["policy"]]
                answer = {"answers": [judged(policy, token) for token in request["tokens"]]}
            elif operation == "verify":
                answer = {"claims": peer.check(peer.policy(request["policy"]), request["token"])}
            else:
                answer = getattr(peer, operation)(request)
            answer = {"ok": True, **answer}
        except Exception as error:  # the answer to a request that failed, whatever the reason
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
