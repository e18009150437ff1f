// EXPR: bytes written down in a case. Terms joined by `+`:
//   x(EC1) y(EC1) n(RSA1) e(RSA1)   numbers of a key, as in its JWK
//   point(EC1)                      0x04, x, y
//   der(EC1.pub) pem(EC1.pub) jwk(EC1.pub)   its public half as SubjectPublicKeyInfo, in PEM, as a JWK
//   hex(00ff) zero(32)
// and text, in which \n \r \t \\ are what they are in C.
#pragma once

#include <string>
#include <string_view>

namespace jeton::hostile {

// Throws std::runtime_error for a call that is not in the list.
std::string bytes_of(std::string_view expression);
// Every ${EXPR} in `text` becomes the base64url of its bytes.
std::string with_material(std::string_view text);

std::string from_hex(std::string_view hex);
std::string jwk_of(std::string_view key_name);  // public, without alg and kid
std::string public_pem(std::string_view key_name);

}  // namespace jeton::hostile
