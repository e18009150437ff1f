#include "oauth/token_request.h"

#include "oauth/scope.h"

#include <algorithm>
#include <utility>

namespace jeton::oauth {
namespace {

std::unexpected<Fault> refused(FaultCode code, std::string_view description) {
  return std::unexpected(Fault{code, description});
}

std::expected<std::string, Fault> read_scope(const Form& form) {
  const std::string* scope = form.find("scope");
  if (scope == nullptr) return std::string();
  if (!words_of(*scope).has_value()) return refused(FaultCode::invalid_scope, "scope is malformed");
  return *scope;
}

// RFC 8707 section 2: an absolute URI without fragment. `audience` is the older spelling, any word.
std::expected<std::vector<std::string>, Fault> read_audiences(const Form& form) {
  std::vector<std::string> audiences = form.all("resource");
  if (const std::string* audience = form.find("audience")) audiences.push_back(*audience);
  for (std::size_t i = 0; i < audiences.size(); ++i) {
    const auto words = words_of(audiences[i]);
    if (!words.has_value() || words->size() != 1 || audiences[i].find('#') != std::string::npos)
      return refused(FaultCode::invalid_target, "resource or audience is malformed");
    if (std::find(audiences.begin(), audiences.begin() + static_cast<std::ptrdiff_t>(i), audiences[i]) !=
        audiences.begin() + static_cast<std::ptrdiff_t>(i)) {
      return refused(FaultCode::invalid_request, "a resource is given more than once");
    }
  }
  return audiences;
}

// The words of `list` that are scopes of the issuer, or those that are not.
std::string scopes_of_kind(std::string_view list, bool issuers) {
  std::vector<std::string> kept;
  for (const std::string& word : words_of(list).value_or(std::vector<std::string>{})) {
    if (is_issuer_scope(word) == issuers) kept.push_back(word);
  }
  return joined(kept);
}

}  // namespace

std::expected<TokenRequest, Fault> read_token_request(const Form& form) {
  const std::string* grant = form.find("grant_type");
  if (grant == nullptr) return refused(FaultCode::invalid_request, "grant_type is missing");
  if (*grant != grant_client_credentials && *grant != grant_refresh_token)
    return refused(FaultCode::unsupported_grant_type, "");
  auto scope = read_scope(form);
  if (!scope.has_value()) return std::unexpected(scope.error());
  if (*grant == grant_refresh_token) {
    const std::string* token = form.find("refresh_token");
    if (token == nullptr) return refused(FaultCode::invalid_request, "refresh_token is missing");
    return RefreshRequest{.refresh_token = *token, .scope = *std::move(scope)};
  }
  auto audiences = read_audiences(form);
  if (!audiences.has_value()) return std::unexpected(audiences.error());
  return ClientCredentialsRequest{.scope = *std::move(scope), .audiences = *std::move(audiences)};
}

bool is_issuer_scope(std::string_view scope) noexcept {
  return scope == "admin" || scope.starts_with("admin:") || scope == "sessions:create" || scope == "feed:read";
}

std::string scopes_for_users(std::string_view scopes) { return scopes_of_kind(scopes, false); }
std::string scopes_for_issuer(std::string_view scopes) { return scopes_of_kind(scopes, true); }

std::expected<TokenTarget, Fault> choose_target(const ClientCredentialsRequest& request, const GrantedRange& granted) {
  if (!is_subset(request.scope, granted.scopes))
    return refused(FaultCode::invalid_scope, "the client has not all of these scopes");
  const bool names_issuer = std::ranges::find(request.audiences, granted.issuer) != request.audiences.end();
  if (names_issuer && request.audiences.size() > 1)
    return refused(FaultCode::invalid_target, "a token for the issuer is for nobody else");
  const std::string issuer_scopes = scopes_of_kind(request.scope, true);
  const std::string other_scopes = scopes_of_kind(request.scope, false);
  if (!issuer_scopes.empty() && !other_scopes.empty())
    return refused(FaultCode::invalid_scope, "these scopes have different audiences; ask for one token each");

  // Asked for by name, by scope, or the only thing the client has.
  const bool for_issuer = names_issuer || !issuer_scopes.empty() ||
                          (request.audiences.empty() && request.scope.empty() && granted.audiences.empty());
  if (for_issuer) {
    if (!other_scopes.empty() || (!issuer_scopes.empty() && !request.audiences.empty() && !names_issuer))
      return refused(FaultCode::invalid_scope, "these scopes are of another audience");
    std::string scope = request.scope.empty() ? scopes_of_kind(granted.scopes, true) : issuer_scopes;
    if (scope.empty()) return refused(FaultCode::invalid_target, "the client has no scope of the issuer");
    return TokenTarget{.scope = std::move(scope), .audiences = {std::string(granted.issuer)}};
  }
  for (const std::string& audience : request.audiences) {
    if (!has_word(granted.audiences, audience))
      return refused(FaultCode::invalid_target, "the client has not this audience");
  }
  TokenTarget target{.scope = request.scope.empty() ? scopes_of_kind(granted.scopes, false) : other_scopes,
                     .audiences = request.audiences};
  if (target.audiences.empty()) target.audiences = words_of(granted.audiences).value_or(std::vector<std::string>{});
  if (target.audiences.empty()) return refused(FaultCode::invalid_target, "the client has no audience");
  return target;
}

}  // namespace jeton::oauth
