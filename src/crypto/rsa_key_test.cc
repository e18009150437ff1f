#include "crypto/key.h"
#include "crypto/key_numbers.h"
#include "crypto/openssl_ptr.h"
#include "crypto/sha2.h"
#include "crypto/test_bytes.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

constexpr std::string_view input = "header.payload";

class RsaKey : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    material_ = new PrivateMaterial(PrivateKey::generate(Algorithm::rs256, 2048));
    const auto& key = std::get<RsaPrivate>(*material_);
    KeyParameters parameters;
    parameters.number(OSSL_PKEY_PARAM_RSA_N, key.pub.n);
    parameters.number(OSSL_PKEY_PARAM_RSA_E, key.pub.e);
    parameters.number(OSSL_PKEY_PARAM_RSA_D, key.d.reveal(InsecureSecretAccess::get()));
    openssl_key_ = parameters.make("RSA", EVP_PKEY_KEYPAIR).release();
  }
  static void TearDownTestSuite() {
    EVP_PKEY_free(openssl_key_);
    delete material_;
  }

  static std::shared_ptr<const PublicKey> public_key(Algorithm algorithm) {
    return PublicKey::create(public_part(*material_), algorithm, default_limits).value();
  }
  static std::shared_ptr<const PrivateKey> private_key(Algorithm algorithm) {
    return PrivateKey::create(duplicate(*material_), algorithm, default_limits).value();
  }
  static Bytes signature_of(Algorithm algorithm) {
    Bytes signature(256);
    EXPECT_TRUE(private_key(algorithm)->sign(input, signature));
    return signature;
  }

  // A signature as OpenSSL makes it when it is told otherwise than we would.
  struct PssForm {
    const EVP_MD* hash = EVP_sha256();
    const EVP_MD* mask_hash = EVP_sha256();
    int salt_bytes = 32;
  };
  static Bytes pss_signature(const PssForm& form) {
    const std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    Bytes signature(256);
    std::size_t size = signature.size();
    EXPECT_EQ(EVP_DigestSignInit(context.get(), &options, form.hash, nullptr, openssl_key_), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_mgf1_md(options, form.mask_hash), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, form.salt_bytes), 1);
    EXPECT_EQ(EVP_DigestSign(context.get(), as_octets(std::span(signature)), &size,
                             reinterpret_cast<const unsigned char*>(input.data()), input.size()),
              1);
    return signature;
  }

  // m^d mod n of a block that we choose.
  static Bytes raw_signature(const Bytes& block) {
    const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, openssl_key_, nullptr));
    Bytes signature(256);
    std::size_t size = signature.size();
    EXPECT_EQ(EVP_PKEY_sign_init(context.get()), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), 1);
    EXPECT_EQ(EVP_PKEY_sign(context.get(), as_octets(std::span(signature)), &size, as_octets(std::span(block)), 256),
              1);
    return signature;
  }

  static PrivateMaterial* material_;
  static EVP_PKEY* openssl_key_;
};

PrivateMaterial* RsaKey::material_ = nullptr;
EVP_PKEY* RsaKey::openssl_key_ = nullptr;

TEST_F(RsaKey, Pkcs1SignatureIsDeterministic) {
  EXPECT_EQ(signature_of(Algorithm::rs256), signature_of(Algorithm::rs256));
  EXPECT_NE(signature_of(Algorithm::ps256), signature_of(Algorithm::ps256));
}

TEST_F(RsaKey, SignatureOfAnotherPaddingOrHashIsRefused) {
  using enum Algorithm;
  for (const Algorithm signed_as : {rs256, rs384, rs512, ps256, ps384, ps512}) {
    const Bytes signature = signature_of(signed_as);
    for (const Algorithm verified_as : {rs256, rs384, rs512, ps256, ps384, ps512}) {
      EXPECT_EQ(public_key(verified_as)->verify(input, signature), signed_as == verified_as);
    }
  }
}

TEST_F(RsaKey, PssSaltMustBeAsLongAsTheHash) {
  const auto key = public_key(Algorithm::ps256);
  EXPECT_TRUE(key->verify(input, pss_signature({})));
  for (const int salt_bytes : {0, 20, 31, 33, 64, 222}) {
    EXPECT_FALSE(key->verify(input, pss_signature({.salt_bytes = salt_bytes}))) << salt_bytes;
  }
}

TEST_F(RsaKey, PssMaskMustUseTheSameHash) {
  EXPECT_FALSE(public_key(Algorithm::ps256)->verify(input, pss_signature({.mask_hash = EVP_sha1()})));
  EXPECT_FALSE(public_key(Algorithm::ps256)->verify(input, pss_signature({.mask_hash = EVP_sha512()})));
  EXPECT_TRUE(public_key(Algorithm::ps384)
                  ->verify(input, pss_signature({.hash = EVP_sha384(), .mask_hash = EVP_sha384(), .salt_bytes = 48})));
}

