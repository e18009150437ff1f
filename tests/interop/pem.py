"""Private and public JWKs as PEM (PKCS#8, SPKI), for the peers that know no JWK. DER by hand: a dozen lines."""

import base64


def number(text):
    return int.from_bytes(raw(text), "big")


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def tagged(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(value):
    return tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sequence(*parts):
    return tagged(0x30, *parts)


def bits(data):
    return tagged(0x03, b"\0", data)


def object_id(hexadecimal):
    return tagged(0x06, bytes.fromhex(hexadecimal))


CURVES = {"P-256": object_id("2a8648ce3d030107"), "P-384": object_id("2b81040022"), "P-521": object_id("2b81040023")}
RSA = sequence(object_id("2a864886f70d010101"), tagged(0x05))
ED25519 = sequence(object_id("2b6570"))


def algorithm_of(jwk):
    if jwk["kty"] == "RSA":
        return RSA
    if jwk["kty"] == "OKP":
        return ED25519
    return sequence(object_id("2a8648ce3d0201"), CURVES[jwk["crv"]])


def point(jwk):
    return b"\4" + raw(jwk["x"]) + raw(jwk["y"])


def private_der(jwk):
    if jwk["kty"] == "RSA":
        inner = sequence(integer(0), *(integer(number(jwk[name])) for name in "n e d p q dp dq qi".split()))
    elif jwk["kty"] == "OKP":
        inner = tagged(0x04, raw(jwk["d"]))
    else:
        inner = sequence(integer(1), tagged(0x04, raw(jwk["d"])), tagged(0xA1, bits(point(jwk))))
    return sequence(integer(0), algorithm_of(jwk), tagged(0x04, inner))


def public_der(jwk):
    if jwk["kty"] == "RSA":
        inner = sequence(integer(number(jwk["n"])), integer(number(jwk["e"])))
    elif jwk["kty"] == "OKP":
        inner = raw(jwk["x"])
    else:
        inner = point(jwk)
    return sequence(algorithm_of(jwk), bits(inner))


def armoured(label, der):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[at:at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def private_pem(jwk):
    return None if jwk["kty"] == "oct" else armoured("PRIVATE KEY", private_der(jwk))


def public_pem(jwk):
    return None if jwk["kty"] == "oct" else armoured("PUBLIC KEY", public_der(jwk))
