// What a route demands of a verified token, and which of its claims go on.
#pragma once

#include "guard/compiled_routes.h"

#include <jeton/error.h>
#include <jeton/guard.h>
#include <jeton/verified_token.h>

#include <expected>
#include <optional>
#include <vector>

namespace jeton {

// The first demand that the token does not fulfil: issuer, audience, scopes, roles, plan, conditions, login.
std::optional<Error> objection_to(const VerifiedToken& token, const Met& met, UnixTime now);

// Errors: invalid_claim, of a value longer than passed_value_bytes_max.
Result<std::vector<PassedHeader>> passed_claims(const VerifiedToken& token, const Policy& policy);

}  // namespace jeton
