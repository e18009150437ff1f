// The makers of each key family, and what PublicKey::create and PrivateKey::create ask of them. They expect that the
// algorithm belongs to the family; all else they check.
#pragma once

#include "crypto/key.h"

#include <jeton/error.h>

#include <memory>

namespace jeton::crypto {

using PublicKeyResult = Result<std::shared_ptr<const PublicKey>>;
using PrivateKeyResult = Result<std::shared_ptr<const PrivateKey>>;

PublicKeyResult make_hmac_public(const SharedSecret& secret, Algorithm algorithm);
PrivateKeyResult make_hmac_private(const SharedSecret& secret, Algorithm algorithm);
PrivateMaterial generate_hmac(Algorithm algorithm);

PublicKeyResult make_rsa_public(const RsaPublic& key, Algorithm algorithm, const Limits& limits);
PrivateKeyResult make_rsa_private(const RsaPrivate& key, Algorithm algorithm, const Limits& limits);
PrivateMaterial generate_rsa(unsigned bits);

PublicKeyResult make_ecdsa_public(const EcPublic& key, Algorithm algorithm);
// Null if there is no table to be had: see PublicKey::precompute.
std::shared_ptr<const PublicKey> precompute_ecdsa(std::shared_ptr<const PublicKey> plain, const EcPublic& key);
PrivateKeyResult make_ecdsa_private(const EcPrivate& key, Algorithm algorithm);
PrivateMaterial generate_ecdsa(Algorithm algorithm);

PublicKeyResult make_ed25519_public(const OkpPublic& key);
PrivateKeyResult make_ed25519_private(const OkpPrivate& key);
PrivateMaterial generate_ed25519();

// Signs a fixed text and verifies it: the proof that both halves belong together. invalid_key if they do not.
PrivateKeyResult proved_pair(std::shared_ptr<const PrivateKey> private_key, const PublicKeyResult& public_key);

}  // namespace jeton::crypto
