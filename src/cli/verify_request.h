// VerifyRequest: what is asked of one token, from a batch line or from the command line; one path decides both, and
// `explain`.
//
// An absent rule is not checked. Keys are the operator's own, unless they were fetched: secret and private keys count
// by their verifying part, keys without `alg` serve whatever their type and size admit.
#pragma once

#include <jeton/error.h>
#include <jeton/key_set.h>
#include <jeton/time.h>
#include <jeton/value.h>
#include <jeton/verifier.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::cli {

struct VerifyRequest {
  std::string jwks;                                   // one JWK or a set, as JSON text
  std::string token;                                  // compact serialization
  std::optional<std::vector<std::string>> issuers{};  // one of these; none accepts nothing
  std::optional<std::vector<std::string>> audiences{};
  std::optional<std::string> typ{};
  std::optional<std::vector<std::string>> algs{};  // names; one that is not known matches nothing
  std::optional<UnixTime> now{};                   // without it no time is compared, with it `exp` is demanded
  std::chrono::seconds leeway{0};
  KeyOrigin origin =
      KeyOrigin::local;  // published: public keys only, and `algs` must say what a key without `alg` is for
};

// The request of one batch line, or nothing: bad input.
std::optional<VerifyRequest> read_verify_request(const Value& line);

// The keys of `jwks`, as the command line takes them.
Result<KeySet> operators_keys(std::string_view jwks);
// The keys of a request, by their origin.
Result<KeySet> keys_of(const VerifyRequest& request);

// The names as a rule; one that is not known matches nothing, none at all leaves the choice to the keys.
AlgorithmRule algorithm_rule(const std::optional<std::vector<std::string>>& names);

Result<VerifiedToken> decide(const VerifyRequest& request);

}  // namespace jeton::cli
