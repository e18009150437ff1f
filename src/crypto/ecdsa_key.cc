#include "crypto/context_pool.h"
#include "crypto/evp_hash.h"
#include "crypto/key_families.h"
#include "crypto/key_numbers.h"
#include "crypto/nist_curve.h"
#include "crypto/p256_verifier.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace jeton::crypto {
namespace {

constexpr std::size_t scalar_bytes_max = 66;

// ECDSA-Sig-Value in DER, which OpenSSL wants, from r ‖ s, which JWS carries. On the stack: at most 2 + 1 + 2·(2 + 67).
class DerSignature {
 public:
  DerSignature(std::span<const std::byte> r, std::span<const std::byte> s) noexcept {
    const std::size_t content = integer_bytes(r) + integer_bytes(s);
    put(0x30);
    if (content > 127) put(0x81);
    put(content);
    put_integer(r);
    put_integer(s);
  }
  const unsigned char* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return size_; }

 private:
  static std::span<const std::byte> significant(std::span<const std::byte> value) noexcept {
    while (value.size() > 1 && value.front() == std::byte{0}) value = value.subspan(1);
    return value;
  }
  static bool needs_sign_byte(std::span<const std::byte> value) noexcept {
    return (value.front() & std::byte{0x80}) != std::byte{0};
  }
  static std::size_t integer_bytes(std::span<const std::byte> value) noexcept {
    value = significant(value);
    return 2 + (needs_sign_byte(value) ? 1 : 0) + value.size();
  }
  void put(std::size_t octet) noexcept { bytes_[size_++] = static_cast<unsigned char>(octet); }
  void put_integer(std::span<const std::byte> value) noexcept {
    put(0x02);
    put(integer_bytes(value) - 2);
    value = significant(value);
    if (needs_sign_byte(value)) put(0);
    for (const std::byte b : value) put(std::to_integer<std::size_t>(b));
  }

  std::array<unsigned char, 3 + 2 * (scalar_bytes_max + 3)> bytes_;
  std::size_t size_ = 0;
};

PkeyContextPtr prepared(const PkeyPtr& key, Algorithm algorithm, int (*init)(EVP_PKEY_CTX*)) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!context || init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), evp_hash(hash_of(algorithm))) != 1) {
    return nullptr;
  }
  return context;
}

class EcdsaPublicKey final : public PublicKey {
 public:
  EcdsaPublicKey(PkeyContextPtr context, Algorithm algorithm, const NistCurve& curve)
      : PublicKey(algorithm, 2 * curve.bytes), curve_(curve), contexts_(std::move(context)) {}

  bool verify(std::string_view input, std::span<const std::byte> signature) const noexcept override {
    if (signature.size() != signature_bytes()) return false;
    const auto r = signature.first(curve_.bytes);
    const auto s = signature.last(curve_.bytes);
    if (!is_scalar(curve_, r) || !is_scalar(curve_, s)) return false;
    const DerSignature der(r, s);
    const Digest digest = digest_of(hash_of(algorithm()), input);
    const ErrorQueueGuard guard;
    const auto context = contexts_.borrow();
    return context.get() != nullptr &&
           EVP_PKEY_verify(context.get(), der.data(), der.size(), as_octets(digest.view()), digest.size) == 1;
  }

 private:
  const NistCurve& curve_;
  ContextPool contexts_;
};

// P-256 by its own verifier, with a table if that was asked for. Length and range are tested as for the other curves;
// `other` is asked should the verifier not be able to tell.
class P256PublicKey final : public PublicKey {
 public:
  P256PublicKey(std::shared_ptr<const P256Verifier> verifier, std::shared_ptr<const PublicKey> other)
      : PublicKey(Algorithm::es256, other->signature_bytes()),
        verifier_(std::move(verifier)),
        other_(std::move(other)) {}

  bool is_precomputed() const noexcept override { return verifier_->has_table(); }

