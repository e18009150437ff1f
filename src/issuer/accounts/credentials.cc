#include "issuer/accounts/credentials.h"

#include <algorithm>

namespace jeton::issuer {

std::optional<std::string> email_key(std::string_view email) {
  if (email.empty() || email.size() > email_bytes_max) return std::nullopt;
  const std::size_t at = email.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == email.size() || at > email_local_bytes_max)
    return std::nullopt;
  if (email.find('@', at + 1) != std::string_view::npos) return std::nullopt;
  const auto is_refused = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F;
  };
  if (std::ranges::any_of(email, is_refused)) return std::nullopt;
  // U+0080 to U+009F are control characters too; in UTF-8 they are C2 80 to C2 9F. U+00A0 is a space.
  for (std::size_t i = 0; i + 1 < email.size(); ++i) {
    const auto second = static_cast<unsigned char>(email[i + 1]);
    if (static_cast<unsigned char>(email[i]) == 0xC2 && second >= 0x80 && second <= 0xA0) return std::nullopt;
  }
  std::string key(email);
  std::ranges::transform(key, key.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return key;
}

bool is_possible_password(std::string_view password) noexcept {
  return password.size() >= password_bytes_min && password.size() <= password_bytes_max &&
         password.find('\0') == std::string_view::npos;
}

bool may_be_password(std::string_view password) noexcept {
  return !password.empty() && password.size() <= password_bytes_max && password.find('\0') == std::string_view::npos;
}

std::string_view text_of(const SecretBytes& password) noexcept {
  const auto bytes = password.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace jeton::issuer
