#include "bound_key.h"

#include "crypto/key.h"
#include "jose/base64url.h"
#include "jose/jwk.h"

#include <jeton/limits.h>
#include <jeton/secret.h>

#include <span>

namespace jeton::matrix {
namespace {

struct Materials {
  crypto::PrivateMaterial rsa = crypto::PrivateKey::generate(Algorithm::rs256, 2048);
  crypto::PrivateMaterial p256 = crypto::PrivateKey::generate(Algorithm::es256, 0);
  crypto::PrivateMaterial p384 = crypto::PrivateKey::generate(Algorithm::es384, 0);
  crypto::PrivateMaterial p521 = crypto::PrivateKey::generate(Algorithm::es512, 0);
  crypto::PrivateMaterial ed25519 = crypto::PrivateKey::generate(Algorithm::eddsa, 0);
  crypto::PrivateMaterial secret = crypto::SharedSecret{SecretBytes::random(64)};

  const crypto::PrivateMaterial& of(Algorithm algorithm) const {
    switch (algorithm) {
      case Algorithm::hs256:
      case Algorithm::hs384:
      case Algorithm::hs512: return secret;
      case Algorithm::es256: return p256;
      case Algorithm::es384: return p384;
      case Algorithm::es512: return p521;
      case Algorithm::eddsa: return ed25519;
      default: return rsa;
    }
  }
};

std::string_view text_of(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<BoundKey> make_bound_keys() {
  static const Materials materials;
  std::vector<BoundKey> keys;
  for (int i = 0; i < algorithm_count; ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    const auto& material = materials.of(algorithm);
    SigningKey signing = SigningKey::from_jwk(text_of(jose::write_private_jwk(material, algorithm, "k"))).value();
    VerificationKey verifying = signing.verification_key();
    keys.push_back({algorithm, std::move(signing), std::move(verifying), &material});
  }
  return keys;
}

std::string encode(std::string_view bytes) { return jose::base64url::encode(bytes); }

}  // namespace

const std::vector<BoundKey>& bound_keys() {
  static const std::vector<BoundKey> keys = make_bound_keys();
  return keys;
}

const BoundKey& bound_key(Algorithm algorithm) { return bound_keys()[static_cast<std::size_t>(algorithm)]; }

std::string BoundKey::sign(std::string_view input) const {
  const auto key = crypto::PrivateKey::create(crypto::duplicate(*material), algorithm, default_limits).value();
  std::string signature(key->signature_bytes(), '\0');
  if (!key->sign(input, std::as_writable_bytes(std::span(signature)))) return {};
  return signature;
}

std::string compact(std::string_view header, std::string_view payload, const BoundKey& signer) {
  const std::string input = encode(header) + "." + encode(payload);
  return input + "." + encode(signer.sign(input));
}

std::string with_signature(std::string_view token, std::string_view signature_bytes) {
  return std::string(token.substr(0, token.rfind('.') + 1)) + encode(signature_bytes);
}

std::string signature_of(std::string_view token) {
  const auto bytes = jose::base64url::decode(token.substr(token.rfind('.') + 1)).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace jeton::matrix
