#include "crypto/random.h"

#include <jeton/secret.h>

#include <utility>

namespace jeton {

SecretBytes::SecretBytes(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}

SecretBytes SecretBytes::from_text(std::string_view text) { return SecretBytes(std::as_bytes(std::span(text))); }

SecretBytes SecretBytes::random(std::size_t count) {
  SecretBytes fresh;
  fresh.bytes_.resize(count);
  crypto::random_bytes(fresh.bytes_);
  return fresh;
}

// A moved vector hands its storage over, so that the source holds no bytes that would need wiping.
SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    crypto::wipe(bytes_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

SecretBytes::~SecretBytes() { crypto::wipe(bytes_); }

SecretBytes SecretBytes::duplicate() const { return SecretBytes(bytes_); }

}  // namespace jeton
