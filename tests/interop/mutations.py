"""Mutated tokens: good ones, changed in ways that readers of tokens have been known to disagree about.

A case is a policy, a list of mutations and the random state of each, so that one can be left out without changing what
the others do: that is how a finding is made small. Case N of seed S is always the same, but for the signatures that are
random by nature (ES*, PS*).
"""

import base64
import hashlib
import hmac
import json
import random

NOW = 1_700_000_000
LATER, EARLIER = 4_102_444_800, 1_500_000_000  # what is later than both NOW and the clock, which one peer insists on
ISSUER, AUDIENCE = "https://as.example", "api"
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
ORDERS = {"ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
          "ES384": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16)}


def encoded(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")) \
        .rstrip(b"=").decode()


def decoded(text):
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


class Token:
    """A token in the making. Members are [name, value] as JSON text, so that no spelling is out of reach."""

    def __init__(self, policy, key):
        self.policy, self.alg, self.key = policy, key["alg"], key
        self.secret = None  # instead of the key: bytes for an HMAC
        self.signature = None  # instead of signing: bytes
        self.header = [['"alg"', json.dumps(self.alg)], ['"typ"', '"JWT"'], ['"kid"', json.dumps(key["kid"])]]
        self.payload = [['"iss"', json.dumps(ISSUER)], ['"sub"', '"u1"'], ['"aud"', '"api"'], ['"exp"', str(LATER)],
                        ['"iat"', str(NOW - 10)], ['"nbf"', str(NOW - 10)], ['"jti"', '"a1"'],
                        ['"roles"', '["developer"]']]
        self.spelling = []  # functions from (header text, payload text) to the same
        self.changes = []  # functions from the signed text to the token

    def signed_part(self):
        texts = tuple("{" + ",".join(f"{name}:{value}" for name, value in members) + "}"
                      for members in (self.header, self.payload))
        for change in self.spelling:
            texts = change(*texts)
        self.texts = texts
        return f"{encoded(texts[0])}.{encoded(texts[1])}"

    def hmac_key(self):
        if self.secret is not None:
            return self.secret
        return decoded(self.key["k"]) if self.key["kty"] == "oct" and self.alg.startswith("HS") else None

    def finished(self, signed_part, signature):
        token = f"{signed_part}.{encoded(signature)}"
        for change in self.changes:
            token = change(token)
        return token


def set_member(members, name, value):
    for member in members:
        if member[0] == name:
            member[1] = value
            return
    members.append([name, value])


def drop_member(members, name):
    members[:] = [member for member in members if member[0] != name]


STRINGS = ['""', '"api"', '"API"', '"api "', '" api"', '"api/"', '"ap"', '"apii"', '"a\\u0070i"', '"\\u0061pi"',
           '"ap\\u0069"',
           '"api\\u0000"', '"https://as.example"', '"https://as.example/"', '"https:\\/\\/as.example"',
           '"HTTPS://AS.EXAMPLE"',
           '"https://as.example\\u0000"', '"https://as.exampl\\u0065"', '"\\ud800"', '"\\udc00\\ud800"',
           '"\\ud83d\\ude00"',
           '"é"', '"e\\u0301"', '"\\u00e9"', '"ａpi"', '"a\tpi"', '"a\\tpi"', '"a\\npi"', '"\\x61"', '"\\/"', '"\x7f"',
           '"\u2028"',
           '"' + "a" * 300 + '"', "'api'", "api", '"api', '"4102444800"', '"true"', '"null"', '"\\u200bapi"',
           '"\ufeffapi"']
NUMBERS = [str(LATER), f"{LATER}.0", f"{LATER}.5", "4.1024448e9", "4.1024448E+9", "41024448e2", "4102444800000e-3",
           f"-{LATER}", f"0{LATER}", f"+{LATER}", "0", "-0", "0.0", "-0.0", "1", "1e", "1e+", ".5", "5.", "1e400",
           "1e308",
           "1e20", "1e19", "1e18", "253402300799", "253402300800", "9007199254740993", "9223372036854775807",
           "9223372036854775808", "18446744073709551615", "18446744073709551616", "99999999999999999999999", "0x10",
           "NaN", "Infinity", "-Infinity", "1_000", "1e-400", "1.0e-5", str(NOW), str(NOW + 1), str(NOW - 1),
           f"{NOW}.5",
           f"{NOW}.0", str(EARLIER), "4102444800e0", "4102444800E0", "0.4102444800e10", "4102444800.", "- 4102444800"]
OTHERS = ["null", "true", "false", "[]", "{}", "[[]]", '["api"]', '["other","api"]', '["api","api"]', '["api",1]',
          '["api",null]',
          '[["api"]]', '{"api":true}', '["https://as.example"]', '["developer",]', '[,]', '{"a":1,"a":2}',
          '{"a":{"b":[{}]}}',
          "[4102444800]", '["API"]', '[""]', "TRUE", "nul", "undefined", "", "[" * 10 + "]" * 10, "[" * 17 + "]" * 17,
          "[" * 200 + "]" * 200, '{"a":' * 20 + "1" + "}" * 20, "[" + ",".join(["1"] * 300) + "]", '{"":0}',
          '{"__proto__":1}',
          '["api"] ', "1,2", '"a""b"']
REGISTERED = ['"iss"', '"sub"', '"aud"', '"exp"', '"nbf"', '"iat"', '"jti"']
CLAIMS = REGISTERED + ['"cnf"', '"act"', '"roles"', '"scope"', '"x"', '""', '"__proto__"', '"constructor"',
                       '"toString"', '"length"',
                       '"\\u0000"', '"é"', '"EXP"', '"Exp"', '" exp"', '"exp "', '"exp\\u0000"', '"client_id"']
ALGS = ["none", "None", "NONE", "nOnE", "hs256", "HS256", "HS384", "HS512", "RS256", "RS384", "PS256", "ES256",
        "ES384", "ES256K",
        "EdDSA", "Ed25519", "Ed448", "eddsa", "HS256 ", " HS256", "HS-256", "RS1", "HS1", "", "RSA-OAEP", "dir",
        "A128GCM"]


def any_value(rng):
    return rng.choice(rng.choice((STRINGS, NUMBERS, OTHERS)))


def escape_one(rng, text):
    """One character of a JSON string spelt as an escape."""
    inside = [at for at in range(1, len(text) - 1) if text[at].isalnum()]
    if text[:1] != '"' or not inside or "\\" in text:
        return text
    at = rng.choice(inside)
    code = f"\\u{ord(text[at]):04x}"
    return text[:at] + (code.upper().replace("\\U", "\\u") if rng.random() < 0.3 else code) + text[at + 1:]


# Mutations before signing: the signature fits, what is signed does not.

def claim_value(token, rng):
    set_member(token.payload, rng.choice(CLAIMS), any_value(rng))


def time_value(token, rng):
    set_member(token.payload, rng.choice(['"exp"', '"nbf"', '"iat"']), rng.choice(NUMBERS + OTHERS[:8]))


def name_value(token, rng):
    set_member(token.payload, rng.choice(['"iss"', '"aud"', '"sub"', '"jti"']), rng.choice(STRINGS + OTHERS[:20]))


def claim_dropped(token, rng):
    drop_member(token.payload, rng.choice(REGISTERED))


def member_doubled(token, rng):
    members = rng.choice((token.header, token.payload))
    if not members:
        return
    name, value = rng.choice(members)
    other = rng.choice([value, any_value(rng), value])
    name = rng.choice([name, name, escape_one(rng, name), name.upper()])
    members.insert(rng.randrange(len(members) + 1), [name, other])


def member_escaped(token, rng):
    members = rng.choice((token.header, token.payload))
    if members:
        member = rng.choice(members)
        at = rng.randrange(2)
        member[at] = escape_one(rng, member[at])


def member_moved(token, rng):
    rng.shuffle(rng.choice((token.header, token.payload)))


def member_nested(token, rng):
    """The right claim in the wrong place."""
    member = rng.choice(token.payload) if token.payload else ['"exp"', "1"]
    drop_member(token.payload, member[0])
    token.payload.append(['"claims"', "{" + ":".join(member) + "}"])


def many_members(token, rng):
    members = rng.choice((token.header, token.payload))
    members.extend([f'"m{index}"', "1"] for index in range(rng.choice((10, 60, 65, 130, 300))))


def header_value(token, rng):
    name = rng.choice(['"alg"', '"kid"', '"typ"', '"cty"', '"crit"', '"b64"', '"zip"', '"enc"', '"jku"', '"jwk"',
                       '"x5u"', '"x5c"', '"x5t"',
                       '"epk"', '"apu"', '"nonce"', '"url"', '"ppt"', '"ALG"', '"Kid"', '"x"', '"__proto__"', '""'])
    set_member(token.header, name, any_value(rng))


def header_dropped(token, rng):
    drop_member(token.header, rng.choice(['"alg"', '"kid"', '"typ"']))


def algorithm_named(token, rng):
    """The header says one algorithm, the signature is by another."""
    set_member(token.header, '"alg"', json.dumps(rng.choice(ALGS)))


def kid_named(token, rng):
    kids = [json.dumps(key["kid"]) for key in token.policy["keys"] if "kid" in key]
    strange = ['"nobody"', '""', '"../../etc/passwd"', '"\' OR 1=1"', '"\\u0000"', "0", "null", '["es256"]',
               '"' + "k" * 600 + '"', '"ES256"', '"es256 "', '"__proto__"']
    set_member(token.header, '"kid"', rng.choice(kids + strange))


def critical(token, rng):
    lists = ['["exp"]', '[]', '["b64"]', '["alg"]', '[1]', '"b64"', "null", "{}", '["x"]', '["x","x"]', '[""]',
             '[["x"]]', '["crit"]', "true", "0"]
    set_member(token.header, '"crit"', rng.choice(lists))
    extra = rng.choice([None, ['"b64"', "false"], ['"b64"', "true"], ['"x"', "1"], ['"exp"', "1"],
                        ['"b64"', '"false"']])
    if extra:
        set_member(token.header, *extra)


def kind_named(token, rng):
    kinds = ['"JWT"', '"jwt"', '"at+jwt"', '"application/jwt"', '"JOSE"', '"JWE"', '"dpop+jwt"', "null", "1",
             '"application/at+jwt"', "[]", '""']
    set_member(token.header, '"typ"', rng.choice(kinds))
    if rng.random() < 0.3:
        set_member(token.header, '"cty"', rng.choice(['"JWT"', '"jwt"', '"JWE"', "1", '"application/json"']))


def public_key_as_secret(token, rng):
    """The oldest confusion of all: what everybody knows, used as a secret."""
    key = token.key
    if key["kty"] == "oct":
        token.secret = rng.choice([b"", b"\0" * 32, b"secret", decoded(key["k"])[:-1], decoded(key["k"]) + b"\0",
                                   key["k"].encode()])
        return
    text = token.policy["pems"][key["kid"]]
    public = json.dumps({name: value for name, value in key.items() if name in ("kty", "crv", "x", "y", "n", "e")})
    der = base64.b64decode("".join(text.split("\n")[1:-2]))
    token.secret = rng.choice([text.encode(), text.strip().encode(), b" " + text.encode(), der, public.encode(), b"",
                               decoded(key.get("n") or key.get("x", "")), (key.get("n") or key.get("x", "")).encode()])
    token.alg = rng.choice(["HS256", "HS256", "HS384", "HS512"])
    set_member(token.header, '"alg"', json.dumps(token.alg))


def other_algorithm(token, rng):
    """Another algorithm of the same key, named and used."""
    kin = {"RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
           "oct": ["HS256", "HS384", "HS512"]}.get(token.key["kty"])
    if kin:
        token.alg = rng.choice(kin)
        set_member(token.header, '"alg"', json.dumps(token.alg))


def spelling(token, rng):
    """White space, byte order marks, comments and other things that a strict reader of JSON minds."""
    which = rng.randrange(2)
    kind = rng.randrange(7)
    space = rng.choice([" ", "\n", "\t", "\r", "\r\n", "\x0b", "\x0c", "\u00a0", "\u2028", "\ufeff", "\0", "/**/",
                        "//\n", "#", ",", "\x1f", "  " * 50])
    where = rng.random()
    raw = rng.choice(["null", "[]", '""', "0", "{}", "", " ", "{", "}", "[{}]", '{"a"}', "{'a':1}", "{a:1}", '"x"',
                      "{}{}", "{},"])

    def change(*texts):
        text = texts[which]
        places = [at for at in range(1, len(text)) if text[at] in '{}:,[]"' or text[at - 1] in '{}:,["]']
        if kind == 0:
            text = space + text
        elif kind == 1:
            text = text + space
        elif kind <= 4 and places:
            at = places[int(where * len(places))]
            text = text[:at] + space + text[at:]
        elif kind == 5:
            text = raw
        else:
            at = int(where * len(text))
            text = text[:at] + text[at + 1:]
        return (text, texts[1]) if which == 0 else (texts[0], text)

    token.spelling.append(change)


# Mutations after signing: of the text that travels.

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRANGE = ["=", "==", "+", "/", " ", "\n", "\r\n", "\t", ".", "..", "%3D", "\0", "é", "\u2028", "\ufeff", "~", "*",
           "A", "AA", "AAA", "AAAA", "\U0001f600",
           "\u00ad", "－"]


def bit_flipped(token, rng):
    where, bit = rng.random(), 1 << rng.randrange(7)

    def change(text):
        at = int(where * len(text))
        return text[:at] + chr(ord(text[at]) ^ bit) + text[at + 1:] if text else text

    token.changes.append(change)


def signature_bit_flipped(token, rng):
    where, bit = rng.random(), rng.randrange(8)

    def change(text):
        head, dot, last = text.rpartition(".")
        data = bytearray(decoded(last))
        if data:
            data[int(where * len(data))] ^= 1 << bit
        return head + dot + encoded(bytes(data))

    token.changes.append(change)


def character_inserted(token, rng):
    where, what = rng.random(), rng.choice(STRANGE)
    edge = rng.randrange(6)

    def change(text):
        dots = [at for at, one in enumerate(text) if one == "."]
        places = [0, len(text)] + dots + [at + 1 for at in dots]
        at = int(where * (len(text) + 1)) if edge < 3 else places[int(where * len(places))]
        return text[:at] + what + text[at:]

    token.changes.append(change)


def character_dropped(token, rng):
    where, length = rng.random(), rng.choice((1, 1, 1, 2, 3, 4, 20))
    token.changes.append(lambda text: text[:int(where * len(text))] + text[int(where * len(text)) + length:])


def truncated(token, rng):
    where = rng.random()
    token.changes.append(lambda text: text[:int(where * len(text))])


def unused_bits(token, rng):
    """Another spelling of the same bytes: the bits that the last character does not need."""
    which, by = rng.randrange(3), rng.randrange(1, 16)

    def change(text):
        parts = text.split(".")
        part = parts[which] if which < len(parts) else ""
        spare = {2: 4, 3: 2}.get(len(part) % 4)
        if not spare or part[-1] not in ALPHABET:
            return text
        value = ALPHABET.index(part[-1]) ^ (by % (1 << spare) or 1)
        parts[which] = part[:-1] + ALPHABET[value]
        return ".".join(parts)

    token.changes.append(change)


def other_alphabet(token, rng):
    which, padded = rng.randrange(3), rng.random() < 0.5

    def change(text):
        parts = text.split(".")
        if which < len(parts):
            parts[which] = parts[which].replace("-", "+").replace("_", "/")
            parts[which] += "=" * (-len(parts[which]) % 4) if padded else ""
        return ".".join(parts)

    token.changes.append(change)


def segments_changed(token, rng):
    kind = rng.randrange(9)

    def change(text):
        parts = text.split(".")
        return ".".join({0: parts[::-1], 1: parts[1:] + parts[:1], 2: parts[:2], 3: parts + [""],
                         4: parts + parts[-1:], 5: [""] + parts,
                         6: parts[:2] + [""], 7: parts[:1] + [""] + parts[2:], 8: parts + parts[:2]}[kind])

    token.changes.append(change)


def other_segment(token, rng):
    """A header or payload that was not signed, beside a signature that was made for something else."""
    which = rng.randrange(2)
    payload = {"iss": ISSUER, "sub": "admin", "aud": AUDIENCE, "exp": LATER}
    header = {"alg": rng.choice(ALGS), "kid": token.key["kid"]}

    def change(text):
        parts = text.split(".")
        if which < len(parts):
            parts[which] = encoded(json.dumps((header, payload)[which]))
        return ".".join(parts)

    token.changes.append(change)


def no_signature(token, rng):
    set_member(token.header, '"alg"', json.dumps(rng.choice(ALGS[:4])))
    token.signature = rng.choice([b"", b"", b"\0", b"none"])


def der(r, s):
    parts = b"".join(b"\2" + bytes([len(data)]) + data for data in
                     (value.to_bytes(value.bit_length() // 8 + 1, "big") for value in (r, s)))
    return b"\x30" + bytes([len(parts)]) + parts


def signature_reshaped(token, rng):
    kind, order, half = rng.randrange(12), ORDERS.get(token.alg), None

    def change(text):
        head, dot, last = text.rpartition(".")
        data = decoded(last)
        middle = len(data) // 2
        r, s = int.from_bytes(data[:middle], "big"), int.from_bytes(data[middle:], "big")
        if kind >= 7 and order and len(data) in (64, 96):
            if kind == 7:
                data = der(r, s)
            elif kind == 8:  # the other signature of the same pair: valid by the book
                data = r.to_bytes(middle, "big") + ((order - s) % order).to_bytes(middle, "big")
            elif kind == 9:
                data = order.to_bytes(middle, "big") + data[middle:]
            elif kind == 10:
                data = data[:middle] + b"\0" * middle
            else:
                data = b"\0" * middle + data[middle:]
        elif kind == 8 and token.alg == "EdDSA" and len(data) == 64:  # the twin that RFC 8032 forbids
            twin = int.from_bytes(data[32:], "little") + ED25519_ORDER
            data = data[:32] + twin.to_bytes(32, "little")
        else:
            data = [data + b"\0", b"\0" + data, data[:-1], data[1:], data + data, b"\0" * len(data),
                    data[middle:] + data[:middle],
                    b"\xff" * len(data), data[::-1], data[:16], data[:middle], b""][kind]
        return head + dot + encoded(data)

    token.changes.append(change)


def whole_rewritten(token, rng):
    """Another form of the same: what other readers take and a reader of compact tokens must not."""
    kind = rng.randrange(7)

    def change(text):
        parts = (text.split(".") + ["", ""])[:3]
        flat = {"protected": parts[0], "payload": parts[1], "signature": parts[2]}
        return [f"Bearer {text}", f'"{text}"', json.dumps(flat),
                json.dumps({"payload": parts[1], "signatures": [flat]}), text.upper(),
                text.replace(".", "%2E"), text.replace(".", ".\u200b")][kind]

    token.changes.append(change)


MUTATIONS = {mutation.__name__: (mutation, weight) for mutation, weight in (
    (claim_value, 10), (time_value, 10), (name_value, 10), (claim_dropped, 3), (member_doubled, 8),
        (member_escaped, 6), (member_moved, 1),
    (member_nested, 1), (many_members, 1), (header_value, 10), (header_dropped, 2), (algorithm_named, 4),
        (kid_named, 4), (critical, 5),
    (kind_named, 2), (public_key_as_secret, 4), (other_algorithm, 3), (spelling, 10), (bit_flipped, 8),
        (signature_bit_flipped, 4),
    (character_inserted, 8), (character_dropped, 3), (truncated, 2), (unused_bits, 4), (other_alphabet, 3),
        (segments_changed, 3),
    (other_segment, 3), (no_signature, 3), (signature_reshaped, 6), (whole_rewritten, 2))}
NAMES, WEIGHTS = list(MUTATIONS), [weight for _mutation, weight in MUTATIONS.values()]


class Case:
    def __init__(self, seed, number, policies):
        rng = random.Random(seed * 1_000_003 + number)
        self.number = number
        self.policy = rng.choices(policies, [policy["weight"] for policy in policies])[0]
        self.key = rng.choice(self.policy["keys"])
        count = rng.choices((0, 1, 2, 3), (2, 70, 22, 6))[0]
        self.mutations = [(name, rng.getrandbits(64)) for name in rng.choices(NAMES, WEIGHTS, k=count)]

    def without(self, index):
        """The same case with one mutation less."""
        other = Case.__new__(Case)
        other.number, other.policy, other.key = self.number, self.policy, self.key
        other.mutations = self.mutations[:index] + self.mutations[index + 1:]
        return other

    def token(self):
        token = Token(self.policy, self.key)
        for name, state in self.mutations:
            MUTATIONS[name][0](token, random.Random(state))
        return token

    def names(self):
        return " + ".join(name for name, _state in self.mutations) or "nothing"


def mac(alg, key, text):
    return hmac.digest(key, text.encode(), HASHES[alg[-3:]])
