#include "issuer/base64.h"

#include <cstdint>

namespace jeton::issuer {

std::string base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += i + j <= text.size() ? alphabet[bits >> (18 - 6 * j) & 0x3F] : '=';
  }
  return out;
}

}  // namespace jeton::issuer
