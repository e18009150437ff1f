#include "crypto/mac.h"

#include "crypto/hmac.h"
#include "crypto/sha2.h"

#include <openssl/crypto.h>

namespace jeton::crypto {

Sha256 hmac_sha256(const SecretBytes& key, std::initializer_list<std::span<const std::byte>> parts) noexcept {
  return HmacState<Sha256State>(key.reveal(InsecureSecretAccess::get())).compute(parts);
}

bool ct_equal(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace jeton::crypto
