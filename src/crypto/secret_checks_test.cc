// mission row 12: text that anybody can read is never taken for an HMAC secret.
#include "crypto/secret_checks.h"

#include "crypto/key.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace jeton::crypto {
namespace {

using std::string_view_literals::operator""sv;

std::optional<Errc> refusal(std::string_view secret, Algorithm algorithm = Algorithm::hs256) {
  const auto made = PublicKey::create(SharedSecret{SecretBytes::from_text(secret)}, algorithm, default_limits);
  const auto signing = PrivateKey::create(SharedSecret{SecretBytes::from_text(secret)}, algorithm, default_limits);
  EXPECT_EQ(made.has_value(), signing.has_value());
  if (made) return std::nullopt;
  EXPECT_EQ(made.error(), signing.error());
  return made.error().code;
}

TEST(SharedSecrets, RandomOnesOfTheHashsLengthAreAccepted) {
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(PrivateKey::create(PrivateKey::generate(algorithm, 0), algorithm, default_limits));
    }
  }
}

// RFC 7515 appendix A.1: the octets of the example's `k`.
TEST(SharedSecrets, KeyOfRfc7515IsAccepted) {
  const Bytes key = from_hex(
      "0323354b2b0fa5bc837e0665777ba68f5ab328e6f054c928a90f84b2d2502ebfd3fb5a92d20647ef968ab4c377623d223d2e2172052e4f08"
      "c0cd"
      "9af567d080a3");
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
    EXPECT_EQ(refusal(text_of(key), algorithm), std::nullopt);
  }
}

TEST(SharedSecrets, ShorterThanTheHashIsRefused) {
  const std::string text = "0f8b2d11c4e79a6350e2c7b184d6f39aab5d7e10f2c94638d1b7a05ce83f6294";
  EXPECT_EQ(refusal(""), Errc::weak_key);
  EXPECT_EQ(refusal(text.substr(0, 31)), Errc::weak_key);
  EXPECT_EQ(refusal(text.substr(0, 32)), std::nullopt);
  EXPECT_EQ(refusal(text.substr(0, 47), Algorithm::hs384), Errc::weak_key);
  EXPECT_EQ(refusal(text.substr(0, 48), Algorithm::hs384), std::nullopt);
  EXPECT_EQ(refusal(text.substr(0, 63), Algorithm::hs512), Errc::weak_key);
  EXPECT_EQ(refusal(text.substr(0, 64), Algorithm::hs512), std::nullopt);
}

TEST(SharedSecrets, ZerosAreRefused) {
  EXPECT_EQ(refusal(std::string(32, '\0')), Errc::weak_key);
  EXPECT_EQ(refusal(std::string(256, '\0')), Errc::weak_key);
  EXPECT_EQ(refusal(std::string(31, '\0') + '\1'), std::nullopt);
}

TEST(SharedSecrets, PemTextIsRefused) {
  for (const char* name : {"rsa_spki.pem", "rsa_pkcs1_public.pem", "rsa_certificate.pem", "p256_spki.pem",
                           "ed25519_spki.pem", "p256_pkcs8.pem"}) {
    const std::string pem = pem_file(name);
    for (const std::string_view before :
         {""sv, "\n"sv, " \t\r\n"sv, "\xEF\xBB\xBF"sv, "\0"sv, "Bag Attributes\n"sv, "\v\f"sv}) {
      EXPECT_EQ(refusal(std::string(before) + pem), Errc::key_text_as_secret) << name;
    }
    EXPECT_EQ(refusal(pem.substr(0, pem.find('\n'))), Errc::key_text_as_secret);
  }
}

TEST(SharedSecrets, SshKeyTextIsRefused) {
  for (const std::string_view key :
       {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 me@here"sv, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1y me@here"sv,
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP me@here and there"sv,
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY me"sv, "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1"sv,
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQAB"sv}) {
    EXPECT_EQ(refusal(key), Errc::key_text_as_secret) << key;
    EXPECT_EQ(refusal(" \n" + std::string(key)), Errc::key_text_as_secret) << key;
  }
  EXPECT_EQ(refusal("a secret that only mentions ssh-rsa keys"), std::nullopt);
}

TEST(SharedSecrets, JwkTextIsRefused) {
  const std::string jwk = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})";
  EXPECT_EQ(refusal(jwk), Errc::key_text_as_secret);
  EXPECT_EQ(refusal("\r\n\t " + jwk), Errc::key_text_as_secret);
  EXPECT_EQ(refusal("\xEF\xBB\xBF \n" + jwk), Errc::key_text_as_secret);
  EXPECT_EQ(refusal(R"({"k\u0074y":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})"),
            Errc::key_text_as_secret);
  EXPECT_EQ(refusal("{\"keys\":[]}                            "), Errc::key_text_as_secret);
  EXPECT_EQ(refusal("{no key at all, only braces around a secret}"), std::nullopt);
}