TEST_F(RsaKey, SignatureOfAnotherLengthIsRefused) {
  for (const Algorithm algorithm : {Algorithm::rs256, Algorithm::ps256}) {
    const auto key = public_key(algorithm);
    const Bytes good = signature_of(algorithm);
    Bytes longer = good;
    longer.push_back(std::byte{0});
    Bytes zero_led = good;
    zero_led.insert(zero_led.begin(), std::byte{0});
    EXPECT_TRUE(key->verify(input, good));
    EXPECT_FALSE(key->verify(input, {}));
    EXPECT_FALSE(key->verify(input, std::span(good).first(255)));
    EXPECT_FALSE(key->verify(input, longer));
    EXPECT_FALSE(key->verify(input, zero_led));
  }
}

TEST_F(RsaKey, SignaturePlusModulusIsRefused) {
  const auto& modulus = std::get<RsaPrivate>(*material_).pub.n;
  const auto key = public_key(Algorithm::rs256);
  for (int attempt = 0; attempt < 64; ++attempt) {
    const std::string text = "input " + std::to_string(attempt);
    Bytes signature(256);
    ASSERT_TRUE(private_key(Algorithm::rs256)->sign(text, signature));
    unsigned carry = 0;
    for (std::size_t i = 256; i-- > 0;) {
      carry += std::to_integer<unsigned>(signature[i]) + std::to_integer<unsigned>(modulus[i]);
      signature[i] = std::byte(carry & 0xff);
      carry >>= 8;
    }
    if (carry == 0) {  // the sum still has 256 bytes
      EXPECT_FALSE(key->verify(text, signature));
      return;
    }
  }
  SUCCEED() << "no signature was small enough, which depends on the modulus";
}

TEST_F(RsaKey, TrivialSignaturesAreRefused) {
  const auto& modulus = std::get<RsaPrivate>(*material_).pub.n;
  Bytes one(256), below = modulus;
  one.back() = std::byte{1};
  below.back() ^= std::byte{1};
  for (const Algorithm algorithm : {Algorithm::rs256, Algorithm::ps256}) {
    for (const Bytes& signature : {Bytes(256), one, below, modulus, Bytes(256, std::byte{0xff})}) {
      EXPECT_FALSE(public_key(algorithm)->verify(input, signature));
    }
  }
}

// Bleichenbacher's forgery of 2006 and its relatives: only the one exact encoding of RFC 8017 section 9.2 is good.
TEST_F(RsaKey, OnlyTheExactPkcs1EncodingIsAccepted) {
  const Bytes prefix = from_hex("3031300d060960864801650304020105000420");
  const Bytes prefix_without_null = from_hex("302f300b0609608648016503040201 0420");
  const Digest digest = digest_of(HashKind::sha256, input);
  const auto block = [&](const Bytes& digest_info_prefix, std::size_t garbage) {
    Bytes info = digest_info_prefix;
    info.insert(info.end(), digest.view().begin(), digest.view().end());
    Bytes padded = from_hex("0001");
    padded.resize(256 - info.size() - garbage - 1, std::byte{0xff});
    padded.push_back(std::byte{0});
    padded.insert(padded.end(), info.begin(), info.end());
    padded.resize(256, std::byte{0x5a});
    return padded;
  };
  const auto key = public_key(Algorithm::rs256);
  EXPECT_TRUE(key->verify(input, raw_signature(block(prefix, 0))));
  EXPECT_FALSE(key->verify(input, raw_signature(block(prefix, 1))));
  EXPECT_FALSE(key->verify(input, raw_signature(block(prefix, 150))));
  EXPECT_FALSE(key->verify(input, raw_signature(block({}, 0))));
  EXPECT_FALSE(key->verify(input, raw_signature(block(prefix_without_null, 0))));
  Bytes type_two = block(prefix, 0);
  type_two[1] = std::byte{2};
  EXPECT_FALSE(key->verify(input, raw_signature(type_two)));
  Bytes broken_padding = block(prefix, 0);
  broken_padding[100] = std::byte{0xfe};
  EXPECT_FALSE(key->verify(input, raw_signature(broken_padding)));
}

TEST_F(RsaKey, SigningIntoAnotherLengthFails) {
  for (const std::size_t size : {0u, 255u, 257u}) {
    Bytes out(size);
    EXPECT_FALSE(private_key(Algorithm::rs256)->sign(input, out));
  }
}

TEST_F(RsaKey, ModulusThatIsNoMultipleOfEightBitsWorks) {
  const PrivateMaterial odd = PrivateKey::generate(Algorithm::ps256, 2050);
  const auto key = PublicKey::create(public_part(odd), Algorithm::ps256, default_limits);
  const auto signing = PrivateKey::create(duplicate(odd), Algorithm::ps256, default_limits);
  ASSERT_TRUE(key && signing);
  ASSERT_EQ((*key)->signature_bytes(), 257u);
  Bytes signature(257);
  ASSERT_TRUE((*signing)->sign(input, signature));
  EXPECT_TRUE((*key)->verify(input, signature));
}

TEST_F(RsaKey, GeneratingOutsideTheLimitsIsAFaultOfTheCaller) {
  EXPECT_DEATH(static_cast<void>(PrivateKey::generate(Algorithm::rs256, 1024)), "");
  EXPECT_DEATH(static_cast<void>(PrivateKey::generate(Algorithm::rs256, 16384)), "");
}

}  // namespace
}  // namespace jeton::crypto
