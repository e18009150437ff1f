#include "crypto/ed25519_verifier.h"
#include "crypto/key_families.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "crypto/sodium_start.h"

#include <sodium.h>

#include <algorithm>
#include <array>

// libsodium rather than OpenSSL: it signs and verifies in half the time, and refuses S >= L, R of small order and keys
// that are not canonical. Ed25519Verifier, with a table for the key, verifies in half of that; where its products are
// not libsodium's, libsodium verifies.

namespace jeton::crypto {
namespace {

using PublicPoint = std::array<unsigned char, crypto_sign_ed25519_PUBLICKEYBYTES>;
using ExpandedKey = std::array<unsigned char, crypto_sign_ed25519_SECRETKEYBYTES>;  // seed ‖ public key
constexpr std::size_t ed25519_signature_bytes = crypto_sign_ed25519_BYTES;
constexpr std::size_t seed_bytes = crypto_sign_ed25519_SEEDBYTES;

const unsigned char* octets(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
const unsigned char* octets(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

class Ed25519PublicKey final : public PublicKey {
 public:
  explicit Ed25519PublicKey(std::span<const std::byte> point) : PublicKey(Algorithm::eddsa, ed25519_signature_bytes) {
    std::copy_n(octets(point), point_.size(), point_.begin());
    verifier_ = Ed25519Verifier::of(point.first<sizeof(PublicPoint)>());
  }

  bool verify(std::string_view input, std::span<const std::byte> signature) const noexcept override {
    if (signature.size() != ed25519_signature_bytes) return false;
    if (verifier_) return verifier_->verify(input, signature.first<ed25519_signature_bytes>());
    return crypto_sign_ed25519_verify_detached(octets(signature), octets(input), input.size(), point_.data()) == 0;
  }

 private:
  PublicPoint point_;
  std::unique_ptr<const Ed25519Verifier> verifier_;
};

class Ed25519PrivateKey final : public PrivateKey {
 public:
  explicit Ed25519PrivateKey(const ExpandedKey& key) : PrivateKey(Algorithm::eddsa), key_(key) {}
  ~Ed25519PrivateKey() override { sodium_memzero(key_.data(), key_.size()); }

  std::size_t signature_bytes() const noexcept override { return ed25519_signature_bytes; }

  bool sign(std::string_view input, std::span<std::byte> out) const noexcept override {
    if (out.size() != ed25519_signature_bytes) return false;
    auto* const to = reinterpret_cast<unsigned char*>(out.data());
    return crypto_sign_ed25519_detached(to, nullptr, octets(input), input.size(), key_.data()) == 0;
  }

 private:
  ExpandedKey key_;
};

}  // namespace

PublicKeyResult make_ed25519_public(const OkpPublic& key) {
  start_sodium();
  if (key.x.size() != crypto_sign_ed25519_PUBLICKEYBYTES) {
    return std::unexpected(Error{Errc::invalid_key, "x", "32 bytes"});
  }
  if (crypto_core_ed25519_is_valid_point(octets(key.x)) != 1) {
    return std::unexpected(Error{Errc::invalid_key, "x", "a canonical point of the main subgroup"});
  }
  return std::make_shared<const Ed25519PublicKey>(key.x);
}

PrivateKeyResult make_ed25519_private(const OkpPrivate& key) {
  const PublicKeyResult public_key = make_ed25519_public(key.pub);
  if (!public_key) return std::unexpected(public_key.error());
  if (key.d.size() != seed_bytes) return std::unexpected(Error{Errc::invalid_key, "d", "32 bytes"});
  PublicPoint derived;
  ExpandedKey expanded;
  crypto_sign_ed25519_seed_keypair(derived.data(), expanded.data(), octets(key.d.reveal(InsecureSecretAccess::get())));
  auto private_key = std::make_shared<const Ed25519PrivateKey>(expanded);
  sodium_memzero(expanded.data(), expanded.size());
  // Signing with a public part that is not the seed's own gives the seed away, so this is compared and not tried.
  if (!ct_equal(std::as_bytes(std::span(derived)), key.pub.x)) {
    return std::unexpected(Error{Errc::invalid_key, "d", "the private part of this public key"});
  }
  return private_key;
}

PrivateMaterial generate_ed25519() {
  start_sodium();
  SecretBytes seed = SecretBytes::random(seed_bytes);
  PublicPoint point;
  ExpandedKey expanded;
  crypto_sign_ed25519_seed_keypair(point.data(), expanded.data(), octets(seed.reveal(InsecureSecretAccess::get())));
  sodium_memzero(expanded.data(), expanded.size());
  const auto bytes = std::as_bytes(std::span(point));
  return OkpPrivate{{Bytes(bytes.begin(), bytes.end())}, std::move(seed)};
}

}  // namespace jeton::crypto