  bool verify(std::string_view input, std::span<const std::byte> signature) const noexcept override {
    if (signature.size() != signature_bytes()) return false;
    const NistCurve& curve = *nist_curve(Curve::p256);
    const auto r = signature.first<32>();
    const auto s = signature.last<32>();
    if (!is_scalar(curve, r) || !is_scalar(curve, s)) return false;
    const Digest digest = digest_of(HashKind::sha256, input);
    const P256Verifier::Verdict verdict = verifier_->verify(digest.view().first<32>(), r, s);
    return verdict == P256Verifier::Verdict::unknown ? other_->verify(input, signature)
                                                     : verdict == P256Verifier::Verdict::good;
  }

 private:
  std::shared_ptr<const P256Verifier> verifier_;
  std::shared_ptr<const PublicKey> other_;
};

class EcdsaPrivateKey final : public PrivateKey {
 public:
  EcdsaPrivateKey(PkeyContextPtr context, Algorithm algorithm, const NistCurve& curve)
      : PrivateKey(algorithm), curve_(curve), contexts_(std::move(context)) {}

  std::size_t signature_bytes() const noexcept override { return 2 * curve_.bytes; }

  bool sign(std::string_view input, std::span<std::byte> out) const noexcept override {
    if (out.size() != signature_bytes()) return false;
    const ErrorQueueGuard guard;
    if (sign_raw(digest_of(hash_of(algorithm()), input), out)) return true;
    std::ranges::fill(out, std::byte{0});
    return false;
  }

 private:
  bool sign_raw(const Digest& digest, std::span<std::byte> out) const noexcept {
    std::array<unsigned char, 3 + 2 * (scalar_bytes_max + 3)> der;
    std::size_t der_bytes = der.size();
    const auto context = contexts_.borrow();
    // When memory ends while it writes, OpenSSL 3 tells success and a length of 2^32 - 1, and `der` still holds what
    // lay there: perhaps the signature of another input.
    if (context.get() == nullptr ||
        EVP_PKEY_sign(context.get(), der.data(), &der_bytes, as_octets(digest.view()), digest.size) != 1 ||
        der_bytes > der.size()) {
      return false;
    }
    const unsigned char* at = der.data();
    const std::unique_ptr<ECDSA_SIG, Release<ECDSA_SIG_free>> parsed(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der_bytes)));
    const auto half = static_cast<int>(curve_.bytes);
    return parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), as_octets(out.first(curve_.bytes)), half) == half &&
           BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), as_octets(out.last(curve_.bytes)), half) == half;
  }

  const NistCurve& curve_;
  ContextPool contexts_;
};

Error invalid(std::string_view member, std::string_view expected) {
  return Error{Errc::invalid_key, std::string(member), std::string(expected)};
}

// The curve, if the algorithm is its own.
const NistCurve* curve_for(const EcPublic& key, Algorithm algorithm) noexcept {
  const NistCurve* const curve = nist_curve(key.curve);
  return curve != nullptr && curve->algorithm == algorithm ? curve : nullptr;
}

std::optional<Error> check_coordinates(const EcPublic& key, const NistCurve& curve) {
  const auto expected = std::to_string(curve.bytes) + " bytes";
  if (key.x.size() != curve.bytes) return invalid("x", expected);
  if (key.y.size() != curve.bytes) return invalid("y", expected);
  return std::nullopt;
}

// The uncompressed form cannot express the point at infinity, and OpenSSL takes no point off its curve.
void add_public(KeyParameters& parameters, const EcPublic& key, const NistCurve& curve) {
  Bytes point{std::byte{0x04}};
  point.insert(point.end(), key.x.begin(), key.x.end());
  point.insert(point.end(), key.y.begin(), key.y.end());
  parameters.text(OSSL_PKEY_PARAM_GROUP_NAME, curve.openssl_name);
  parameters.octets(OSSL_PKEY_PARAM_PUB_KEY, point);
}

