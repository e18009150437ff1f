// The issuer's metadata (RFC 8414): what it can, for clients that configure themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jeton::oauth {

inline constexpr std::string_view token_path = "/oauth2/token";
inline constexpr std::string_view revocation_path = "/oauth2/revoke";
inline constexpr std::string_view introspection_path = "/oauth2/introspect";
inline constexpr std::string_view jwks_path = "/.well-known/jwks.json";

// The address of an endpoint below the issuer's.
std::string endpoint_of(std::string_view issuer, std::string_view path);

// A JSON object; `issuer` stands in it byte for byte as in `iss`.
std::string metadata_of(std::string_view issuer);

}  // namespace jeton::oauth
