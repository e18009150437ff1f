// Credentials as people type them. Email addresses are accepted as they are given and compared in lower case;
// passwords are bytes, never trimmed, cut or normalized.
//
// This is no validator of RFC 5321: it refuses what cannot be an address, or would confuse whoever reads it, and
// leaves the rest to the one test that counts, a message that arrives.
#pragma once

#include <jeton/secret.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::issuer {

inline constexpr std::size_t email_bytes_max = 254;  // RFC 5321 section 4.5.3.1.3, less the angle brackets
inline constexpr std::size_t email_local_bytes_max = 64;

// The compared form: ASCII letters in lower case, other bytes as they are. Nothing if it is no address: exactly one
// `@` with something on both sides, no white space, no control characters, UTF-8 is the JSON reader's care.
std::optional<std::string> email_key(std::string_view email);

inline constexpr std::size_t password_bytes_min = 8;
inline constexpr std::size_t password_bytes_max = 1024;

// True if an account may have it: by length alone, and without NUL, at which other systems cut.
bool is_possible_password(std::string_view password) noexcept;

// True if a user who was imported may have it: other systems let people choose shorter ones.
bool may_be_password(std::string_view password) noexcept;

// The text of a password kept as a secret, while it is hashed.
std::string_view text_of(const SecretBytes& password) noexcept;

}  // namespace jeton::issuer
