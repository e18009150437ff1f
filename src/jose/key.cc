#include <jeton/key.h>

#include "crypto/random.h"
#include "jose/jwk.h"
#include "jose/key_parts.h"
#include "jose/try.h"

#include <jeton/signer.h>

#include <array>
#include <cassert>
#include <cstdlib>

namespace jeton {

Result<VerificationKey> KeyParts::make_verifying(crypto::PublicMaterial material, Algorithm algorithm, std::string kid,
                                                 const Limits& limits) {
  TRY(auto key, crypto::PublicKey::create(material, algorithm, limits));
  return VerificationKey(std::make_shared<const VerificationKey::State>(
      VerificationKey::State{algorithm, std::move(kid), std::move(key), std::move(material)}));
}

Result<VerificationKey> KeyParts::make_verifying(const crypto::SharedSecret& secret, Algorithm algorithm,
                                                 std::string kid, const Limits& limits) {
  TRY(auto key, crypto::PublicKey::create(secret, algorithm, limits));
  return VerificationKey(std::make_shared<const VerificationKey::State>(
      VerificationKey::State{algorithm, std::move(kid), std::move(key), std::nullopt}));
}

Result<VerificationKey> KeyParts::make_verifying(const jose::Jwk& jwk, Algorithm algorithm, const Limits& limits) {
  if (auto pub = jwk.public_material()) return make_verifying(*std::move(pub), algorithm, jwk.kid, limits);
  return make_verifying(std::get<crypto::SharedSecret>(*jwk.private_material()), algorithm, jwk.kid, limits);
}

Result<SigningKey> KeyParts::make_signing(crypto::PrivateMaterial material, Algorithm algorithm, std::string kid,
                                          const Limits& limits) {
  const auto* secret = std::get_if<crypto::SharedSecret>(&material);
  if (!secret && kid.empty()) kid = jose::thumbprint_of(crypto::public_part(material));
  Result<VerificationKey> verifying = secret ? make_verifying(*secret, algorithm, kid, limits)
                                             : make_verifying(crypto::public_part(material), algorithm, kid, limits);
  if (!verifying) return std::unexpected(std::move(verifying).error());
  TRY(auto key, crypto::PrivateKey::create(crypto::duplicate(material), algorithm, limits));
  return SigningKey(std::make_shared<const SigningKey::State>(
      SigningKey::State{algorithm, std::move(kid), std::move(key), std::move(material), *std::move(verifying)}));
}

Result<VerificationKey> VerificationKey::from_jwk(std::string_view json, std::optional<Algorithm> algorithm) {
  TRY(const jose::Jwk jwk, jose::read_jwk(json, default_limits));
  if (jwk.private_material()) return std::unexpected(Error{Errc::private_key_not_allowed});
  TRY(const Algorithm bound, jose::bound_algorithm(jwk, jose::Purpose::verify, algorithm));
  return KeyParts::make_verifying(jwk, bound, default_limits);
}

namespace {

// The algorithm of material that came without a name for one.
Result<Algorithm> algorithm_for(const crypto::PublicMaterial& material, std::optional<Algorithm> asked) {
  if (asked) return *asked;
  if (std::holds_alternative<crypto::RsaPublic>(material)) return std::unexpected(Error{Errc::key_without_alg, "alg"});
  return crypto::fitting_algorithms(material).front();
}

}  // namespace

Result<VerificationKey> VerificationKey::from_pem(std::string_view pem, std::optional<Algorithm> algorithm,
                                                  std::string kid) {
  TRY(auto material, crypto::read_pem(pem));
  auto* pub = std::get_if<crypto::PublicMaterial>(&material);
  if (!pub) return std::unexpected(Error{Errc::private_key_not_allowed});
  TRY(const Algorithm bound, algorithm_for(*pub, algorithm));
  return KeyParts::make_verifying(std::move(*pub), bound, std::move(kid));
}

Algorithm VerificationKey::algorithm() const noexcept { return state_->algorithm; }
std::string_view VerificationKey::kid() const noexcept { return state_->kid; }
std::string VerificationKey::to_jwk() const {
  if (!state_->material) return {};
  return jose::write_public_jwk(*state_->material, state_->algorithm, state_->kid);
}

SigningKey SigningKey::generate(Algorithm algorithm, GenerateOptions options) {
  while (true) {
    const std::string kid = is_symmetric(algorithm) ? random_id() : std::string{};
    auto key = KeyParts::make_signing(crypto::PrivateKey::generate(algorithm, options.rsa_bits), algorithm, kid);
    assert(key.has_value() && "rsa_bits must be between 2048 and 8192");
    if (!key) std::abort();
    if (!key->kid().starts_with('-')) return *std::move(key);
  }
}

Result<SigningKey> SigningKey::from_jwk(std::string_view json, std::optional<Algorithm> algorithm) {
  TRY(jose::Jwk jwk, jose::read_jwk(json, default_limits));
  if (!jwk.private_material()) return std::unexpected(Error{Errc::invalid_key, "d", "a private key"});
  TRY(const Algorithm bound, jose::bound_algorithm(jwk, jose::Purpose::sign, algorithm));
  return KeyParts::make_signing(std::get<crypto::PrivateMaterial>(std::move(jwk.material)), bound, std::move(jwk.kid));
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem, std::optional<Algorithm> algorithm, std::string kid) {
  TRY(auto material, crypto::read_pem(pem));
  auto* private_material = std::get_if<crypto::PrivateMaterial>(&material);
  if (!private_material) return std::unexpected(Error{Errc::invalid_key, {}, "a private key"});
  TRY(const Algorithm bound, algorithm_for(crypto::public_part(*private_material), algorithm));
  return KeyParts::make_signing(std::move(*private_material), bound, std::move(kid));
}

Result<SigningKey> SigningKey::from_secret(SecretBytes secret, Algorithm hmac_algorithm, std::string kid) {
  if (!is_symmetric(hmac_algorithm))
    return std::unexpected(Error{Errc::algorithm_not_allowed, "alg", "HS256, HS384 or HS512"});
  return KeyParts::make_signing(crypto::SharedSecret{std::move(secret)}, hmac_algorithm, std::move(kid));
}

Algorithm SigningKey::algorithm() const noexcept { return state_->algorithm; }
std::string_view SigningKey::kid() const noexcept { return state_->kid; }
VerificationKey SigningKey::verification_key() const { return state_->verification_key; }
SecretBytes SigningKey::to_private_jwk(SecretAccess) const {
  return jose::write_private_jwk(state_->material, state_->algorithm, state_->kid);
}

Result<std::string> thumbprint(std::string_view jwk_json) {
  TRY(const jose::Jwk jwk, jose::read_jwk(jwk_json, default_limits));
  if (const auto pub = jwk.public_material()) return jose::thumbprint_of(*pub);
  return jose::thumbprint_of(std::get<crypto::SharedSecret>(*jwk.private_material()));
}

}  // namespace jeton
