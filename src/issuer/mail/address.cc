#include "issuer/mail/address.h"

#include <algorithm>
#include <cstddef>

namespace jeton::issuer {
namespace {

constexpr std::size_t address_bytes_max = 254, local_bytes_max = 64;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// RFC 5322 section 3.2.3, and RFC 6531's bytes beyond ASCII.
bool is_atext(char c) {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dotted(std::string_view text, bool (*is_allowed)(char)) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
    return false;
  return std::ranges::all_of(text, [&](char c) { return c == '.' || is_allowed(c); });
}

}  // namespace

bool is_mailable(std::string_view address) noexcept {
  const std::size_t at = address.find('@');
  if (at == std::string_view::npos || address.size() > address_bytes_max || at > local_bytes_max) return false;
  return is_dotted(address.substr(0, at), is_atext) &&
         is_dotted(address.substr(at + 1), [](char c) { return c == '-' || is_letter_or_digit(c); });
}

}  // namespace jeton::issuer
