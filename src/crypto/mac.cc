#include "crypto/mac.h"

#include "crypto/hmac.h"
#include "crypto/sha2.h"

#include <cstdint>
#include <cstring>

namespace jeton::crypto {

Sha256 hmac_sha256(const SecretBytes& key, std::initializer_list<std::span<const std::byte>> parts) noexcept {
  return HmacState<Sha256State>(key.reveal(InsecureSecretAccess::get())).compute(parts);
}

// Eight bytes at a time, where CRYPTO_memcmp takes one. The empty assembly hides the difference from the compiler,
// which must not find out that it could stop early, and the answer is formed from all of it.
bool ct_equal(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t difference = 0;
  const auto add = [&](std::uint64_t more) {
    difference |= more;
    asm volatile("" : "+r"(difference));
  };
  std::size_t at = 0;
  for (; a.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, a.data() + at, sizeof x);
    std::memcpy(&y, b.data() + at, sizeof y);
    add(x ^ y);
  }
  for (; at < a.size(); ++at) add(std::to_integer<std::uint64_t>(a[at] ^ b[at]));
  return difference == 0;
}

}  // namespace jeton::crypto
