// What is behind SigningKey, VerificationKey and KeySet, for the rooms of the library.
#pragma once

#include "crypto/key.h"
#include "jose/jwk.h"

#include <jeton/key.h>
#include <jeton/key_set.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jeton {

struct VerificationKey::State {
  Algorithm algorithm;
  std::string kid;
  std::shared_ptr<const crypto::PublicKey> key;
  std::optional<crypto::PublicMaterial> material;  // none for HMAC
};

struct SigningKey::State {
  Algorithm algorithm;
  std::string kid;
  std::shared_ptr<const crypto::PrivateKey> key;
  crypto::PrivateMaterial material;
  VerificationKey verification_key;
};

struct KeySet::State {
  std::vector<Entry> entries;
  bool single_jwk = false;
};

// The one door to the private parts of the key types.
struct KeyParts {
  static const crypto::PublicKey& crypto_key(const VerificationKey& key) noexcept { return *key.state_->key; }
  static const crypto::PrivateKey& crypto_key(const SigningKey& key) noexcept { return *key.state_->key; }
  static const std::optional<crypto::PublicMaterial>& material(const VerificationKey& key) noexcept {
    return key.state_->material;
  }

  // Binds checked material to an algorithm. Errors: those of crypto::PublicKey::create.
  static Result<VerificationKey> make_verifying(crypto::PublicMaterial material, Algorithm algorithm, std::string kid,
                                                const Limits& limits = default_limits);
  static Result<VerificationKey> make_verifying(const crypto::SharedSecret& secret, Algorithm algorithm,
                                                std::string kid, const Limits& limits = default_limits);
  // An empty kid becomes the thumbprint; an HMAC key's stays empty.
  static Result<SigningKey> make_signing(crypto::PrivateMaterial material, Algorithm algorithm, std::string kid,
                                         const Limits& limits = default_limits);
  // What verifies for the key of this JWK, private or not.
  static Result<VerificationKey> make_verifying(const jose::Jwk& jwk, Algorithm algorithm, const Limits& limits);
};

}  // namespace jeton
