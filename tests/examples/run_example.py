#!/usr/bin/env python3
"""run_example.py MAKE_TOKENS SERVER: starts one of the guarded servers and asks it as clients and thieves do.

mission row 9: no token, an expired one and a wrong one each get their answer; a good one gets through with its claims.
mission row 10: a changed payload fails the signature.
"""
import http.client
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def ask(port, authorizations, path="/projects"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", path)
    for value in authorizations:
        connection.putheader("Authorization", value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    challenge = response.getheader("WWW-Authenticate") or ""
    kind = response.getheader("Content-Type") or ""
    connection.close()
    return response.status, body, challenge, kind


def check(what, got, status, body, challenge):
    print(f"{what}: {got}")
    kind = "text/plain" if status == 200 else "application/json"
    assert got[0] == status and got[1] == body, f"{what}: expected {status} {body}"
    assert re.fullmatch(challenge, got[2]), f"{what}: expected the challenge {challenge}"
    assert got[3].startswith(kind), f"{what}: expected {kind}"


def converse(port, tokens):
    bearer = {name: f"Bearer {(tokens / name).read_text()}" for name in ("good", "expired", "changed", "of_a_stranger")}
    invalid = r'Bearer realm="api", error="invalid_token"'
    check("no token", ask(port, []), 401, '{"error":"Access token required"}', r'Bearer realm="api"')
    check("another scheme", ask(port, ["Basic YTpi"]), 401, '{"error":"Access token required"}', r'Bearer realm="api"')
    check("expired", ask(port, [bearer["expired"]]), 401, '{"error":"Token expired"}', invalid)
    check("changed payload", ask(port, [bearer["changed"]]), 403, '{"error":"Invalid token"}', invalid)
    check("key of a stranger", ask(port, [bearer["of_a_stranger"]]), 403, '{"error":"Invalid token"}', invalid)
    check("no token at all", ask(port, ["Bearer nonsense"]), 403, '{"error":"Invalid token"}', invalid)
    twice = 'Bearer realm="api", error="invalid_request"'
    check("two tokens", ask(port, [bearer["good"], bearer["good"]]), 400, '{"error":"Invalid request"}', twice)
    check("a second token in the address", ask(port, [bearer["good"]], "/projects?a=1&access_token=x"), 400,
          '{"error":"Invalid request"}', twice)
    check("good", ask(port, [bearer["good"]]), 200, "projects of dev_12847\n", "")
    check("good, with a query", ask(port, [bearer["good"]], "/projects?page=2"), 200, "projects of dev_12847\n", "")


def main():
    make_tokens, server = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([make_tokens, directory], check=True)
        running = subprocess.Popen([server, f"{directory}/jwks.json", "https://id.example.com"],
                                   stdout=subprocess.PIPE)
        try:
            line = running.stdout.readline().decode()
            found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
            assert found, f"the server said {line!r}"
            converse(int(found[1]), Path(directory))
        finally:
            running.kill()
            running.wait()
        refused = subprocess.run([server, f"{directory}/nowhere", "https://id.example.com"], stderr=subprocess.PIPE,
                                 timeout=20)
        assert refused.returncode == 1 and b"nowhere" in refused.stderr, "a missing key file must be named"


if __name__ == "__main__":
    main()
