#include "crypto/key.h"

#include "crypto/key_families.h"
#include "crypto/sha2.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace jeton::crypto {
namespace {

enum class Family : std::uint8_t { hmac, rsa, ecdsa, ed25519 };

constexpr Family family_of(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::hs256:
    case Algorithm::hs384:
    case Algorithm::hs512: return Family::hmac;
    case Algorithm::rs256:
    case Algorithm::rs384:
    case Algorithm::rs512:
    case Algorithm::ps256:
    case Algorithm::ps384:
    case Algorithm::ps512: return Family::rsa;
    case Algorithm::es256:
    case Algorithm::es384:
    case Algorithm::es512: return Family::ecdsa;
    case Algorithm::eddsa: return Family::ed25519;
  }
  std::unreachable();
}

std::unexpected<Error> misfit() {
  return std::unexpected(Error{Errc::algorithm_not_allowed, "alg", "an algorithm of the key's own type and size"});
}

template <class... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};

}  // namespace

Result<std::shared_ptr<const PublicKey>> PublicKey::create(const PublicMaterial& material, Algorithm algorithm,
                                                           const Limits& limits) {
  const Family family = family_of(algorithm);
  return std::visit(Overloaded{
                        [&](const RsaPublic& key) -> PublicKeyResult {
                          return family == Family::rsa ? make_rsa_public(key, algorithm, limits) : misfit();
                        },
                        [&](const EcPublic& key) -> PublicKeyResult {
                          return family == Family::ecdsa ? make_ecdsa_public(key, algorithm) : misfit();
                        },
                        [&](const OkpPublic& key) -> PublicKeyResult {
                          return family == Family::ed25519 ? make_ed25519_public(key) : misfit();
                        },
                    },
                    material);
}

Result<std::shared_ptr<const PublicKey>> PublicKey::create(const SharedSecret& secret, Algorithm algorithm,
                                                           const Limits&) {
  if (family_of(algorithm) != Family::hmac) return misfit();
  return make_hmac_public(secret, algorithm);
}

std::shared_ptr<const PublicKey> PublicKey::precompute(std::shared_ptr<const PublicKey> key,
                                                       const PublicMaterial& material) {
  const auto* const point = std::get_if<EcPublic>(&material);
  return point == nullptr || key->is_precomputed() ? nullptr : precompute_ecdsa(std::move(key), *point);
}

Result<std::shared_ptr<const PrivateKey>> PrivateKey::create(PrivateMaterial material, Algorithm algorithm,
                                                             const Limits& limits) {
  const Family family = family_of(algorithm);
  return std::visit(Overloaded{
                        [&](const RsaPrivate& key) -> PrivateKeyResult {
                          return family == Family::rsa ? make_rsa_private(key, algorithm, limits) : misfit();
                        },
                        [&](const EcPrivate& key) -> PrivateKeyResult {
                          return family == Family::ecdsa ? make_ecdsa_private(key, algorithm) : misfit();
                        },
                        [&](const OkpPrivate& key) -> PrivateKeyResult {
                          return family == Family::ed25519 ? make_ed25519_private(key) : misfit();
                        },
                        [&](const SharedSecret& key) -> PrivateKeyResult {
                          return family == Family::hmac ? make_hmac_private(key, algorithm) : misfit();
                        },
                    },
                    material);
}

PrivateMaterial PrivateKey::generate(Algorithm algorithm, unsigned rsa_bits) {
  switch (family_of(algorithm)) {
    case Family::hmac: return generate_hmac(algorithm);
    case Family::rsa: return generate_rsa(rsa_bits);
    case Family::ecdsa: return generate_ecdsa(algorithm);
    case Family::ed25519: return generate_ed25519();
  }
  std::unreachable();
}

PrivateKeyResult proved_pair(std::shared_ptr<const PrivateKey> private_key, const PublicKeyResult& public_key) {
  if (!public_key) return std::unexpected(public_key.error());
  constexpr std::string_view text = "Do these two belong together?";
  Bytes signature(private_key->signature_bytes());
  if (!private_key->sign(text, signature) || !(*public_key)->verify(text, signature)) {
    return std::unexpected(Error{Errc::invalid_key, "d", "the private part of this public key"});
  }
  return private_key;
}

std::vector<Algorithm> fitting_algorithms(const PublicMaterial& material) {
  using enum Algorithm;
  return std::visit(Overloaded{
                        [](const RsaPublic&) { return std::vector{rs256, rs384, rs512, ps256, ps384, ps512}; },
                        [](const EcPublic& key) -> std::vector<Algorithm> {
                          switch (key.curve) {
                            case Curve::p256: return {es256};
                            case Curve::p384: return {es384};
                            case Curve::p521: return {es512};
                            case Curve::ed25519: break;
                          }
                          return {};
                        },
                        [](const OkpPublic&) { return std::vector{eddsa}; },
                    },
                    material);
}

std::vector<Algorithm> fitting_algorithms(const SharedSecret& secret) {
  std::vector<Algorithm> fitting;
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
    if (secret.k.size() >= hash_bytes(hash_of(algorithm))) fitting.push_back(algorithm);
  }
  return fitting;
}

PublicMaterial public_part(const PrivateMaterial& material) {
  return std::visit(Overloaded{
                        [](const SharedSecret&) -> PublicMaterial { std::abort(); },  // a secret has no public part
                        [](const auto& key) -> PublicMaterial { return key.pub; },
                    },
                    material);
}

PrivateMaterial duplicate(const PrivateMaterial& material) {
  return std::visit(Overloaded{
                        [](const RsaPrivate& k) -> PrivateMaterial {
                          return RsaPrivate{k.pub,           k.d.duplicate(),  k.p.duplicate(),
                                            k.q.duplicate(), k.dp.duplicate(), k.dq.duplicate(),
                                            k.qi.duplicate()};
                        },
                        [](const EcPrivate& k) -> PrivateMaterial { return EcPrivate{k.pub, k.d.duplicate()}; },
                        [](const OkpPrivate& k) -> PrivateMaterial { return OkpPrivate{k.pub, k.d.duplicate()}; },
                        [](const SharedSecret& k) -> PrivateMaterial { return SharedSecret{k.k.duplicate()}; },
                    },
                    material);
}

}  // namespace jeton::crypto
