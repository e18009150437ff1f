#include <jeton/guard.h>

#include <string>
#include <string_view>

namespace jeton {
namespace {

// What a client is told, apart from the challenge: the coarse answers of docs/errors.md.
struct Told {
  int status;
  std::string_view body;
  std::string_view challenge;  // the `error` attribute of RFC 6750 section 3; empty: none
  bool is_challenged = true;   // with WWW-Authenticate
};

constexpr Told token_required{401, R"({"error":"Access token required"})", ""};
constexpr Told token_expired{401, R"({"error":"Token expired"})", "invalid_token"};
constexpr Told token_revoked{401, R"({"error":"Token revoked"})", "invalid_token"};
constexpr Told claims_stale{401, R"({"error":"Token expired","reason":"stale_claims"})", "invalid_token"};
constexpr Told token_invalid{403, R"({"error":"Invalid token"})", "invalid_token"};
constexpr Told one_token_only{400, R"({"error":"Invalid request"})", "invalid_request"};
constexpr Told scope_insufficient{403, R"({"error":"Insufficient scope"})", "insufficient_scope"};
constexpr Told not_ready{503, R"({"error":"Verifier unavailable"})", ""};
// Not about a token, so without a challenge.
constexpr Told bad_request{400, R"({"error":"Invalid request"})", "", false};
constexpr Told not_found{404, R"({"error":"Not found"})", "", false};
constexpr Told wrong_method{405, R"({"error":"Method not allowed"})", "", false};
constexpr Told too_many{429, R"({"error":"Too many requests"})", "", false};
constexpr Told login_too_old{401, R"({"error":"Fresh login required"})", "insufficient_user_authentication"};

Told told_for(Errc code) noexcept {
  switch (code) {
    case Errc::missing_token: return token_required;
    case Errc::multiple_tokens:
    case Errc::misplaced_token:
    case Errc::unwanted_token: return one_token_only;
    case Errc::expired: return token_expired;
    case Errc::revoked: return token_revoked;
    case Errc::stale_claims: return claims_stale;
    case Errc::insufficient_scope:
    case Errc::insufficient_role:
    case Errc::insufficient_plan:
    case Errc::failed_condition: return scope_insufficient;
    case Errc::insufficient_authentication: return login_too_old;
    case Errc::verifier_unavailable:
    case Errc::stale_revocations: return not_ready;
    case Errc::invalid_path:
    case Errc::ambiguous_query: return bad_request;
    case Errc::no_route: return not_found;
    case Errc::method_not_allowed: return wrong_method;
    case Errc::over_limit:
    case Errc::too_many_failures: return too_many;
    case Errc::token_too_large:
    case Errc::malformed_token:
    case Errc::bad_base64url:
    case Errc::malformed_json:
    case Errc::unsupported_algorithm:
    case Errc::algorithm_not_allowed:
    case Errc::unsupported_critical:
    case Errc::unsupported_header:
    case Errc::wrong_typ:
    case Errc::invalid_kid:
    case Errc::unknown_key:
    case Errc::ambiguous_key:
    case Errc::malformed_key:
    case Errc::unsupported_key:
    case Errc::invalid_key:
    case Errc::weak_key:
    case Errc::key_without_alg:
    case Errc::key_not_for_signatures:
    case Errc::private_key_not_allowed:
    case Errc::duplicate_kid:
    case Errc::key_text_as_secret:
    case Errc::encrypted_key:
    case Errc::too_many_keys:
    case Errc::key_set_too_large:
    case Errc::bad_signature:
    case Errc::missing_claim:
    case Errc::wrong_claim_type:
    case Errc::invalid_claim:
    case Errc::not_yet_valid:
    case Errc::issued_in_future:
    case Errc::too_old:
    case Errc::lifetime_too_long:
    case Errc::wrong_issuer:
    case Errc::wrong_audience:
    case Errc::unchecked_confirmation:
    case Errc::reserved_claim:
    case Errc::sensitive_claim: return token_invalid;
  }
  __builtin_unreachable();
}

// A quoted-string (RFC 9110 section 5.6.4). What has no place in a header is left out.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

Answer answer_for(const Error& error, const Policy& policy) {
  Told told = told_for(error.code);
  if (policy.errors == ErrorStyle::rfc6750 && told.status == 403 && told.challenge == "invalid_token")
    told.status = 401;
  Answer answer{
      told.status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::string(told.body)};
  if (told.status == 503 || told.status == 429) {
    // How long is known of wrong signatures alone; of limits the guard says it.
    answer.headers.emplace_back("Retry-After", error.code == Errc::too_many_failures && !error.expected.empty()
                                                   ? error.expected
                                                   : std::string("1"));
    return answer;
  }
  if (error.code == Errc::method_not_allowed) answer.headers.emplace_back("Allow", error.expected);
  if (!told.is_challenged) return answer;
  std::string challenge = "Bearer realm=" + quoted(policy.realm);
  if (!told.challenge.empty()) challenge += ", error=" + quoted(told.challenge);
  if (error.code == Errc::insufficient_scope && !policy.scopes.empty())
    challenge += ", scope=" + quoted(joined(policy.scopes));
  if (error.code == Errc::insufficient_authentication) {
    if (!policy.acr_values.empty()) challenge += ", acr_values=" + quoted(joined(policy.acr_values));
    if (policy.login_age_max) challenge += ", max_age=" + quoted(std::to_string(policy.login_age_max->count()));
  }
  answer.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  return answer;
}

Answer answer_for(const Error& error, ErrorStyle style, std::string_view realm, std::string_view scope) {
  Policy policy{.errors = style, .realm = std::string(realm)};
  if (!scope.empty()) policy.scopes.emplace_back(scope);
  return answer_for(error, policy);
}

}  // namespace jeton
