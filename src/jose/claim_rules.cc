#include "jose/claim_rules.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace jeton::jose {
namespace {

using Problem = std::optional<Error>;

Error problem(Errc code, std::string_view claim, std::string_view expected = {}) {
  return Error{code, std::string(claim), std::string(expected)};
}

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

// NumericDate (RFC 7519 section 2): a JSON number, perhaps with a fraction.
Problem read_date(JsonView claim, std::optional<std::int64_t>& out) {
  if (claim.is(JsonType::integer)) {
    if (claim.integer() < 0 || claim.integer() > numeric_date_max) {
      return problem(Errc::invalid_claim, claim.name(), "a NumericDate");
    }
    out = claim.integer();
    return {};
  }
  if (claim.is(JsonType::out_of_range)) return problem(Errc::invalid_claim, claim.name(), "a NumericDate");
  if (!claim.is(JsonType::number)) return problem(Errc::wrong_claim_type, claim.name(), "a number");
  const double seconds = claim.number();
  if (!(seconds >= 0 && seconds <= static_cast<double>(numeric_date_max))) {
    return problem(Errc::invalid_claim, claim.name(), "a NumericDate");
  }
  out = static_cast<std::int64_t>(std::ceil(seconds));
  return {};
}

Problem read_text(JsonView claim, std::string_view& out) {
  if (!claim.is(JsonType::string)) return problem(Errc::wrong_claim_type, claim.name(), "a text");
  if (claim.has_control_characters()) return problem(Errc::invalid_claim, claim.name(), "no control characters");
  out = claim.string();
  return {};
}

Problem check_audience_type(JsonView claim) {
  if (claim.is(JsonType::string)) return {};
  if (!claim.is(JsonType::array)) return problem(Errc::wrong_claim_type, "aud", "a text or an array of texts");
  for (const JsonView element : claim.children()) {
    if (!element.is(JsonType::string)) return problem(Errc::wrong_claim_type, "aud", "a text or an array of texts");
  }
  return {};
}

// Reads a claim if it is a registered one.
Problem read_claim(JsonView claim, VerifiedToken::State& token) {
  switch (claim.key()) {
    case name_key("exp"): return read_date(claim, token.exp);
    case name_key("nbf"): return read_date(claim, token.nbf);
    case name_key("iat"): return read_date(claim, token.iat);
    case name_key("iss"): token.has_issuer = true; return read_text(claim, token.issuer);
    case name_key("sub"): return read_text(claim, token.subject);
    case name_key("jti"): return read_text(claim, token.token_id);
    case name_key("sid"): return read_text(claim, token.session_id);
    case name_key("aud"): return check_audience_type(claim);
    case name_key("cnf"): token.has_confirmation = true; return {};
    case name_key("scope"):
      if (claim.is(JsonType::string)) token.scope = claim.string();
      return {};
    case name_key("client_id"):
      // Longer than the key shows.
      return claim.name() == "client_id" ? read_text(claim, token.client_id) : Problem{};
    default: return {};
  }
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "\"" : " or \"") + text + "\"";
  return list.empty() ? "nothing: the list is empty" : list;
}

bool contains(const std::vector<std::string>& accepted, std::string_view text) noexcept {
  return std::ranges::find(accepted, text) != accepted.end();
}

Problem check_issuer(const VerifiedToken::State& token, const IssuerRule& rule) {
  if (rule.accepts_any()) return {};
  if (!token.has_issuer) return problem(Errc::missing_claim, "iss", quoted_list(rule.accepted()));
  if (!contains(rule.accepted(), token.issuer)) return problem(Errc::wrong_issuer, "iss", quoted_list(rule.accepted()));
  return {};
}

Problem check_audience(const VerifiedToken::State& token, const AudienceRule& rule) {
  if (rule.accepts_any()) return {};
  const auto claim = token.find("aud");
  if (!claim) return problem(Errc::missing_claim, "aud", quoted_list(rule.accepted()));
  if (claim->is(JsonType::string)) {
    if (contains(rule.accepted(), claim->string())) return {};
  } else {
    for (const JsonView element : claim->children()) {
      if (contains(rule.accepted(), element.string())) return {};
    }
  }
  return problem(Errc::wrong_audience, "aud", quoted_list(rule.accepted()));
}

Problem require_integer(JsonView root, std::string_view name) {
  const auto claim = root.find(name);
  if (!claim) return problem(Errc::missing_claim, name);
  if (!claim->is(JsonType::integer)) return problem(Errc::wrong_claim_type, name, "an integer");
  if (claim->integer() < 0) return problem(Errc::invalid_claim, name, "not negative");
  return {};
}

Problem check_profile(const VerifiedToken::State& token, Profile profile) {
  if (profile == Profile::any) return {};
  const JsonView root = token.root();
  for (const std::string_view name : {"sub", "client_id", "iat", "jti"}) {
    if (!root.find(name)) return problem(Errc::missing_claim, name);
  }
  if (profile == Profile::access_token) return {};
  if (auto wrong = require_integer(root, "ver")) return wrong;
  if (token.subject == token.client_id) return {};
  if (!root.find("sid")) return problem(Errc::missing_claim, "sid");
  return require_integer(root, "gen");
}

}  // namespace

Problem read_registered_claims(VerifiedToken::State& token, bool has_out_of_range_number) {
  for (const JsonView claim : token.root().children()) {
    token.note(claim);
    if (auto wrong = read_claim(claim, token)) return wrong;
  }
  if (has_out_of_range_number) return Error{Errc::malformed_json, {}, "numbers within 64 bits"};
  return {};
}

Problem check_claims(const VerifiedToken::State& token, const TrustedIssuer& policy) {
  if (auto wrong = check_issuer(token, policy.issuer)) return wrong;
  if (auto wrong = check_audience(token, policy.audience)) return wrong;
  if (policy.time.expiry_is_required() && !token.exp) return problem(Errc::missing_claim, "exp");
  if (policy.age_max && !token.iat) return problem(Errc::missing_claim, "iat");
  if (policy.lifetime_max) {
    if (!token.exp) return problem(Errc::missing_claim, "exp");
    if (!token.iat) return problem(Errc::missing_claim, "iat");
    if (*token.exp - *token.iat > policy.lifetime_max->count()) {
      return problem(Errc::lifetime_too_long, "exp", std::to_string(policy.lifetime_max->count()) + " s at most");
    }
  }
  if (auto wrong = check_profile(token, policy.profile)) return wrong;
  if (!policy.confirmation.accepts_unchecked() && token.has_confirmation)
    return problem(Errc::unchecked_confirmation, "cnf");
  return {};
}

Problem check_times(const VerifiedToken::State& token, const TrustedIssuer& policy, UnixTime now) {
  if (!policy.time.compares()) return {};
  const std::int64_t at = to_unix_seconds(now);
  const std::int64_t leeway = std::max<std::int64_t>(policy.leeway.count(), 0);
  if (token.exp && at >= saturating_sum(*token.exp, leeway)) return problem(Errc::expired, "exp");
  if (token.nbf && saturating_sum(at, leeway) < *token.nbf) return problem(Errc::not_yet_valid, "nbf");
  if (token.iat && saturating_sum(at, leeway) < *token.iat) return problem(Errc::issued_in_future, "iat");
  if (policy.age_max && token.iat) {
    const std::int64_t oldest = saturating_sum(saturating_sum(*token.iat, policy.age_max->count()), leeway);
    if (at > oldest) return problem(Errc::too_old, "iat", std::to_string(policy.age_max->count()) + " s at most");
  }
  return {};
}

}  // namespace jeton::jose
