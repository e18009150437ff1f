"""A differential run: mutated tokens are shown to Jeton and to other libraries under the same policy.

differential.py JETON [--count N] [--seed S] [--first CASE] [--peers NAME,NAME] [--progress]

Whatever Jeton accepts and two others refuse is a finding; so is a token that Jeton and another both accept and read
differently, and a good token that Jeton refuses. A finding is made small by leaving out mutations, and printed with
seed, case and the line for `jeton token verify --batch-json`. What others accept and Jeton refuses is only counted:
Jeton means to be the strictest. Exits 1 if anything was found.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import threading
import time

import mutations
import peers
import pem

HERE = pathlib.Path(__file__).resolve().parent
BATCH_CASES = 2000
PUBLIC = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")

# name: (keys of keys.jsonl, what may stand in the header, how often). HMAC most often: it is what costs least to check,
# and form, header and claims are read by the same code for all.
POLICIES = {
    "hs256": (["hs256"], ["HS256"], 34),
    "two secrets": (["hs256", "hs512"], ["HS256", "HS512"], 10),
    "secret and curve": (["hs256", "es256"], ["HS256", "ES256"], 8),
    "no kid": (["hs256 without kid"], ["HS256"], 6),
    "es256": (["es256"], ["ES256"], 12),
    "es384": (["es384"], ["ES384"], 2),
    "eddsa": (["eddsa"], ["EdDSA"], 10),
    "rs256": (["rs256"], ["RS256"], 6),
    "ps256": (["ps256"], ["PS256"], 4),
    "rsa without alg": (["rs256 without alg"], ["RS256", "PS256", "HS256"], 8),
}

# Differences in which Jeton is right, each with its reason: (why, whether it is this one).
EXPLAINED = [
    ("exp is within the second that now is: it has not come yet, others cut its fraction off",
     lambda header, claims: mutations.NOW < claims["exp"] < mutations.NOW + 1),
    ("alg is Ed25519, the newer name of EdDSA with that curve (RFC 9864, section 2.2): others do not know it, or take "
     "the key's EdDSA to be something else",
     lambda header, claims: header["alg"] == "Ed25519"),
    ("a header member that Jeton never reads has a type that others, who put it into a variable, do not expect",
     lambda header, claims: any(not isinstance(header.get(name, kind()), kind) for name, kind in UNREAD.items())),
]

# Members of the header that take no part in deciding (typ does where a policy names one; no policy here does).
UNREAD = {"typ": str, "cty": str, "jku": str, "jwk": dict, "x5u": str, "x5c": list, "x5t": str, "x5t#S256": str,
          "url": str, "nonce": str, "epk": dict, "apu": str, "ppt": str}

# Takes no clock but the system's: it has no opinion on a token that has ended, or not begun, by that one alone.
OWN_CLOCK = "rust-jsonwebtoken"


def by_own_clock(claims):
    return claims["exp"] < mutations.LATER - 1


def published(key):
    if key["kty"] == "oct":
        return key
    return {name: value for name, value in key.items() if name in PUBLIC}


def read_policies():
    lines = (HERE / "keys.jsonl").read_text(encoding="utf-8").splitlines()
    keys = {line["name"]: line["jwk"] for line in map(json.loads, lines)}
    policies = []
    for name, (names, algs, weight) in POLICIES.items():
        jwks = {"keys": [published(keys[one]) for one in names]}
        # A key without kid or alg still signs with one of each.
        signing = [{"kid": "any", "alg": algs[0], **keys[one]} for one in names]
        request = {"jwks": jwks, "issuer": mutations.ISSUER, "audience": mutations.AUDIENCE, "algs": algs,
                   "now": mutations.NOW}
        # A single JWK without kid fits any kid; one in a set does not.
        alone = len(names) == 1 and "kid" not in jwks["keys"][0]
        for_jeton = {**request, "jwks": jwks["keys"][0]} if alone else request
        policies.append({"name": name, "index": len(policies), "weight": weight, "keys": signing, "request": request,
                         "pems": {key["kid"]: pem.public_pem(key) for key in signing},
                         "start": json.dumps(for_jeton)[:-1] + ', "token": '})
    return policies


class JetonReader:
    """Jeton's batch form, written by a thread of its own so that neither pipe can fill up against the other."""

    def __init__(self, program, policies):
        self.policies = policies
        self.process = subprocess.Popen([program, "token", "verify", "--batch-json"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def read(self, batch):
        lines = "".join(f"{case.policy['start']}{json.dumps(token)}}}\n" for case, token in batch).encode()

        def write():
            self.process.stdin.write(lines)
            self.process.stdin.flush()

        writer = threading.Thread(target=write)
        writer.start()
        answers = [self.process.stdout.readline() for _ in batch]
        writer.join()
        if not answers[-1]:
            raise peers.Failed(f"jeton ended, with {self.process.wait()}, on one of these:\n{lines.decode()[:20000]}")
        return [json.loads(answer) for answer in answers]


class PeerReader:
    def __init__(self, peer, policies):
        self.peer = peer
        self.knows = [all(alg in peer.algorithms for alg in policy["request"]["algs"]) for policy in policies]
        known = [policy for policy in policies if self.knows[policy["index"]]]
        self.place = {policy["index"]: place for place, policy in enumerate(known)}
        peer.ask({"op": "policies", "policies": [
            {**policy["request"], "pems": [pem.public_pem(key) for key in policy["keys"]]} for policy in known]})

    def read(self, batch):
        """For each case its claims, None for refused, or the absence of an opinion."""
        answers = [NotImplemented] * len(batch)
        groups = collections.defaultdict(list)
        for at, (case, _token) in enumerate(batch):
            if self.knows[case.policy["index"]]:
                groups[case.policy["index"]].append(at)
        for index, places in groups.items():
            said = self.peer.ask({"op": "judge", "policy": self.place[index],
                                  "tokens": [batch[at][1] for at in places]})
            for at, claims in zip(places, said["answers"]):
                answers[at] = claims
        return answers


class Forge:
    """Signs what the mutations made: secrets here, everything else in a peer that signs any text."""

    def __init__(self, peer):
        self.peer = peer

    def finish(self, cases):
        tokens = [case.token() for case in cases]
        parts = [token.signed_part() for token in tokens]
        signatures = [token.signature for token in tokens]
        groups = collections.defaultdict(list)
        for at, token in enumerate(tokens):
            secret = token.hmac_key()
            if signatures[at] is not None:
                continue
            if secret is not None:
                signatures[at] = mutations.mac(token.alg, secret, parts[at])
            else:
                groups[token.alg, token.key["kid"]].append(at)
        for (alg, _kid), places in groups.items():
            key = tokens[places[0]].key
            said = self.peer.ask({"op": "forge", "alg": alg, "pem": pem.private_pem(key),
                                  "inputs": [parts[at] for at in places]})
            for at, signature in zip(places, said["signatures"]):
                signatures[at] = mutations.decoded(signature)
        return [token.finished(part, signature) for token, part, signature in zip(tokens, parts, signatures)]


def as_numbers(value):
    """Numbers as the least able of the readers holds them."""
    if isinstance(value, dict):
        return {name: as_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_numbers(inner) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return value


class Run:
    def __init__(self, program, started, seed, policies):
        self.seed, self.policies = seed, policies
        self.readers = [PeerReader(peer, policies) for peer in started]
        # A process of its own: tokens are made while all readers are busy with those made before.
        self.forge = Forge(next((peers.Peer(peer.name) for peer in started if "forge" in peer.can), None))
        self.readers.insert(0, JetonReader(program, policies))
        self.threads = [concurrent.futures.ThreadPoolExecutor(1) for _ in self.readers]  # each reads in order
        self.counts, self.explained = collections.Counter(), collections.Counter()
        self.findings = []

    def begin(self, cases):
        """Tokens are made here and now, and read by everyone at once meanwhile."""
        batch = list(zip(cases, self.forge.finish(cases)))
        return batch, [thread.submit(reader.read, batch) for thread, reader in zip(self.threads, self.readers)]

    def end(self, batch, readings):
        ours, *theirs = [reading.result() for reading in readings]
        for at, (case, token) in enumerate(batch):
            opinions = {reader.peer.name: answers[at] for reader, answers in zip(self.readers[1:], theirs)
                        if answers[at] is not NotImplemented}
            wrong = self.judge(case, token, ours[at], opinions)
            if wrong:
                yield wrong, case, token, ours[at], opinions

    def judge(self, case, token, ours, opinions):
        self.counts["cases"] += 1
        refusing = sorted(name for name, claims in opinions.items() if claims is None)
        if not ours["ok"]:
            self.counts["refused by jeton"] += 1
            if len(refusing) < len(opinions):
                self.counts["accepted by another, refused by jeton"] += 1
            return None if case.mutations else f"a good token is refused: {ours}"
        self.counts["accepted by jeton"] += 1
        if OWN_CLOCK in refusing and by_own_clock(ours["claims"]):
            refusing.remove(OWN_CLOCK)
        if len(refusing) >= 2:
            header = json.loads(mutations.decoded(token.split(".")[0]))
            for why, applies in EXPLAINED:
                if applies(header, ours["claims"]):
                    self.explained[why] += 1
                    return None
            return f"accepted, but refused by {', '.join(refusing)}"
        claims = as_numbers(ours["claims"])
        for name, theirs in opinions.items():
            if theirs is not None and as_numbers(theirs) != claims:
                return f"{name} reads other claims: {json.dumps(theirs)}"
        return None

    def alone(self, case):
        """What is wrong with one case, without counting it."""
        counts, explained = self.counts.copy(), self.explained.copy()
        batch, readings = self.begin([case])
        found = list(self.end(batch, readings))
        self.counts, self.explained = counts, explained
        return found[0] if found else None

    def report(self, found):
        """Leaves out what a finding does not need, and prints it."""
        smaller = True
        while smaller and len(found[1].mutations) > 1:
            smaller = None
            for index in range(len(found[1].mutations)):
                smaller = self.alone(found[1].without(index))
                if smaller:
                    found = smaller
                    break
        wrong, case, token, ours, _opinions = found
        header, payload = self.texts(case)
        self.findings.append(wrong)
        print(f"\nFINDING, seed {self.seed}, case {case.number}, policy {case.policy['name']}: {case.names()}\n"
              f"  {wrong}\n"
              f"  jeton: {json.dumps(ours)[:600]}\n  header: {header!r}\n  payload: {payload!r}\n"
              f"  line: {case.policy['start']}{json.dumps(token)}}}", flush=True)

    @staticmethod
    def texts(case):
        token = case.token()
        token.signed_part()
        return token.texts[0][:600], token.texts[1][:600]

    def proves_itself(self):
        """Tokens that everyone refuses would be findings if Jeton accepted them."""
        cases = [mutations.Case(1, number, self.policies) for number in range(20)]
        for case in cases:
            case.mutations = [("no_signature", 1)]
        batch, readings = self.begin(cases)
        pretended = concurrent.futures.Future()
        pretended.set_result([{"ok": True, "claims": {"exp": mutations.LATER}} for _ in cases])
        readings[0].result()
        found = len(list(self.end(batch, [pretended, *readings[1:]])))
        if found != len(cases):
            raise peers.Failed(f"of {len(cases)} tokens without a signature only {found} would be findings")
        self.counts.clear()


def campaign(run, first, count, progress):
    started = spoken = time.monotonic()
    pending = None
    for start in [*range(first, first + count, BATCH_CASES), None]:
        following = None
        if start is not None:
            stop = min(start + BATCH_CASES, first + count)
            following = run.begin([mutations.Case(run.seed, number, run.policies) for number in range(start, stop)])
        found = list(run.end(*pending)) if pending else []
        for one in found[:20]:
            run.report(one)
        run.findings += [one[0] for one in found[20:]]
        pending = following
        now = time.monotonic()
        if progress and now - spoken >= 10:
            spoken, done = now, run.counts["cases"]
            rate = done / (now - started)
            print(f"{done:,} of {count:,} cases, {rate:,.0f}/s, {(count - done) / rate / 60:,.1f} min left, "
                  f"{len(run.findings)} findings", flush=True)
    return time.monotonic() - started


def main():
    reading = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reading.add_argument("jeton")
    reading.add_argument("--count", type=int, default=5000)
    reading.add_argument("--seed", type=int, default=1)
    reading.add_argument("--first", type=int, default=0)
    reading.add_argument("--peers", type=lambda text: text.split(","))
    reading.add_argument("--progress", action="store_true")
    wanted = reading.parse_args()
    started = peers.start(wanted.peers)
    policies = read_policies()
    if not any("forge" in peer.can for peer in started):
        print("golang-jwt is left out, and with it every algorithm but HMAC: it signs what the mutations make")
        policies = [policy for policy in policies if all(key["kty"] == "oct" for key in policy["keys"])]
        for index, policy in enumerate(policies):
            policy["index"] = index
    if len(started) < 3:
        print(f"only {len(started)} peers are there and three are needed: nothing was compared")
        return 0
    run = Run(wanted.jeton, started, wanted.seed, policies)
    print(f"peers: {', '.join(peer.library for peer in started)}", flush=True)
    run.proves_itself()
    seconds = campaign(run, wanted.first, wanted.count, wanted.progress)
    for why, count in run.explained.items():
        print(f"explained: {count} × {why}")
    counts = ", ".join(f"{count:,} {what}" for what, count in run.counts.items())
    rate = run.counts["cases"] / seconds
    print(f"{counts}; seed {wanted.seed}; {seconds:.0f} s, {rate:,.0f}/s; {len(run.findings)} findings")
    return 1 if run.findings else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except peers.Failed as failed:
        sys.exit(f"interop: {failed}")
