#include "crypto/short_hash.h"

#include <sodium.h>

#include <cstring>

namespace jeton::crypto {
static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(ShortHashKey));
static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(ShortHash));

ShortHash short_hash(const ShortHashKey& key, std::string_view text) noexcept {
  std::array<unsigned char, crypto_shorthash_siphashx24_BYTES> out;
  crypto_shorthash_siphashx24(out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                              reinterpret_cast<const unsigned char*>(key.data()));
  ShortHash hash;
  std::memcpy(&hash.high, out.data(), sizeof hash.high);
  std::memcpy(&hash.low, out.data() + sizeof hash.high, sizeof hash.low);
  return hash;
}

}  // namespace jeton::crypto
