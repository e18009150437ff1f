// SigningKey and VerificationKey: keys bound to one algorithm for life.
//
// A key never meets another algorithm than its own: the algorithm is fixed when the key is made, and no token can ask
// for another. What cannot be a good key (RSA below 2048 bits, a point off its curve, a secret shorter than its hash,
// PEM text posing as a secret, …) is refused when it is made, not when it is used.
//
// Both are immutable, cheap to copy (they share their state) and may be used from any number of threads.
#pragma once

#include <jeton/algorithm.h>
#include <jeton/error.h>
#include <jeton/secret.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton {

namespace crypto {
class PrivateKey;
class PublicKey;
}  // namespace crypto

// The public part of a key pair, or the shared secret of an HMAC algorithm, as configured for verifying.
class VerificationKey {
 public:
  // One public JWK (RFC 7517). An RSA key without `alg` needs `algorithm`; with `alg` the two must agree.
  // Errors: malformed_key, unsupported_key, invalid_key, weak_key, key_without_alg, key_not_for_signatures,
  //   private_key_not_allowed, algorithm_not_allowed.
  static Result<VerificationKey> from_jwk(std::string_view json, std::optional<Algorithm> algorithm = {});
  // SubjectPublicKeyInfo, PKCS#1 or an X.509 certificate in PEM (its signature and dates are not checked).
  // EC and Ed25519 know their algorithm; RSA needs one.
  static Result<VerificationKey> from_pem(std::string_view pem, std::optional<Algorithm> algorithm = {},
                                          std::string kid = {});

  Algorithm algorithm() const noexcept;
  std::string_view kid() const noexcept;  // may be empty
  // The public JWK, members in a fixed order. For an HMAC key there is none: an empty text.
  std::string to_jwk() const;

 private:
  friend class SigningKey;
  friend class KeySet;
  friend struct KeyParts;
  struct State;
  explicit VerificationKey(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// A private key, or the shared secret of an HMAC algorithm.
class SigningKey {
 public:
  struct GenerateOptions {
    unsigned rsa_bits = 2048;  // 2048 to 8192; ignored by the others
  };
  // A fresh key from the system's secure random generator. Its kid is the RFC 7638 thumbprint, for HMAC random; none
  // begins with a hyphen, so that a command line never takes it for an option.
  static SigningKey generate(Algorithm algorithm, GenerateOptions options);
  static SigningKey generate(Algorithm algorithm) { return generate(algorithm, GenerateOptions{}); }

  // A private or secret JWK. One without `alg` needs `algorithm`, except where the curve says it.
  static Result<SigningKey> from_jwk(std::string_view json, std::optional<Algorithm> algorithm = {});
  // PKCS#8, PKCS#1 or SEC1 in PEM; an encrypted one is refused (encrypted_key) and nobody is prompted. RSA needs an
  // algorithm. Without `kid` the thumbprint is taken.
  static Result<SigningKey> from_pem(std::string_view pem, std::optional<Algorithm> algorithm = {},
                                     std::string kid = {});
  // A shared secret, at least as long as the hash. A public key is not a secret and does not convert to one; text that
  // looks like a PEM, SSH or JWK key is refused (key_text_as_secret).
  static Result<SigningKey> from_secret(SecretBytes secret, Algorithm hmac_algorithm, std::string kid = {});

  Algorithm algorithm() const noexcept;
  std::string_view kid() const noexcept;

  // What verifies this key's signatures. For an HMAC key it holds the secret.
  VerificationKey verification_key() const;
  // The whole key as a JWK, private members included.
  SecretBytes to_private_jwk(SecretAccess) const;

 private:
  friend class Signer;
  friend struct KeyParts;
  struct State;
  explicit SigningKey(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// The RFC 7638 thumbprint (SHA-256, base64url) of a JWK, private or public, EC, RSA, OKP or oct.
Result<std::string> thumbprint(std::string_view jwk_json);

}  // namespace jeton
