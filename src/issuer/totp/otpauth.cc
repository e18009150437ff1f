#include "issuer/totp/otpauth.h"

#include <fmt/format.h>

namespace jeton::issuer {
namespace {

// RFC 3986 section 2.3: everything but the unreserved characters.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

std::string otpauth_uri(std::string_view issuer_url, std::string_view account, std::string_view secret_base32) {
  std::string_view host = issuer_url.substr(issuer_url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  const std::string name = percent_encoded(host);
  return fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits=6&period=30", name,
                     percent_encoded(account), secret_base32, name);
}

}  // namespace jeton::issuer
