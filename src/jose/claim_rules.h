// The rules for the claims of a token whose signature is good (RFC 7519 section 4.1, RFC 9068 section 2.2).
#pragma once

#include "jose/token_state.h"

#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/verifier.h>

#include <optional>

namespace jeton::jose {

// Reads the registered claims into `token`, refusing wrong types and impossible values, whatever the policy.
std::optional<Error> read_registered_claims(VerifiedToken::State& token, bool has_out_of_range_number);

// Compares what does not depend on the time: iss, aud, the profile, cnf, the length of the lifetime.
std::optional<Error> check_claims(const VerifiedToken::State& token, const TrustedIssuer& policy);

// Compares exp, nbf and iat with `now`. Sums saturate.
std::optional<Error> check_times(const VerifiedToken::State& token, const TrustedIssuer& policy, UnixTime now);

}  // namespace jeton::jose