bool passes(const PkeyPtr& key, int (*check)(EVP_PKEY_CTX*)) {
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  return context && check(context.get()) == 1;
}

Error misfit() { return Error{Errc::algorithm_not_allowed, "alg", "the algorithm of the key's curve"}; }

}  // namespace

PublicKeyResult make_ecdsa_public(const EcPublic& key, Algorithm algorithm) {
  const NistCurve* const curve = curve_for(key, algorithm);
  if (curve == nullptr) return std::unexpected(misfit());
  if (auto error = check_coordinates(key, *curve)) return std::unexpected(std::move(*error));
  const ErrorQueueGuard guard;
  KeyParameters parameters;
  add_public(parameters, key, *curve);
  const PkeyPtr made = parameters.make("EC", EVP_PKEY_PUBLIC_KEY);
  if (!made || !passes(made, EVP_PKEY_public_check)) return std::unexpected(invalid("x", "a point on the curve"));
  PkeyContextPtr context = prepared(made, algorithm, EVP_PKEY_verify_init);
  if (!context) return std::unexpected(invalid("x", "a key that OpenSSL can use"));
  auto by_evp = std::make_shared<const EcdsaPublicKey>(std::move(context), algorithm, *curve);
  auto verifier = algorithm == Algorithm::es256 ? P256Verifier::plain(key) : nullptr;
  if (!verifier) return by_evp;
  return std::make_shared<const P256PublicKey>(std::move(verifier), std::move(by_evp));
}

std::shared_ptr<const PublicKey> precompute_ecdsa(std::shared_ptr<const PublicKey> plain, const EcPublic& key) {
  if (plain->algorithm() != Algorithm::es256 || key.curve != Curve::p256) return nullptr;
  auto verifier = P256Verifier::with_table(key);
  if (!verifier) return nullptr;
  return std::make_shared<const P256PublicKey>(std::move(verifier), std::move(plain));
}

PrivateKeyResult make_ecdsa_private(const EcPrivate& key, Algorithm algorithm) {
  const NistCurve* const curve = curve_for(key.pub, algorithm);
  if (curve == nullptr) return std::unexpected(misfit());
  const PublicKeyResult public_key = make_ecdsa_public(key.pub, algorithm);
  if (!public_key) return std::unexpected(public_key.error());
  const auto d = key.d.reveal(InsecureSecretAccess::get());
  if (d.size() != curve->bytes) return std::unexpected(invalid("d", std::to_string(curve->bytes) + " bytes"));
  if (!is_scalar(*curve, d)) return std::unexpected(invalid("d", "a number from 1 to the curve's order, less one"));
  const ErrorQueueGuard guard;
  KeyParameters parameters;
  add_public(parameters, key.pub, *curve);
  parameters.number(OSSL_PKEY_PARAM_PRIV_KEY, d);
  const PkeyPtr made = parameters.make("EC", EVP_PKEY_KEYPAIR);
  PkeyContextPtr context = made ? prepared(made, algorithm, EVP_PKEY_sign_init) : nullptr;
  if (!context) return std::unexpected(invalid("d", "a key that OpenSSL can use"));
  return proved_pair(std::make_shared<const EcdsaPrivateKey>(std::move(context), algorithm, *curve), public_key);
}

PrivateMaterial generate_ecdsa(Algorithm algorithm) {
  const Curve id = algorithm == Algorithm::es256   ? Curve::p256
                   : algorithm == Algorithm::es384 ? Curve::p384
                                                   : Curve::p521;
  const NistCurve& curve = *nist_curve(id);
  const ErrorQueueGuard guard;
  const PkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.openssl_name));
  if (!key) std::abort();
  return EcPrivate{{id, public_number(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, curve.bytes),
                    public_number(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, curve.bytes)},
                   private_number(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, curve.bytes)};
}

}  // namespace jeton::crypto
