// Standard base64 with padding (RFC 4648 section 4), for the protocols that want it: SMTP's AUTH, webhook signatures.
#pragma once

#include <string>
#include <string_view>

namespace jeton::issuer {

std::string base64(std::string_view bytes);

}  // namespace jeton::issuer
