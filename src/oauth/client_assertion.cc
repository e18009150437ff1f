#include "oauth/client_assertion.h"

#include "crypto/digest.h"

#include <jeton/verifier.h>

#include <algorithm>
#include <utility>

namespace jeton::oauth {
namespace {

std::unexpected<Error> wrong(Errc code, std::string claim, std::string expected = {}) {
  return std::unexpected(Error{code, std::move(claim), std::move(expected)});
}

// RFC 7523 names no type, newer drafts their own; what other tokens are called is refused, at+jwt above all.
bool is_assertion_type(std::string typ) {
  std::ranges::transform(typ, typ.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::string_view prefix = "application/";
  if (typ.starts_with(prefix)) typ.erase(0, prefix.size());
  return typ.empty() || typ == "jwt" || typ == "client-authentication+jwt";
}

}  // namespace

Result<VerifiedToken> verify_assertion(std::string_view compact, const AssertionRules& rules, UnixTime now) {
  const auto header = untrusted_header_peek(compact);
  if (!header.has_value()) return std::unexpected(header.error());
  if (!is_assertion_type(header->typ)) return wrong(Errc::wrong_typ, "typ", "JWT");
  const Verifier verifier{
      TrustedIssuer{.issuer = rules.client_id,
                    .audience = AudienceRule::must_include_one_of(rules.audiences),
                    .keys = rules.keys,
                    .typ = TypRule::accept_any_because("checked above: several names are in use, and none"),
                    .leeway = assertion_leeway}};
  auto token = verifier.verify(compact, now);
  if (!token.has_value()) return token;
  if (token->subject() != rules.client_id) return wrong(Errc::invalid_claim, "sub", "the client's id");
  if (!token->get<std::string_view>("aud").has_value()) return wrong(Errc::wrong_claim_type, "aud", "one text");
  if (token->token_id().empty()) return wrong(Errc::missing_claim, "jti");
  if (token->expires_at() - now > assertion_lifetime_max) return wrong(Errc::lifetime_too_long, "exp", "1 h at most");
  return token;
}

std::array<std::byte, 16> assertion_use_of(const VerifiedToken& assertion) {
  // Neither holds a control character, so the two cannot be cut apart in another way.
  const crypto::Sha256 digest =
      crypto::sha256(std::string(assertion.subject()) + '\n' + std::string(assertion.token_id()));
  std::array<std::byte, 16> id{};
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

UnixTime assertion_end_of(const VerifiedToken& assertion) { return assertion.expires_at() + assertion_leeway; }

}  // namespace jeton::oauth
