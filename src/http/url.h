// Url: an absolute http or https address taken apart (RFC 3986), strictly: no user information, no fragment, no space
// or control character, no byte beyond ASCII.
#pragma once

#include "platform/fault.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::http {

struct Url {
  bool tls = true;
  std::string host;  // without brackets, in lower case
  std::uint16_t port = 443;
  std::string target;  // path and query, begins with "/"

  // As in the Host field: brackets where due, the port where it is not the scheme's own.
  std::string authority() const;
};

platform::Outcome<Url> parse_url(std::string_view text);

}  // namespace jeton::http
