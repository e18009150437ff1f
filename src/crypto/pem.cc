#include "crypto/key.h"
#include "crypto/key_numbers.h"
#include "crypto/nist_curve.h"
#include "crypto/openssl_ptr.h"
#include "crypto/random.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>

namespace jeton::crypto {
namespace {

constexpr std::size_t pem_bytes_max = 64 * 1024;

using Material = std::variant<PublicMaterial, PrivateMaterial>;

std::unexpected<Error> malformed(std::string expected) {
  return std::unexpected(Error{Errc::malformed_key, {}, std::move(expected)});
}

std::unexpected<Error> unsupported() {
  return std::unexpected(Error{Errc::unsupported_key, {}, "RSA, EC on P-256, P-384 or P-521, or Ed25519"});
}

// One block as PEM_read_bio_ex finds it: label, header lines and decoded bytes. PEM_FLAG_SECURE makes OpenSSL wipe its
// working copies too.
class Block {
 public:
  // False at the end of the text, or where it cannot be read.
  bool read(BIO* from) noexcept {
    release();
    return PEM_read_bio_ex(from, &label_, &header_, &data_, &size_, flags) == 1;
  }
  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { release(); }

  std::string_view label() const noexcept { return label_; }
  bool is_encrypted() const noexcept {
    return std::string_view(header_).contains("ENCRYPTED") || label() == "ENCRYPTED PRIVATE KEY";
  }
  const unsigned char* data() const noexcept { return data_; }
  long size() const noexcept { return size_; }

 private:
  static constexpr unsigned flags = PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE;
  void release() noexcept {
    OPENSSL_secure_free(label_);
    OPENSSL_secure_free(header_);
    OPENSSL_secure_clear_free(data_, static_cast<std::size_t>(size_));
    label_ = header_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }

  char* label_ = nullptr;
  char* header_ = nullptr;
  unsigned char* data_ = nullptr;
  long size_ = 0;
};

using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Release<PKCS8_PRIV_KEY_INFO_free>>;
using CertificatePtr = std::unique_ptr<X509, Release<X509_free>>;
using SpkiPtr = std::unique_ptr<X509_PUBKEY, Release<X509_PUBKEY_free>>;
using KeyResult = Result<PkeyPtr>;

// Decodes with one of OpenSSL's d2i functions. Null if that fails or bytes are left over.
template <class Owner, class Decode>
Owner decode_whole(const Block& block, Decode decode) {
  const unsigned char* at = block.data();
  Owner decoded(decode(&at, block.size()));
  return at == block.data() + block.size() ? std::move(decoded) : nullptr;
}

// Told from the algorithm identifier, before the key itself is decoded: RSA for PSS alone (which must not sign RS256),
// secp256k1, curves given by their numbers instead of a name, X25519, DSA and all else are not ours.
bool is_supported(const X509_ALGOR* identifier) {
  const ASN1_OBJECT* id = nullptr;
  int parameter_type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(&id, &parameter_type, &parameter, identifier);
  switch (OBJ_obj2nid(id)) {
    case NID_rsaEncryption:
    case NID_ED25519: return true;
    case NID_X9_62_id_ecPublicKey: break;
    default: return false;
  }
  if (parameter_type != V_ASN1_OBJECT) return false;
  const char* const curve = OBJ_nid2sn(OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(parameter)));
  return curve != nullptr && nist_curve_named(curve) != nullptr;
}

KeyResult key_in(const X509_PUBKEY* info) {
  if (info == nullptr) return malformed("a public key");
  X509_ALGOR* identifier = nullptr;
  if (X509_PUBKEY_get0_param(nullptr, nullptr, nullptr, &identifier, info) != 1) return malformed("a public key");
  if (!is_supported(identifier)) return unsupported();
  PkeyPtr key(X509_PUBKEY_get(info));
  if (!key) return malformed("a public key whose numbers are one");
  return key;
}

KeyResult decode_spki(const Block& block) {
  const auto info = decode_whole<SpkiPtr>(
      block, [](const unsigned char** at, long size) { return d2i_X509_PUBKEY(nullptr, at, size); });
  return key_in(info.get());
}

KeyResult decode_certificate(const Block& block) {
  const auto certificate = decode_whole<CertificatePtr>(
      block, [](const unsigned char** at, long size) { return d2i_X509(nullptr, at, size); });
  if (!certificate) return malformed("an X.509 certificate");
  return key_in(X509_get_X509_PUBKEY(certificate.get()));
}

KeyResult decode_pkcs8(const Block& block) {
  const auto info = decode_whole<Pkcs8Ptr>(
      block, [](const unsigned char** at, long size) { return d2i_PKCS8_PRIV_KEY_INFO(nullptr, at, size); });
  const X509_ALGOR* identifier = nullptr;
  if (!info || PKCS8_pkey_get0(nullptr, nullptr, nullptr, &identifier, info.get()) != 1) {
    return malformed("a private key in PKCS#8");
  }
  if (!is_supported(identifier)) return unsupported();
  PkeyPtr key(EVP_PKCS82PKEY(info.get()));
  if (!key) return malformed("a private key in PKCS#8 whose numbers are one");
  return key;
}

// PKCS#1 and SEC1, where the label names the type.
template <auto decode>
KeyResult decode_typed(const Block& block, int type) {
  auto key = decode_whole<PkeyPtr>(
      block, [&](const unsigned char** at, long size) { return decode(type, nullptr, at, size); });
  if (!key) return malformed("a key of the type that the first line names");
  return key;
}

KeyResult decode(const Block& block) {
  const std::string_view label = block.label();
  if (label == "PUBLIC KEY") return decode_spki(block);
  if (label == "PRIVATE KEY") return decode_pkcs8(block);
  if (label == "RSA PUBLIC KEY") return decode_typed<d2i_PublicKey>(block, EVP_PKEY_RSA);
  if (label == "RSA PRIVATE KEY") return decode_typed<d2i_PrivateKey>(block, EVP_PKEY_RSA);
  if (label == "EC PRIVATE KEY") return decode_typed<d2i_PrivateKey>(block, EVP_PKEY_EC);
  if (label == "CERTIFICATE" || label == "X509 CERTIFICATE") return decode_certificate(block);
  return unsupported();
}

// Parameters, requests and revocation lists may stand before a key in the same file.
bool is_key_or_certificate(std::string_view label) {
  return label.ends_with("KEY") || (label.ends_with("CERTIFICATE") && label != "ATTRIBUTE CERTIFICATE");
}

Result<Material> rsa_material(const EVP_PKEY* key, bool is_private) {
  if (!public_number(key, OSSL_PKEY_PARAM_RSA_FACTOR3).empty()) return unsupported();  // more than two primes
  RsaPublic pub{public_number(key, OSSL_PKEY_PARAM_RSA_N), public_number(key, OSSL_PKEY_PARAM_RSA_E)};
  if (pub.n.empty() || pub.e.empty()) return malformed("an RSA key");  // memory has ended, here and below
  if (!is_private) return Material(PublicMaterial(std::move(pub)));
  RsaPrivate made{.pub = std::move(pub),
                  .d = private_number(key, OSSL_PKEY_PARAM_RSA_D),
                  .p = private_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1),
                  .q = private_number(key, OSSL_PKEY_PARAM_RSA_FACTOR2),
                  .dp = private_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1),
                  .dq = private_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2),
                  .qi = private_number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1)};
  const std::array factors{&made.p, &made.q, &made.dp, &made.dq, &made.qi};
  const auto missing = std::ranges::count_if(factors, [](const SecretBytes* part) { return part->empty(); });
  if (made.d.empty() || (missing != 0 && missing != std::ssize(factors))) return malformed("an RSA key");
  return Material(PrivateMaterial(std::move(made)));
}

