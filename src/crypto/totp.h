// Time-based one-time passwords (RFC 6238, on RFC 4226): the codes of authenticator apps.
#pragma once

#include <jeton/secret.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton::crypto {

enum class TotpHash : std::uint8_t { sha1, sha256, sha512 };

// What authenticator apps take for granted; other values are for those few that can be told.
struct TotpShape {
  TotpHash hash = TotpHash::sha1;
  unsigned digits = 6;  // 6 to 8
};

inline constexpr std::int64_t totp_step_seconds = 30;
// The recommendation of RFC 4226 section 4 (R6), and what SHA-1 gives.
inline constexpr std::size_t totp_secret_bytes = 20;

// The code of one step (seconds since the epoch divided by totp_step_seconds), with leading zeros.
std::string totp_code(const SecretBytes& secret, std::int64_t step, TotpShape shape = {});

// The step among `now_step` and its two neighbours whose code this is (RFC 6238 section 5.2: one step of drift), the
// latest first. Compares in constant time, and all three whatever is found.
std::optional<std::int64_t> totp_step_of(const SecretBytes& secret, std::string_view code, std::int64_t now_step,
                                         TotpShape shape = {});

// RFC 4648 base32 without padding, as authenticator apps take it.
std::string base32(std::span<const std::byte> bytes);

}  // namespace jeton::crypto
