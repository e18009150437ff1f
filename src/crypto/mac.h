// HMAC-SHA256 for Jeton's own uses (refresh tokens, audit), and constant-time comparison. The MACs of HS256 to HS512
// tokens live behind PublicKey and PrivateKey.
#pragma once

#include "crypto/digest.h"

#include <jeton/secret.h>

#include <cstddef>
#include <initializer_list>
#include <span>

namespace jeton::crypto {

// HMAC-SHA256 over the parts, one after the other.
Sha256 hmac_sha256(const SecretBytes& key, std::initializer_list<std::span<const std::byte>> parts) noexcept;

// True if both have the same bytes; the time depends on the lengths alone.
bool ct_equal(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

}  // namespace jeton::crypto