Result<Material> ec_material(const EVP_PKEY* key, bool is_private) {
  std::array<char, 64> name{};
  int explicit_parameters = 0;
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
  const bool named = EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) == 1;
  const NistCurve* const curve = named && explicit_parameters == 0 ? nist_curve_named(name.data()) : nullptr;
  if (curve == nullptr) return unsupported();
  EcPublic pub{curve->curve, public_number(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->bytes),
               public_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->bytes)};
  if (pub.x.empty() || pub.y.empty()) return malformed("an EC key");
  if (!is_private) return Material(PublicMaterial(std::move(pub)));
  SecretBytes d = private_number(key, OSSL_PKEY_PARAM_PRIV_KEY, curve->bytes);
  if (d.empty()) return malformed("an EC key");
  return Material(PrivateMaterial(EcPrivate{std::move(pub), std::move(d)}));
}

Result<Material> ed25519_material(const EVP_PKEY* key, bool is_private) {
  std::array<std::byte, 32> raw{};
  unsigned char* const octets = as_octets(std::span<std::byte>(raw));
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, octets, &size) != 1) return malformed("an Ed25519 key");
  OkpPublic pub{Bytes(raw.begin(), raw.end())};
  if (!is_private) return Material(PublicMaterial(std::move(pub)));
  size = raw.size();
  if (EVP_PKEY_get_raw_private_key(key, octets, &size) != 1) return malformed("an Ed25519 key");
  SecretBytes seed{std::span<const std::byte>(raw)};
  wipe(raw);
  return Material(PrivateMaterial(OkpPrivate{std::move(pub), std::move(seed)}));
}

Result<Material> material_of(const EVP_PKEY* key, bool is_private) {
  switch (EVP_PKEY_get_id(key)) {
    case EVP_PKEY_RSA: return rsa_material(key, is_private);
    case EVP_PKEY_EC: return ec_material(key, is_private);
    case EVP_PKEY_ED25519: return ed25519_material(key, is_private);
    default: return unsupported();
  }
}

}  // namespace

Result<std::variant<PublicMaterial, PrivateMaterial>> read_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return malformed("at most 64 KiB");
  const ErrorQueueGuard guard;
  const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Block block;
  do {
    if (!text || !block.read(text.get())) return malformed("a PEM block with a key or a certificate");
  } while (!is_key_or_certificate(block.label()));

  if (block.is_encrypted()) {
    return std::unexpected(Error{Errc::encrypted_key, {}, "a key without a passphrase"});
  }
  const KeyResult key = decode(block);
  if (!key) return std::unexpected(key.error());
  return material_of(key->get(), block.label().ends_with("PRIVATE KEY"));
}

}  // namespace jeton::crypto