std::string base64_body_of(const std::string& pem) {
  std::string body;
  std::istringstream lines(pem);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("-----")) body += line + "\n";
  }
  return body;
}

Bytes decoded(std::string body) {
  std::erase(body, '\n');
  Bytes bytes;
  unsigned bits = 0, value = 0;
  for (const char c : body) {
    const auto digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"sv.find(c);
    if (digit == std::string_view::npos) break;
    value = value << 6 | static_cast<unsigned>(digit);
    bits += 6;
    if (bits >= 8) bytes.push_back(std::byte(value >> (bits -= 8) & 0xff));
  }
  return bytes;
}

TEST(SharedSecrets, PublicKeyWithoutItsPemLinesIsRefused) {
  for (const char* name :
       {"rsa_spki.pem", "rsa_certificate.pem", "p256_spki.pem", "p384_spki.pem", "p521_spki.pem", "ed25519_spki.pem"}) {
    const std::string body = base64_body_of(pem_file(name));
    std::string one_line = body;
    std::erase(one_line, '\n');
    EXPECT_EQ(refusal(body), Errc::key_text_as_secret) << name;
    EXPECT_EQ(refusal(one_line), Errc::key_text_as_secret) << name;
    EXPECT_EQ(refusal(" " + one_line), Errc::key_text_as_secret) << name;
    const Bytes der = decoded(body);
    EXPECT_EQ(refusal(text_of(der)), Errc::key_text_as_secret) << name;
    Bytes random_tail = der;
    random_tail.push_back(std::byte{0x55});
    EXPECT_EQ(refusal(text_of(random_tail)), std::nullopt) << name;
  }
  EXPECT_EQ(refusal("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A and some more"), std::nullopt);
}

TEST(SharedSecrets, SecretsFromExamplesAreRefused) {
  for (const std::string_view secret :
       {"a-string-secret-at-least-256-bits-long"sv, "a-valid-string-secret-that-is-at-least-384-bits-long"sv,
        "your-256-bit-secretyour-256-bit-secret"sv, "your-256-bit-secret your-256-bit-secret"sv,
        "your-512-bit-secret-your-512-bit-sec"sv, "secretsecretsecretsecretsecretsecret"sv,
        "SECRET-secret-SECRET-secret-SECRET-secret"sv, "changemechangemechangemechangeme"sv,
        "supersecretsupersecretsupersecret"sv, "password_password_password_password"sv}) {
    EXPECT_EQ(refusal(secret), Errc::weak_key) << secret;
  }
  EXPECT_EQ(refusal("a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long", Algorithm::hs512),
            Errc::weak_key);
  EXPECT_EQ(refusal("secretsecretsecretsecretsecretsecret of mine"), std::nullopt);
  EXPECT_EQ(refusal("the password is stored in a better place"), std::nullopt);
}

TEST(SharedSecrets, ServeTheAlgorithmsTheyAreLongEnoughFor) {
  using enum Algorithm;
  const auto fitting = [](std::size_t bytes) { return fitting_algorithms(SharedSecret{SecretBytes::random(bytes)}); };
  EXPECT_TRUE(fitting(0).empty());
  EXPECT_TRUE(fitting(31).empty());
  EXPECT_EQ(fitting(32), (std::vector{hs256}));
  EXPECT_EQ(fitting(48), (std::vector{hs256, hs384}));
  EXPECT_EQ(fitting(64), (std::vector{hs256, hs384, hs512}));
  EXPECT_EQ(fitting(1000), (std::vector{hs256, hs384, hs512}));
}

TEST(SharedSecrets, LongerThanTheHashsBlockWorks) {
  const SharedSecret secret{SecretBytes::random(1000)};
  const auto verifying = PublicKey::create(secret, Algorithm::hs512, default_limits);
  const auto signing = PrivateKey::create(SharedSecret{secret.k.duplicate()}, Algorithm::hs512, default_limits);
  Bytes mac(64);
  ASSERT_TRUE((*signing)->sign("input", mac));
  EXPECT_TRUE((*verifying)->verify("input", mac));
  EXPECT_FALSE((*verifying)->verify("input", std::span(mac).first(32)));
  mac.push_back(std::byte{0});
  EXPECT_FALSE((*verifying)->verify("input", mac));
  EXPECT_FALSE((*verifying)->verify("input", {}));
}

}  // namespace
}  // namespace jeton::crypto
