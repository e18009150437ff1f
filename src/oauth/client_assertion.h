// Client assertions: a JWT that a client signs with its own key to say who it is (RFC 7523 section 3).
//
// Demanded: a signature of one of the client's keys, with that key's algorithm; `iss` and `sub` both the client's id;
// `aud` one text (not a list), this issuer or its token endpoint; `exp`, at most an hour ahead; `jti`, which the caller
// admits once. A `typ` that belongs to another kind of token is refused.
#pragma once

#include <jeton/error.h>
#include <jeton/key_set.h>
#include <jeton/time.h>
#include <jeton/verified_token.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::oauth {

inline constexpr std::chrono::seconds assertion_lifetime_max{std::chrono::hours{1}};
inline constexpr std::chrono::seconds assertion_leeway{30};  // between the client's clock and ours

struct AssertionRules {
  std::string client_id;
  KeySet keys;                         // the client's, public
  std::vector<std::string> audiences;  // the issuer and its token endpoint
};

// Errors: those of Verifier; wrong_typ, missing_claim, wrong_claim_type, wrong_audience, invalid_claim for `sub`,
// lifetime_too_long.
Result<VerifiedToken> verify_assertion(std::string_view compact, const AssertionRules& rules, UnixTime now);

// What a use is remembered by: client and jti, told apart from all others. 16 bytes of a digest.
std::array<std::byte, 16> assertion_use_of(const VerifiedToken& assertion);
// From then on the assertion is refused by its `exp`, leeway included.
UnixTime assertion_end_of(const VerifiedToken& assertion);

}  // namespace jeton::oauth
