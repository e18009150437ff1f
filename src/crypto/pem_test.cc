#include "crypto/key.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace jeton::crypto {
namespace {

PublicMaterial public_in(const std::string& name) {
  auto read = read_pem(pem_file(name));
  EXPECT_TRUE(read.has_value()) << name;
  EXPECT_TRUE(std::holds_alternative<PublicMaterial>(*read)) << name;
  return std::get<PublicMaterial>(*read);
}

PrivateMaterial private_in(const std::string& name) {
  auto read = read_pem(pem_file(name));
  EXPECT_TRUE(read.has_value()) << name;
  EXPECT_TRUE(std::holds_alternative<PrivateMaterial>(*read)) << name;
  return std::move(std::get<PrivateMaterial>(*read));
}

void expect_refused(const std::string& text, Errc code, const std::string& what = {}) {
  const auto read = read_pem(text);
  ASSERT_FALSE(read.has_value()) << what;
  EXPECT_EQ(read.error().code, code) << what;
}

// The private key of one file signs what the public key of the other verifies.
void expect_pair(const std::string& private_name, const std::string& public_name, Algorithm algorithm) {
  const auto signing = PrivateKey::create(private_in(private_name), algorithm, default_limits);
  const auto verifying = PublicKey::create(public_in(public_name), algorithm, default_limits);
  ASSERT_TRUE(signing && verifying) << private_name << ", " << public_name;
  Bytes signature((*signing)->signature_bytes());
  ASSERT_TRUE((*signing)->sign("input", signature));
  EXPECT_TRUE((*verifying)->verify("input", signature)) << private_name << ", " << public_name;
}

TEST(Pem, AllFormsOfAnRsaKeyAreRead) {
  for (const char* private_name : {"rsa_pkcs8.pem", "rsa_pkcs1.pem"}) {
    for (const char* public_name : {"rsa_spki.pem", "rsa_pkcs1_public.pem", "rsa_certificate.pem"}) {
      expect_pair(private_name, public_name, Algorithm::rs256);
      expect_pair(private_name, public_name, Algorithm::ps512);
    }
  }
}

TEST(Pem, AllFormsOfAnEcKeyAreRead) {
  for (const char* private_name : {"p256_pkcs8.pem", "p256_sec1.pem", "p256_sec1_without_public.pem"}) {
    for (const char* public_name : {"p256_spki.pem", "p256_compressed_spki.pem", "p256_certificate.pem"}) {
      expect_pair(private_name, public_name, Algorithm::es256);
    }
  }
  expect_pair("p384_pkcs8.pem", "p384_spki.pem", Algorithm::es384);
  expect_pair("p521_pkcs8.pem", "p521_spki.pem", Algorithm::es512);
}

TEST(Pem, Ed25519IsRead) { expect_pair("ed25519_pkcs8.pem", "ed25519_spki.pem", Algorithm::eddsa); }

// As `openssl ecparam -genkey` writes it.
TEST(Pem, CurveParametersBeforeTheKeyAreSkipped) {
  EXPECT_TRUE(PrivateKey::create(private_in("p256_parameters_then_sec1.pem"), Algorithm::es256, default_limits));
}

TEST(Pem, TheFirstKeyCounts) {
  const auto read = read_pem(pem_file("certificate_request.pem") + "text between\n" + pem_file("p256_spki.pem") +
                             pem_file("rsa_spki.pem"));
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(std::holds_alternative<EcPublic>(std::get<PublicMaterial>(*read)));
}

TEST(Pem, WindowsLineEndsAndLeadingTextAreRead) {
  std::string text = "Bag Attributes\n    friendlyName: x\n";
  for (const char c : pem_file("p256_spki.pem")) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_TRUE(read_pem(text).has_value());
}

TEST(Pem, EncryptedKeysAreRefusedWithoutAQuestion) {
  expect_refused(pem_file("rsa_pkcs8_encrypted.pem"), Errc::encrypted_key);
  expect_refused(pem_file("rsa_pkcs8_encrypted_blank.pem"), Errc::encrypted_key);
  expect_refused(pem_file("rsa_pkcs1_encrypted.pem"), Errc::encrypted_key);
}

TEST(Pem, OtherKeyTypesAreUnsupported) {
  for (const char* name : {"secp256k1_pkcs8.pem", "secp256k1_spki.pem", "x25519_pkcs8.pem", "x25519_spki.pem",
                           "ed448_pkcs8.pem", "ed448_spki.pem", "dsa_pkcs8.pem", "dsa_spki.pem"}) {
    expect_refused(pem_file(name), Errc::unsupported_key, name);
  }
  expect_refused("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                 Errc::unsupported_key);
  expect_refused("-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----\n", Errc::unsupported_key);
}

// RFC 8017 appendix A.2.3: such a key signs with PSS alone, perhaps with one hash alone. It must not become RS256.
TEST(Pem, RsaKeysForPssAloneAreUnsupported) {
  expect_refused(pem_file("rsa_pss_spki.pem"), Errc::unsupported_key);
  expect_refused(pem_file("rsa_pss_pkcs8.pem"), Errc::unsupported_key);
}

// CVE-2020-0601: a curve given by its numbers may differ from the one it resembles.
TEST(Pem, CurvesGivenByTheirNumbersAreUnsupported) {
  expect_refused(pem_file("p256_explicit_spki.pem"), Errc::unsupported_key);
  expect_refused(pem_file("p256_explicit_sec1.pem"), Errc::unsupported_key);
}

TEST(Pem, RsaKeyOfThreePrimesIsUnsupported) {
  expect_refused(pem_file("rsa_three_primes_pkcs1.pem"), Errc::unsupported_key);
}

TEST(Pem, RsaKeyOf1024BitsIsReadAndThenRefused) {
  const auto made = PrivateKey::create(private_in("rsa_1024_pkcs8.pem"), Algorithm::rs256, default_limits);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::weak_key);
}

TEST(Pem, WhatIsNoPemIsMalformed) {
  for (const std::string& text : {std::string(), std::string("\n\n"), std::string("no key"), std::string(1000, '\0'),
                                  std::string("-----BEGIN"), std::string("-----BEGIN PUBLIC KEY-----"),
                                  std::string("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"),
                                  std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
                                  std::string("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"),
                                  std::string("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
                                  std::string("-----BEGIN RSA PUBLIC KEY-----\nMAA=\n-----END RSA PUBLIC KEY-----\n"),
                                  std::string("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n"),
                                  std::string("-----BEGIN PUBLIC KEY-----\n****\n-----END PUBLIC KEY-----\n"),
                                  pem_file("certificate_request.pem"), std::string("{\"kty\":\"oct\"}")}) {
    expect_refused(text, Errc::malformed_key, text);
  }
}

TEST(Pem, LabelOfAnotherTypeIsMalformed) {
  std::string text = pem_file("rsa_spki.pem");
  for (std::size_t at; (at = text.find("PUBLIC KEY")) != std::string::npos;) text.replace(at, 10, "RSA PUB KEY");
  EXPECT_FALSE(read_pem(text).has_value());
  text = pem_file("rsa_pkcs1.pem");
  for (std::size_t at; (at = text.find("RSA PRIVATE")) != std::string::npos;) text.replace(at, 11, "EC PRIVATE");
  expect_refused(text, Errc::malformed_key);
}

TEST(Pem, MoreThan64KiBIsRefusedUnread) {
  const std::string pem = pem_file("p256_spki.pem");
  EXPECT_TRUE(read_pem(std::string(64 * 1024 - pem.size(), '\n') + pem).has_value());
  expect_refused(std::string(64 * 1024 - pem.size() + 1, '\n') + pem, Errc::malformed_key);
}

// Every file cut at every place, and with every byte changed in turn: an answer each time, and never a crash.
TEST(Pem, DamagedFilesGetAnAnswer) {
  for (const char* name : {"p256_spki.pem", "p256_pkcs8.pem", "ed25519_pkcs8.pem", "p256_sec1.pem", "rsa_spki.pem",
                           "p256_certificate.pem", "x25519_spki.pem"}) {
    const std::string pem = pem_file(name);
    ASSERT_FALSE(pem.empty());
    for (std::size_t i = 0; i < pem.size(); ++i) {
      static_cast<void>(read_pem(std::string_view(pem).substr(0, i)));
      for (const unsigned flip : {0x01u, 0x02u, 0x20u, 0x80u}) {
        std::string changed = pem;
        changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ flip);
        if (const auto read = read_pem(changed)) {
          if (const auto* material = std::get_if<PublicMaterial>(&*read)) {
            for (const Algorithm a : fitting_algorithms(*material)) {
              static_cast<void>(PublicKey::create(*material, a, default_limits));
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace jeton::crypto
