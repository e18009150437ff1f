"""bench.py DIR: how long PyJWT takes to verify the tokens in DIR and to read their claims. Prints `ALG ns`."""
import pathlib
import sys
import time

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

NAMES = ("iss", "sub", "aud", "exp", "iat", "jti", "email", "roles", "plan")
ROUND_NS, ROUNDS = 25_000_000, 7


def time_of(token, key, algorithm, count):
    before = time.thread_time_ns()
    for _ in range(count):
        payload = jwt.decode(token, key, algorithms=[algorithm], audience="https://api.example.com",
                             issuer="https://id.example.com")
        [payload[name] for name in NAMES]
    return (time.thread_time_ns() - before) / count


directory = pathlib.Path(sys.argv[1])
for algorithm in ("HS256", "RS256", "PS256", "ES256", "EdDSA"):
    token = (directory / f"{algorithm}.token").read_text()
    if algorithm == "HS256":
        key = (directory / "HS256.secret").read_bytes()
    else:
        key = load_pem_public_key((directory / f"{algorithm}.pem").read_bytes())
    count = max(1, int(ROUND_NS / time_of(token, key, algorithm, 50)))
    print(algorithm, round(sorted(time_of(token, key, algorithm, count) for _ in range(ROUNDS))[ROUNDS // 2], 1))
