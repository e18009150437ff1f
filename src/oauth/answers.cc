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
};

constexpr Told token_required{401, R"({"error":"Access token required"})", ""};
constexpr Told token_expired{401, R"({"error":"Token expired"})", "invalid_token"};
constexpr Told token_revoked{401, R"({"error":"Token revoked"})", "invalid_token"};
constexpr Told claims_stale{401, R"({"error":"Token expired","reason":"stale_claims"})", "invalid_token"};
constexpr Told token_invalid{403, R"({"error":"Invalid token"})", "invalid_token"};
constexpr Told one_token_only{400, R"({"error":"Invalid request"})", "invalid_request"};
constexpr Told scope_insufficient{403, R"({"error":"Insufficient scope"})", "insufficient_scope"};
constexpr Told not_ready{503, R"({"error":"Verifier unavailable"})", ""};

Told told_for(Errc code) noexcept {
  switch (code) {
    case Errc::missing_token: return token_required;
    case Errc::multiple_tokens:
    case Errc::misplaced_token: return one_token_only;
    case Errc::expired: return token_expired;
    case Errc::revoked: return token_revoked;
    case Errc::stale_claims: return claims_stale;
    case Errc::insufficient_scope:
    case Errc::insufficient_role:
    case Errc::insufficient_plan: return scope_insufficient;
    case Errc::verifier_unavailable: return not_ready;
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

}  // namespace

Answer answer_for(const Error& error, ErrorStyle style, std::string_view realm, std::string_view scope) {
  Told told = told_for(error.code);
  if (style == ErrorStyle::rfc6750 && told.status == 403 && told.challenge == "invalid_token") told.status = 401;
  Answer answer{
      told.status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::string(told.body)};
  if (told.status == 503) {
    answer.headers.emplace_back("Retry-After", "1");
    return answer;
  }
  std::string challenge = "Bearer realm=" + quoted(realm);
  if (!told.challenge.empty()) challenge += ", error=" + quoted(told.challenge);
  if (!scope.empty() && error.code == Errc::insufficient_scope) challenge += ", scope=" + quoted(scope);
  answer.headers.emplace_back("WWW-Authenticate", std::move(challenge));
  return answer;
}

}  // namespace jeton
