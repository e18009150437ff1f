#include <jeton/error.h>

#include <array>
#include <cstddef>
#include <utility>

namespace jeton {
namespace {

// Name, class and sentence of a code. A class of "claim" stands for the claim's own name.
struct Description {
  Errc code;
  std::string_view name, group, sentence;
};

constexpr std::array descriptions = {
    Description{Errc::token_too_large, "token_too_large", "size", "is larger than the limit"},
    Description{Errc::malformed_token, "malformed_token", "form",
                "the token is not three segments with two dots between"},
    Description{Errc::bad_base64url, "bad_base64url", "b64", "a segment is not canonical base64url"},
    Description{Errc::malformed_json, "malformed_json", "json", "the JSON inside is not one strict, bounded object"},
    Description{Errc::unsupported_algorithm, "unsupported_algorithm", "alg", "is not an algorithm that Jeton knows"},
    Description{Errc::algorithm_not_allowed, "algorithm_not_allowed", "alg",
                "is not the key's or not among those allowed"},
    Description{Errc::unsupported_critical, "unsupported_critical", "crit",
                "demands an extension that is not implemented"},
    Description{Errc::unsupported_header, "unsupported_header", "form", "has no place in a signed token"},
    Description{Errc::wrong_typ, "wrong_typ", "typ", "is another kind of token"},
    Description{Errc::invalid_kid, "invalid_kid", "key", "is not a usable key id"},
    Description{Errc::unknown_key, "unknown_key", "key", "no configured key fits"},
    Description{Errc::ambiguous_key, "ambiguous_key", "key", "more than one configured key fits"},
    Description{Errc::malformed_key, "malformed_key", "key", "cannot be read as a key"},
    Description{Errc::unsupported_key, "unsupported_key", "key", "is a key type or curve that Jeton does not know"},
    Description{Errc::invalid_key, "invalid_key", "key", "holds numbers that make no key"},
    Description{Errc::weak_key, "weak_key", "key", "is too weak"},
    Description{Errc::key_without_alg, "key_without_alg", "key", "names no algorithm, and no list says which"},
    Description{Errc::key_not_for_signatures, "key_not_for_signatures", "key", "is not meant for signatures"},
    Description{Errc::private_key_not_allowed, "private_key_not_allowed", "key",
                "a private or secret key where only public ones belong"},
    Description{Errc::duplicate_kid, "duplicate_kid", "key", "two keys of the set share a key id"},
    Description{Errc::key_text_as_secret, "key_text_as_secret", "key", "the text of a key is offered as a secret"},
    Description{Errc::encrypted_key, "encrypted_key", "key",
                "the key is encrypted; decrypt it first, nobody is prompted"},
    Description{Errc::too_many_keys, "too_many_keys", "size", "the set has more keys than the limit"},
    Description{Errc::key_set_too_large, "key_set_too_large", "size", "the set is larger than the limit"},
    Description{Errc::bad_signature, "bad_signature", "sig", "the signature does not fit the token and key"},
    Description{Errc::missing_claim, "missing_claim", "claim", "is missing"},
    Description{Errc::wrong_claim_type, "wrong_claim_type", "claim", "has the wrong type"},
    Description{Errc::invalid_claim, "invalid_claim", "claim", "has an impossible value"},
    Description{Errc::expired, "expired", "exp", "the token has expired"},
    Description{Errc::not_yet_valid, "not_yet_valid", "nbf", "the token is not valid yet"},
    Description{Errc::issued_in_future, "issued_in_future", "iat", "the token was issued in the future"},
    Description{Errc::too_old, "too_old", "iat", "the token was issued too long ago"},
    Description{Errc::lifetime_too_long, "lifetime_too_long", "exp", "the token lives longer than allowed"},
    Description{Errc::wrong_issuer, "wrong_issuer", "iss", "is not the issuer of the key"},
    Description{Errc::wrong_audience, "wrong_audience", "aud", "the token is for somebody else"},
    Description{Errc::unchecked_confirmation, "unchecked_confirmation", "cnf",
                "the token belongs to a key that was not checked"},
    Description{Errc::reserved_claim, "reserved_claim", "claim", "is set by the signer itself"},
    Description{Errc::sensitive_claim, "sensitive_claim", "claim",
                "looks like a secret, and everyone can read a token"},
    Description{Errc::missing_token, "missing_token", "missing", "the request has no access token"},
    Description{Errc::multiple_tokens, "multiple_tokens", "missing", "the request has a token in more than one place"},
    Description{Errc::misplaced_token, "misplaced_token", "missing",
                "the request has its token in the query or form, where it is not taken"},
    Description{Errc::insufficient_scope, "insufficient_scope", "scope", "the token lacks a scope"},
    Description{Errc::insufficient_role, "insufficient_role", "scope", "the token lacks a role"},
    Description{Errc::insufficient_plan, "insufficient_plan", "scope", "the token's plan does not include this"},
    Description{Errc::revoked, "revoked", "revoked", "the token was revoked"},
    Description{Errc::stale_claims, "stale_claims", "revoked", "the token's claims have changed"},
    Description{Errc::verifier_unavailable, "verifier_unavailable", "ready", "the verifier cannot decide now"},
    Description{Errc::invalid_path, "invalid_path", "route", "the path is not one that all servers read alike"},
    Description{Errc::no_route, "no_route", "route", "no rule is about this request"},
    Description{Errc::method_not_allowed, "method_not_allowed", "route", "the path has rules for other methods alone"},
    Description{Errc::ambiguous_query, "ambiguous_query", "route",
                "a parameter that a rule looks at stands in the query twice or under a name that some read as its own, "
                "or cannot be decoded"},
    Description{Errc::unwanted_token, "unwanted_token", "missing", "the route takes no token"},
    Description{Errc::failed_condition, "failed_condition", "scope", "the claim is not what the route demands"},
    Description{Errc::insufficient_authentication, "insufficient_authentication", "login",
                "the login is too long ago or too weak"},
    Description{Errc::over_limit, "over_limit", "limit", "the limit is used up"},
    Description{Errc::too_many_failures, "too_many_failures", "limit",
                "the address has sent too many tokens with wrong signatures"},
    Description{Errc::stale_revocations, "stale_revocations", "ready",
                "the issuer's revocations have not been heard for too long"},
};

consteval bool each_code_stands_at_its_place() {
  for (std::size_t i = 0; i < descriptions.size(); ++i) {
    if (std::to_underlying(descriptions[i].code) != i) return false;
  }
  return true;
}
static_assert(each_code_stands_at_its_place());
static_assert(descriptions.size() == std::to_underlying(Errc::stale_revocations) + 1u);

constexpr auto codes = [] {
  std::array<Errc, descriptions.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = descriptions[i].code;
  return all;
}();

const Description& description_of(Errc code) noexcept { return descriptions[std::to_underlying(code)]; }

}  // namespace

std::string_view name_of(Errc code) noexcept { return description_of(code).name; }

std::string_view class_of(const Error& error) noexcept {
  const std::string_view group = description_of(error.code).group;
  return group == "claim" ? std::string_view(error.claim) : group;
}

std::string describe(const Error& error) {
  std::string text;
  if (!error.claim.empty()) text += error.claim + ": ";
  text += description_of(error.code).sentence;
  if (!error.expected.empty()) text += "; expected " + error.expected;
  return text;
}

std::span<const Errc> all_error_codes() noexcept { return codes; }

}  // namespace jeton
