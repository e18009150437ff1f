#include "jose/claim_rules.h"

#include "jose/compact.h"

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
Problem read_date(JsonView root, std::string_view name, std::optional<std::int64_t>& out) {
  const auto claim = root.find(name);
  if (!claim) return {};
  if (claim->is(JsonType::integer)) {
    if (claim->integer() < 0 || claim->integer() > numeric_date_max)
      return problem(Errc::invalid_claim, name, "a NumericDate");
    out = claim->integer();
    return {};
  }
  if (claim->is(JsonType::out_of_range)) return problem(Errc::invalid_claim, name, "a NumericDate");
  if (!claim->is(JsonType::number)) return problem(Errc::wrong_claim_type, name, "a number");
  const double seconds = claim->number();
  if (!(seconds >= 0 && seconds <= static_cast<double>(numeric_date_max)))
    return problem(Errc::invalid_claim, name, "a NumericDate");
  out = static_cast<std::int64_t>(std::ceil(seconds));
  return {};
}

Problem read_text(JsonView root, std::string_view name, std::string_view& out) {
  const auto claim = root.find(name);
  if (!claim) return {};
  if (!claim->is(JsonType::string)) return problem(Errc::wrong_claim_type, name, "a text");
  if (has_control_characters(claim->string())) return problem(Errc::invalid_claim, name, "no control characters");
  out = claim->string();
  return {};
}

Problem check_audience_type(JsonView root) {
  const auto claim = root.find("aud");
  if (!claim || claim->is(JsonType::string)) return {};
  if (!claim->is(JsonType::array)) return problem(Errc::wrong_claim_type, "aud", "a text or an array of texts");
  for (const JsonView element : claim->children()) {
    if (!element.is(JsonType::string)) return problem(Errc::wrong_claim_type, "aud", "a text or an array of texts");
  }
  return {};
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
  if (!token.root().find("iss")) return problem(Errc::missing_claim, "iss", quoted_list(rule.accepted()));
  if (!contains(rule.accepted(), token.issuer)) return problem(Errc::wrong_issuer, "iss", quoted_list(rule.accepted()));
  return {};
}

Problem check_audience(const VerifiedToken::State& token, const AudienceRule& rule) {
  if (rule.accepts_any()) return {};
  const auto claim = token.root().find("aud");
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
  const JsonView root = token.root();
  if (auto wrong = read_date(root, "exp", token.exp)) return wrong;
  if (auto wrong = read_date(root, "nbf", token.nbf)) return wrong;
  if (auto wrong = read_date(root, "iat", token.iat)) return wrong;
  if (has_out_of_range_number) return Error{Errc::malformed_json, {}, "numbers within 64 bits"};
  if (auto wrong = read_text(root, "iss", token.issuer)) return wrong;
  if (auto wrong = check_audience_type(root)) return wrong;
  if (auto wrong = read_text(root, "sub", token.subject)) return wrong;
  if (auto wrong = read_text(root, "jti", token.token_id)) return wrong;
  if (auto wrong = read_text(root, "client_id", token.client_id)) return wrong;
  if (auto wrong = read_text(root, "sid", token.session_id)) return wrong;
  if (const auto scope = root.find("scope"); scope && scope->is(JsonType::string)) token.scope = scope->string();
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
  if (!policy.confirmation.accepts_unchecked() && token.root().find("cnf"))
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
