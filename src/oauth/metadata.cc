#include "oauth/metadata.h"

#include "oauth/token_request.h"

#include <jeton/algorithm.h>
#include <jeton/value.h>

#include <initializer_list>

namespace jeton::oauth {
namespace {

Value list_of(std::initializer_list<std::string_view> texts) {
  Value list = Value::array();
  for (const std::string_view text : texts) list.push(text);
  return list;
}

// What a client may sign its assertions with: all that a published key can verify, so no HMAC.
Value assertion_algorithms() {
  Value list = Value::array();
  for (int i = 0; i < algorithm_count; ++i) {
    if (const auto algorithm = static_cast<Algorithm>(i); !is_symmetric(algorithm)) list.push(name_of(algorithm));
  }
  return list;
}

}  // namespace

std::string endpoint_of(std::string_view issuer, std::string_view path) {
  std::string address(issuer);
  while (address.ends_with('/')) address.pop_back();
  return address.append(path);
}

std::string metadata_of(std::string_view issuer) {
  const auto methods = [] { return list_of({"client_secret_basic", "client_secret_post", "private_key_jwt"}); };
  Value metadata = Value::object();
  metadata.set("issuer", issuer);
  metadata.set("token_endpoint", endpoint_of(issuer, token_path));
  metadata.set("jwks_uri", endpoint_of(issuer, jwks_path));
  metadata.set("response_types_supported", Value::array());
  metadata.set("grant_types_supported", list_of({grant_client_credentials, grant_refresh_token}));
  metadata.set("token_endpoint_auth_methods_supported",
               list_of({"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}));
  metadata.set("token_endpoint_auth_signing_alg_values_supported", assertion_algorithms());
  metadata.set("revocation_endpoint", endpoint_of(issuer, revocation_path));
  metadata.set("revocation_endpoint_auth_methods_supported",
               list_of({"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}));
  metadata.set("revocation_endpoint_auth_signing_alg_values_supported", assertion_algorithms());
  metadata.set("introspection_endpoint", endpoint_of(issuer, introspection_path));
  metadata.set("introspection_endpoint_auth_methods_supported", methods());
  metadata.set("introspection_endpoint_auth_signing_alg_values_supported", assertion_algorithms());
  return metadata.to_json();
}

}  // namespace jeton::oauth
