#include "crypto/context_pool.h"
#include "crypto/evp_hash.h"
#include "crypto/key_families.h"
#include "crypto/key_numbers.h"
#include "crypto/rsa_checks.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cstdlib>

namespace jeton::crypto {
namespace {

bool is_pss(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::ps256 || algorithm == Algorithm::ps384 || algorithm == Algorithm::ps512;
}

// Fixes everything that a signature could otherwise choose: hash, padding, and for PSS the mask's hash and the length
// of the salt, which RFC 7518 section 3.5 makes that of the hash.
PkeyContextPtr prepared(const PkeyPtr& key, Algorithm algorithm, int (*init)(EVP_PKEY_CTX*)) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const EVP_MD* const hash = evp_hash(hash_of(algorithm));
  const int padding = is_pss(algorithm) ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
  if (!context || init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), hash) != 1) {
    return nullptr;
  }
  if (is_pss(algorithm) && (EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), hash) != 1 ||
                            EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return nullptr;
  }
  return context;
}

class RsaPublicKey final : public PublicKey {
 public:
  RsaPublicKey(PkeyContextPtr context, Algorithm algorithm, std::size_t modulus_bytes)
      : PublicKey(algorithm, modulus_bytes), hash_(hash_of(algorithm)), contexts_(std::move(context)) {}

  bool verify(std::string_view input, std::span<const std::byte> signature) const noexcept override {
    if (signature.size() != signature_bytes()) return false;
    const Digest digest = digest_of(hash_, input);
    const ErrorQueueGuard guard;
    const auto context = contexts_.borrow();
    return context.get() != nullptr && EVP_PKEY_verify(context.get(), as_octets(signature), signature.size(),
                                                       as_octets(digest.view()), digest.size) == 1;
  }

 private:
  HashKind hash_;
  ContextPool contexts_;
};

class RsaPrivateKey final : public PrivateKey {
 public:
  RsaPrivateKey(PkeyContextPtr context, Algorithm algorithm, std::size_t modulus_bytes)
      : PrivateKey(algorithm),
        hash_(hash_of(algorithm)),
        modulus_bytes_(modulus_bytes),
        contexts_(std::move(context)) {}

  std::size_t signature_bytes() const noexcept override { return modulus_bytes_; }

  bool sign(std::string_view input, std::span<std::byte> out) const noexcept override {
    if (out.size() != modulus_bytes_) return false;
    const Digest digest = digest_of(hash_, input);
    const ErrorQueueGuard guard;
    const auto context = contexts_.borrow();
    std::size_t written = out.size();
    if (context.get() != nullptr &&
        EVP_PKEY_sign(context.get(), as_octets(out), &written, as_octets(digest.view()), digest.size) == 1 &&
        written == out.size()) {
      return true;
    }
    std::ranges::fill(out, std::byte{0});
    return false;
  }

 private:
  HashKind hash_;
  std::size_t modulus_bytes_;
  ContextPool contexts_;
};

Error not_a_key() { return Error{Errc::invalid_key, "n", "numbers that make an RSA key"}; }

}  // namespace

PublicKeyResult make_rsa_public(const RsaPublic& key, Algorithm algorithm, const Limits& limits) {
  if (auto error = check_rsa_public(key, limits)) return std::unexpected(std::move(*error));
  const ErrorQueueGuard guard;
  KeyParameters parameters;
  parameters.number(OSSL_PKEY_PARAM_RSA_N, key.n);
  parameters.number(OSSL_PKEY_PARAM_RSA_E, key.e);
  const PkeyPtr made = parameters.make("RSA", EVP_PKEY_PUBLIC_KEY);
  PkeyContextPtr context = made ? prepared(made, algorithm, EVP_PKEY_verify_init) : nullptr;
  if (!context) return std::unexpected(not_a_key());
  return std::make_shared<const RsaPublicKey>(std::move(context), algorithm, key.n.size());
}

PrivateKeyResult make_rsa_private(const RsaPrivate& key, Algorithm algorithm, const Limits& limits) {
  if (auto error = check_rsa_public(key.pub, limits)) return std::unexpected(std::move(*error));
  const ErrorQueueGuard guard;
  if (auto error = check_rsa_private(key)) return std::unexpected(std::move(*error));
  KeyParameters parameters;
  parameters.number(OSSL_PKEY_PARAM_RSA_N, key.pub.n);
  parameters.number(OSSL_PKEY_PARAM_RSA_E, key.pub.e);
  const SecretAccess access = InsecureSecretAccess::get();
  parameters.number(OSSL_PKEY_PARAM_RSA_D, key.d.reveal(access));
  if (!key.p.empty()) {
    parameters.number(OSSL_PKEY_PARAM_RSA_FACTOR1, key.p.reveal(access));
    parameters.number(OSSL_PKEY_PARAM_RSA_FACTOR2, key.q.reveal(access));
    parameters.number(OSSL_PKEY_PARAM_RSA_EXPONENT1, key.dp.reveal(access));
    parameters.number(OSSL_PKEY_PARAM_RSA_EXPONENT2, key.dq.reveal(access));
    parameters.number(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, key.qi.reveal(access));
  }
  const PkeyPtr made = parameters.make("RSA", EVP_PKEY_KEYPAIR);
  PkeyContextPtr context = made ? prepared(made, algorithm, EVP_PKEY_sign_init) : nullptr;
  if (!context) return std::unexpected(not_a_key());
  return proved_pair(std::make_shared<const RsaPrivateKey>(std::move(context), algorithm, key.pub.n.size()),
                     make_rsa_public(key.pub, algorithm, limits));
}

PrivateMaterial generate_rsa(unsigned bits) {
  if (bits < default_limits.rsa_bits_min || bits > default_limits.rsa_bits_max) std::abort();
  const ErrorQueueGuard guard;
  for (;;) {
    const PkeyPtr key(EVP_RSA_gen(bits));
    if (!key) std::abort();
    RsaPrivate made{{public_number(key.get(), OSSL_PKEY_PARAM_RSA_N), public_number(key.get(), OSSL_PKEY_PARAM_RSA_E)},
                    private_number(key.get(), OSSL_PKEY_PARAM_RSA_D),
                    private_number(key.get(), OSSL_PKEY_PARAM_RSA_FACTOR1),
                    private_number(key.get(), OSSL_PKEY_PARAM_RSA_FACTOR2),
                    private_number(key.get(), OSSL_PKEY_PARAM_RSA_EXPONENT1),
                    private_number(key.get(), OSSL_PKEY_PARAM_RSA_EXPONENT2),
                    private_number(key.get(), OSSL_PKEY_PARAM_RSA_COEFFICIENT1)};
    // Very rarely it bears by chance the fingerprint of a weak key; nobody shall be refused what we made.
    if (!check_rsa_public(made.pub, default_limits)) return made;
  }
}

}  // namespace jeton::crypto
