#include "crypto/hmac.h"
#include "crypto/key_families.h"
#include "crypto/mac.h"
#include "crypto/secret_checks.h"
#include "crypto/sha2.h"

#include <algorithm>
#include <utility>

namespace jeton::crypto {
namespace {

std::span<const std::byte> bytes_of(const SharedSecret& secret) noexcept {
  return secret.k.reveal(InsecureSecretAccess::get());
}

template <class Hash>
class HmacPublicKey final : public PublicKey {
 public:
  HmacPublicKey(const SharedSecret& secret, Algorithm algorithm)
      : PublicKey(algorithm, Hash::digest_bytes), state_(bytes_of(secret)) {}

  bool verify(std::string_view input, std::span<const std::byte> signature) const noexcept override {
    if (signature.size() != Hash::digest_bytes) return false;
    auto mac = state_.compute({std::as_bytes(std::span(input))});
    const bool good = ct_equal(mac, signature);
    wipe(mac);  // for a refused token this is the forgery that was being looked for
    return good;
  }

 private:
  HmacState<Hash> state_;
};

template <class Hash>
class HmacPrivateKey final : public PrivateKey {
 public:
  HmacPrivateKey(const SharedSecret& secret, Algorithm algorithm) : PrivateKey(algorithm), state_(bytes_of(secret)) {}

  std::size_t signature_bytes() const noexcept override { return Hash::digest_bytes; }

  bool sign(std::string_view input, std::span<std::byte> out) const noexcept override {
    if (out.size() != Hash::digest_bytes) return false;
    const auto mac = state_.compute({std::as_bytes(std::span(input))});
    std::ranges::copy(mac, out.begin());
    return true;
  }

 private:
  HmacState<Hash> state_;
};

template <class Base, template <class> class Key>
Result<std::shared_ptr<const Base>> make(const SharedSecret& secret, Algorithm algorithm) {
  const HashKind hash = hash_of(algorithm);
  if (auto error = check_secret(bytes_of(secret), hash_bytes(hash))) return std::unexpected(std::move(*error));
  switch (hash) {
    case HashKind::sha256: return std::make_shared<const Key<Sha256State>>(secret, algorithm);
    case HashKind::sha384: return std::make_shared<const Key<Sha384State>>(secret, algorithm);
    case HashKind::sha512: return std::make_shared<const Key<Sha512State>>(secret, algorithm);
  }
  std::unreachable();
}

}  // namespace

PublicKeyResult make_hmac_public(const SharedSecret& secret, Algorithm algorithm) {
  return make<PublicKey, HmacPublicKey>(secret, algorithm);
}

PrivateKeyResult make_hmac_private(const SharedSecret& secret, Algorithm algorithm) {
  return make<PrivateKey, HmacPrivateKey>(secret, algorithm);
}

PrivateMaterial generate_hmac(Algorithm algorithm) {
  return SharedSecret{SecretBytes::random(hash_bytes(hash_of(algorithm)))};
}

}  // namespace jeton::crypto
