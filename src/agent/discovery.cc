#include "agent/discovery.h"

#include "http/url.h"

#include <jeton/value.h>

namespace jeton::agent {
namespace {

using platform::Fault;

std::unexpected<Fault> refused(std::string_view issuer, std::string_view why) {
  return std::unexpected(Fault{"the metadata of " + std::string(issuer) + ": " + std::string(why) + ".", ""});
}

}  // namespace

std::array<std::string, 2> metadata_addresses(std::string_view issuer) {
  const std::string_view bare = issuer.substr(0, issuer.find_last_not_of('/') + 1);
  const auto scheme_end = bare.find("://");
  const auto path = scheme_end == std::string_view::npos ? scheme_end : bare.find('/', scheme_end + 3);
  std::string first(bare.substr(0, path));
  first += "/.well-known/oauth-authorization-server";
  if (path != std::string_view::npos) first += bare.substr(path);
  return {first, std::string(bare) + "/.well-known/openid-configuration"};
}

platform::Outcome<Metadata> read_metadata(std::string_view body, std::string_view issuer) {
  const auto value = Value::parse(body);
  if (!value.has_value()) return refused(issuer, "not one JSON object");
  const Value* const named = value->find("issuer");
  const std::string* const name = named ? named->if_string() : nullptr;
  if (name == nullptr || *name != issuer) return refused(issuer, "it is of another issuer");
  const Value* const keys = value->find("jwks_uri");
  const std::string* const address = keys ? keys->if_string() : nullptr;
  if (address == nullptr) return refused(issuer, "it has no jwks_uri");
  const auto url = http::parse_url(*address);
  if (!url) return refused(issuer, "its jwks_uri is no address");
  const auto own = http::parse_url(issuer);
  const bool may_be_plain = own && !own->tls && own->authority() == url->authority();
  if (!url->tls && !may_be_plain) return refused(issuer, "its jwks_uri is not https");
  return Metadata{*address};
}

}  // namespace jeton::agent
