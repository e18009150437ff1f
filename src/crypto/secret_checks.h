// What a shared secret must not be.
#pragma once

#include <jeton/error.h>

#include <cstddef>
#include <optional>
#include <span>

namespace jeton::crypto {

// Nothing if the secret may key an HMAC whose hash has `hash_size` bytes. Else
//   key_text_as_secret: it reads as a PEM, SSH or JWK key, also after white space, or is a public key in DER, bare or
//     in base64. Whoever configured that meant an asymmetric algorithm, and the "secret" is public;
//   weak_key: shorter than the hash, all zero, or one of the secrets that examples and tutorials print.
std::optional<Error> check_secret(std::span<const std::byte> secret, std::size_t hash_size);

}  // namespace jeton::crypto
