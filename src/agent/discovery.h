// The issuer's metadata (RFC 8414; OpenID Connect Discovery 1.0): where it is, and what is believed of it. Pure.
#pragma once

#include "platform/fault.h"

#include <array>
#include <string>
#include <string_view>

namespace jeton::agent {

// Where it may be, in the order in which it is asked for: RFC 8414 section 3.1, then OpenID Connect's.
std::array<std::string, 2> metadata_addresses(std::string_view issuer);

struct Metadata {
  std::string jwks_uri;
};

// Fault: not a JSON object, of another issuer (compared byte for byte, RFC 8414 section 3.3), or an address that may
// not be fetched: plain http, but for an issuer that is itself plain http on this machine.
platform::Outcome<Metadata> read_metadata(std::string_view body, std::string_view issuer);

}  // namespace jeton::agent
