// What the numbers of an RSA key must satisfy before anything is computed with them.
#pragma once

#include "crypto/key_material.h"

#include <jeton/error.h>
#include <jeton/limits.h>

#include <cstddef>
#include <optional>
#include <span>

namespace jeton::crypto {

// Nothing if the public numbers are fit for use; else invalid_key or weak_key. No big-number arithmetic is done on a
// modulus beyond the limit.
std::optional<Error> check_rsa_public(const RsaPublic& key, const Limits& limits);

// Nothing if the private numbers belong together and to the public ones: p·q = n, d inverse to e, and the Chinese
// remainder values follow. (That p and q are prime is left to the signature that every new private key must make.)
// Expects the public part to have passed.
std::optional<Error> check_rsa_private(const RsaPrivate& key);

// True if the modulus has the fingerprint of CVE-2017-15361 (ROCA): its residue modulo each of the primes from 3 to 167
// is a power of 65537. Such keys were made by one brand of smart card and can be factored. Of other moduli one in
// 200 million has it by chance.
bool has_roca_fingerprint(std::span<const std::byte> modulus) noexcept;

}  // namespace jeton::crypto
