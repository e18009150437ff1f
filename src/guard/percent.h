// Percent-encoding (RFC 3986 section 2.1).
#pragma once

#include <string>
#include <string_view>

namespace jeton {

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that `first`, a percent sign, and the two characters behind it stand for; -1 if they stand for none.
constexpr int encoded_byte(char first, std::string_view behind) noexcept {
  if (first != '%' || behind.size() < 2) return -1;
  const int high = hex_value(behind[0]), low = hex_value(behind[1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// The bytes that a text without bad percent signs stands for.
inline std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = encoded_byte(text[i], text.substr(i + 1));
    out += static_cast<char>(byte >= 0 ? byte : text[i]);
    if (byte >= 0) i += 2;
  }
  return out;
}

}  // namespace jeton
