// An RS256 public key is no secret: in whatever spelling it is used to sign an HS256 token, nothing is gained.
#include "bound_key.h"

#include "crypto/key.h"
#include "crypto/mac.h"
#include "jose/base64url.h"

#include <jeton/jws.h>
#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <span>
#include <utility>

namespace jeton::matrix {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);
constexpr std::string_view payload = R"({"iss":"https://id.example","aud":"api","exp":1700000600})";

std::string text_of(const crypto::Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string length_of(std::size_t size) {
  return {'\x82', static_cast<char>(size >> 8), static_cast<char>(size & 0xFF)};
}

// SubjectPublicKeyInfo of an RSA key of 2048 bits with the exponent 65537.
std::string der_of(const crypto::RsaPublic& key) {
  const std::string modulus = std::string("\x02") + length_of(257) + std::string(1, '\0') + text_of(key.n);
  const std::string numbers = modulus + std::string("\x02\x03\x01\x00\x01", 5);
  const std::string sequence = "\x30" + length_of(numbers.size()) + numbers;
  const std::string bits = "\x03" + length_of(sequence.size() + 1) + std::string(1, '\0') + sequence;
  const std::string algorithm("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
  return "\x30" + length_of(algorithm.size() + bits.size()) + algorithm + bits;
}

std::string pem_of(const std::string& der) {
  std::string body = jose::base64url::encode(der);
  for (char& c : body) c = c == '-' ? '+' : c == '_' ? '/' : c;
  body.append((4 - body.size() % 4) % 4, '=');
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t i = 0; i < body.size(); i += 64) out.append(body, i, 64).append("\n");
  return out + "-----END PUBLIC KEY-----\n";
}

struct Spelling {
  const char* name;
  std::string bytes;
};

std::vector<Spelling> spellings() {
  const BoundKey& key = bound_key(Algorithm::rs256);
  const auto rsa = std::get<crypto::RsaPublic>(crypto::public_part(*key.material));
  const std::string der = der_of(rsa), pem = pem_of(der);
  EXPECT_TRUE(VerificationKey::from_pem(pem, Algorithm::rs256).has_value());  // it is the key, well spelled
  return {
      {"PEM", pem},
      {"PEM without its last line feed", pem.substr(0, pem.size() - 1)},
      {"PEM behind white space", " \n" + pem},
      {"PEM with CR LF",
       [&] {
         std::string s;
         for (char c : pem) {
           if (c == '\n') s += '\r';
           s += c;
         }
         return s;
       }()},
      {"DER", der},
      {"modulus", text_of(rsa.n)},
      {"modulus as base64url", jose::base64url::encode(rsa.n)},
      {"JWK", key.verifying.to_jwk()},
      {"JWK Set", KeySet{{key.verifying}}.to_jwks()},
      {"nothing", ""},
  };
}

std::string hs256_token(std::string_view secret, std::string_view kid_member) {
  const std::string input =
      jose::base64url::encode(R"({"alg":"HS256","typ":"at+jwt")" + std::string(kid_member) + "}") + "." +
      jose::base64url::encode(payload);
  const auto mac = crypto::hmac_sha256(SecretBytes::from_text(secret), {std::as_bytes(std::span(input))});
  return input + "." + jose::base64url::encode(mac);
}

// mission row 12
TEST(AlgorithmConfusion, Rs256PublicKeyAsHs256SecretGainsNothing) {
  const VerificationKey rs256 = bound_key(Algorithm::rs256).verifying;
  const Verifier verifier{
      {.issuer = "https://id.example", .audience = AudienceRule::must_include("api"), .keys = KeySet{{rs256}}}};
  for (const Spelling& spelling : spellings()) {
    for (const char* kid : {R"(,"kid":"k")", ""}) {
      const std::string token = hs256_token(spelling.bytes, kid);
      const auto refused = verifier.verify(token, now);
      ASSERT_FALSE(refused.has_value()) << spelling.name;
      EXPECT_TRUE(refused.error().code == Errc::algorithm_not_allowed || refused.error().code == Errc::unknown_key)
          << spelling.name;
      EXPECT_FALSE(
          jws_verify(token, KeySet{{rs256}}, AlgorithmRule::only({Algorithm::hs256, Algorithm::rs256})).has_value())
          << spelling.name << ": not even where the list names both";
    }
  }
  // The twin: the same verifier takes what the key has signed.
  EXPECT_TRUE(
      verifier.verify(compact(R"({"alg":"RS256","typ":"at+jwt","kid":"k"})", payload, bound_key(Algorithm::rs256)), now)
          .has_value());
}

// mission row 12: a set read with an open list binds the key by its type, so that HS256 never meets it.
TEST(AlgorithmConfusion, KeyWithoutAlgIsNeverASecret) {
  const auto rsa = std::get<crypto::RsaPublic>(crypto::public_part(*bound_key(Algorithm::rs256).material));
  const std::string jwk = R"({"kty":"RSA","kid":"k","n":")" + jose::base64url::encode(rsa.n) + R"(","e":"AQAB"})";
  const KeySetOptions open{.origin = KeyOrigin::local, .any_fitting = true};
  const KeySetOptions listed{.algorithms_without_alg = {Algorithm::hs256, Algorithm::rs256}};
  for (const KeySetOptions& options : {open, listed}) {
    const KeySet keys = KeySet::parse(jwk, options).value();
    for (const Spelling& spelling : spellings()) {
      EXPECT_FALSE(
          jws_verify(hs256_token(spelling.bytes, R"(,"kid":"k")"), keys, AlgorithmRule::of_the_keys()).has_value())
          << spelling.name;
    }
    EXPECT_TRUE(jws_verify(compact(R"({"alg":"RS256","kid":"k"})", payload, bound_key(Algorithm::rs256)), keys,
                           AlgorithmRule::of_the_keys())
                    .has_value());
  }
}

// mission row 12: who would configure the public key as a secret by mistake is told so.
TEST(AlgorithmConfusion, PublicKeyTextIsRefusedAsSecret) {
  for (const Spelling& spelling : spellings()) {
    const std::string_view name = spelling.name;
    if (name == "DER" || name.starts_with("modulus")) continue;  // bytes without a form of their own
    EXPECT_FALSE(SigningKey::from_secret(SecretBytes::from_text(spelling.bytes), Algorithm::hs256).has_value()) << name;
  }
  EXPECT_TRUE(SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256).has_value());
}

}  // namespace
}  // namespace jeton::matrix
