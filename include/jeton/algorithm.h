// Algorithm: the signature algorithms of JSON Web Signature that Jeton knows (RFC 7518 section 3, RFC 8037, RFC 9864).
//
// There is no `none` and there never will be: a token without a signature is not a token.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace jeton {

enum class Algorithm : std::uint8_t {
  hs256,
  hs384,
  hs512,  // HMAC with SHA-2: one secret signs and verifies
  rs256,
  rs384,
  rs512,  // RSASSA-PKCS1-v1_5
  ps256,
  ps384,
  ps512,  // RSASSA-PSS, salt as long as the hash
  es256,
  es384,
  es512,  // ECDSA on P-256, P-384, P-521
  eddsa,  // Ed25519, under its two names `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864)
};

inline constexpr int algorithm_count = 13;

// The name written into headers and keys: "HS256", …, "EdDSA".
std::string_view name_of(Algorithm algorithm) noexcept;

// The algorithm of that exact name (case counts; "Ed25519" is eddsa), or nothing.
std::optional<Algorithm> algorithm_named(std::string_view name) noexcept;

// True for HS256, HS384 and HS512: whoever can verify can also sign.
constexpr bool is_symmetric(Algorithm algorithm) noexcept { return algorithm <= Algorithm::hs512; }

}  // namespace jeton
