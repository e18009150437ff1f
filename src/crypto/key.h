// PublicKey and PrivateKey: key material that has been checked and bound to one Algorithm, ready to use.
//
// PublicKey holds contexts prepared once, so that a verification allocates nothing of its own and parses nothing. Both
// are immutable after `create` and may be used from any number of threads at once (contexts are copied per thread or
// per call, never shared while in use). "PublicKey" covers HMAC too: it is what verifies.
#pragma once

#include "crypto/key_material.h"

#include <jeton/algorithm.h>
#include <jeton/error.h>
#include <jeton/limits.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace jeton::crypto {

class PublicKey {
 public:
  // Errors: algorithm_not_allowed (material and algorithm do not fit), invalid_key, weak_key.
  // Checks: RSA size, odd exponent from 65537 to 2^32 - 1, odd modulus, ROCA fingerprint; EC coordinates at exact
  // length, on the curve, not at infinity; Ed25519 32 bytes, canonical, of the main subgroup.
  static Result<std::shared_ptr<const PublicKey>> create(const PublicMaterial&, Algorithm, const Limits&);
  // Errors: weak_key (shorter than the hash, all zero, a well-known example secret), key_text_as_secret.
  static Result<std::shared_ptr<const PublicKey>> create(const SharedSecret&, Algorithm, const Limits&);
  // The same ES256 key with a table of its multiples, which gives the same verdicts in a third of the time and costs
  // some 25 ms and 156 KB. Null for every other key, and where the table cannot be built or does not agree with plain
  // arithmetic. `material` is what `key` was made of.
  static std::shared_ptr<const PublicKey> precompute(std::shared_ptr<const PublicKey> key,
                                                     const PublicMaterial& material);
  virtual ~PublicKey() = default;

  Algorithm algorithm() const noexcept { return algorithm_; }
  // The only signature length there is for this key: 32/48/64, 64/96/132, 64, or the modulus size.
  std::size_t signature_bytes() const noexcept { return signature_bytes_; }
  virtual bool is_precomputed() const noexcept { return false; }
  // True if `signature` over `input` is good. Constant time in the secret for HMAC. No allocation of ours, no
  // exception.
  virtual bool verify(std::string_view input, std::span<const std::byte> signature) const noexcept = 0;

 protected:
  PublicKey(Algorithm algorithm, std::size_t bytes) : algorithm_(algorithm), signature_bytes_(bytes) {}

 private:
  Algorithm algorithm_;
  std::size_t signature_bytes_;
};

class PrivateKey {
 public:
  // Errors as PublicKey, and invalid_key if private and public part do not belong together.
  static Result<std::shared_ptr<const PrivateKey>> create(PrivateMaterial, Algorithm, const Limits&);
  // Never fails but for lack of entropy or memory: aborts then, and for rsa_bits outside 2048 to 8192.
  static PrivateMaterial generate(Algorithm, unsigned rsa_bits);
  virtual ~PrivateKey() = default;

  Algorithm algorithm() const noexcept { return algorithm_; }
  virtual std::size_t signature_bytes() const noexcept = 0;
  // Writes exactly signature_bytes() to `out`; ECDSA as r ‖ s (RFC 7518 section 3.4). A failure of the library beneath
  // (never seen but when memory ends) returns false and leaves `out` zeroed.
  [[nodiscard]] virtual bool sign(std::string_view input, std::span<std::byte> out) const noexcept = 0;

 protected:
  explicit PrivateKey(Algorithm algorithm) : algorithm_(algorithm) {}

 private:
  Algorithm algorithm_;
};

// The algorithms that material may serve by type and size, apart from any `alg`: EC and Ed25519 one, RSA six, a secret
// those whose hash it is long enough for.
std::vector<Algorithm> fitting_algorithms(const PublicMaterial&);
std::vector<Algorithm> fitting_algorithms(const SharedSecret&);

// Reads the first PEM block that is a key or certificate: PKCS#1, PKCS#8, SEC1, SPKI, X.509. Never prompts.
// Errors: malformed_key, unsupported_key, encrypted_key.
Result<std::variant<PublicMaterial, PrivateMaterial>> read_pem(std::string_view pem);

// The public numbers of a private key; must not be called with a SharedSecret.
PublicMaterial public_part(const PrivateMaterial&);
PrivateMaterial duplicate(const PrivateMaterial&);

}  // namespace jeton::crypto
