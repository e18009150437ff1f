// What a client asks of the token endpoint (RFC 6749 sections 4.4 and 6, RFC 8707), read from the form.
#pragma once

#include "oauth/fault.h"
#include "oauth/form.h"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jeton::oauth {

inline constexpr std::string_view grant_client_credentials = "client_credentials";
inline constexpr std::string_view grant_refresh_token = "refresh_token";

struct ClientCredentialsRequest {
  std::string scope{};                   // a list of words; empty: not asked for
  std::vector<std::string> audiences{};  // of `resource` and `audience`; empty: not asked for
};

struct RefreshRequest {
  std::string refresh_token;
  std::string scope{};
};

using TokenRequest = std::variant<ClientCredentialsRequest, RefreshRequest>;

// Faults: invalid_request, unsupported_grant_type, invalid_scope, invalid_target. Parameters that are not known are
// ignored (RFC 6749 section 3.2).
std::expected<TokenRequest, Fault> read_token_request(const Form& form);

// What a client is registered with, as far as it decides what a token may say.
struct GrantedRange {
  std::string_view scopes, audiences;  // lists of words
  std::string_view issuer;             // the audience of the issuer's own endpoints
};

struct TokenTarget {
  std::string scope;                   // a list of words; may be empty
  std::vector<std::string> audiences;  // never empty
};

// Scopes of the issuer's own endpoints: "admin", "admin:users:read", "sessions:create", "feed:read". A token with one
// is for the issuer alone, one without is for the client's audiences: a service that is given a token must not be able
// to turn round and manage the issuer with it.
bool is_issuer_scope(std::string_view scope) noexcept;

// Those of a client's scopes that go into the tokens of its users: never one of the issuer's, or all of them could
// manage it.
std::string scopes_for_users(std::string_view scopes);
// The others: rights over the issuer.
std::string scopes_for_issuer(std::string_view scopes);

// What the token will say. Without a scope: all that the client has for that audience. Without an audience: inferred
// from the scopes (RFC 9068 section 3). Faults: invalid_scope for more than is granted, or for scopes that have
// different audiences; invalid_target for an audience that is not granted.
std::expected<TokenTarget, Fault> choose_target(const ClientCredentialsRequest& request, const GrantedRange& granted);

}  // namespace jeton::oauth
