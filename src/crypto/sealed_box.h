// Authenticated encryption of small secrets at rest: AES-256-GCM, a fresh random 96-bit nonce each time, laid out as
// nonce ‖ ciphertext ‖ tag. `context` is authenticated and must be the same when opening (the row's id, say).
#pragma once

#include "crypto/key_material.h"

#include <jeton/secret.h>

#include <optional>
#include <span>
#include <string_view>

namespace jeton::crypto {

Bytes seal(const SecretBytes& key32, const SecretBytes& plain, std::string_view context);
// Nothing if it was changed, cut short, or sealed with another key or context.
std::optional<SecretBytes> open(const SecretBytes& key32, std::span<const std::byte> sealed, std::string_view context);

}  // namespace jeton::crypto
