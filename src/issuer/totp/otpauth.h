// The otpauth URI that authenticator apps read from a QR code.
#pragma once

#include <string>
#include <string_view>

namespace jeton::issuer {

// "otpauth://totp/id.example.com:dev%40example.com?secret=…&issuer=id.example.com&algorithm=SHA1&digits=6&period=30":
// named after the issuer's host and the account.
std::string otpauth_uri(std::string_view issuer_url, std::string_view account, std::string_view secret_base32);

}  // namespace jeton::issuer
