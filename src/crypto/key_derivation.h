// HKDF-SHA256 (RFC 5869): one master secret, a key of its own for each purpose.
#pragma once

#include <jeton/secret.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace jeton::crypto {

// At most 8160 bytes can be derived; asking for more aborts.
SecretBytes hkdf_sha256(const SecretBytes& master, std::span<const std::byte> salt, std::string_view purpose,
                        std::size_t bytes);

}  // namespace jeton::crypto
