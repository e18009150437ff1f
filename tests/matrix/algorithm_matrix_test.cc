// Every token (signed by key A, saying algorithm B) against every key C: only A = B = C is accepted.
#include "bound_key.h"

#include "jose/jwk.h"

#include <jeton/jws.h>
#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

namespace jeton::matrix {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);
constexpr std::string_view payload = R"({"iss":"https://id.example","aud":"api","exp":1700000600})";

std::string header_saying(std::string_view algorithm, std::string_view kid_member) {
  return R"({"alg":")" + std::string(algorithm) + R"(","typ":"at+jwt")" + std::string(kid_member) + "}";
}

Verifier verifier_with(KeySet keys) {
  return Verifier{
      {.issuer = "https://id.example", .audience = AudienceRule::must_include("api"), .keys = std::move(keys)}};
}

class Matrix : public testing::TestWithParam<std::string_view> {};

TEST_P(Matrix, OnlyTheDiagonalVerifies) {
  ASSERT_EQ(bound_keys().size(), 13u);
  int accepted = 0;
  for (const BoundKey& signer : bound_keys()) {
    for (const BoundKey& said : bound_keys()) {
      const std::string token = compact(header_saying(said.name(), GetParam()), payload, signer);
      for (const BoundKey& verifying : bound_keys()) {
        const bool diagonal = signer.algorithm == said.algorithm && said.algorithm == verifying.algorithm;
        const KeySet keys{{verifying.verifying}};
        EXPECT_EQ(jws_verify(token, keys, AlgorithmRule::of_the_keys()).has_value(), diagonal)
            << "signed " << signer.name() << ", said " << said.name() << ", verified by " << verifying.name();
        EXPECT_EQ(verifier_with(keys).verify(token, now).has_value(), diagonal)
            << "signed " << signer.name() << ", said " << said.name() << ", verified by " << verifying.name();
        accepted += diagonal;
      }
    }
  }
  EXPECT_EQ(accepted, 13);
}

INSTANTIATE_TEST_SUITE_P(Keys, Matrix, testing::Values(R"(,"kid":"k")", ""), [](const auto& instance) {
  return std::string(instance.param.empty() ? "WithoutKid" : "WithKid");
});

TEST(Matrix, SecondNameOfEd25519IsTheSameAlgorithm) {
  const BoundKey& key = bound_key(Algorithm::eddsa);
  for (const char* name : {"EdDSA", "Ed25519"}) {
    EXPECT_TRUE(jws_verify(compact(header_saying(name, ""), payload, key), KeySet{{key.verifying}},
                           AlgorithmRule::of_the_keys())
                    .has_value())
        << name;
  }
  for (const char* name : {"Ed448", "ed25519", "EDDSA", "EdDsa", "ED25519"}) {
    const auto refused = jws_verify(compact(header_saying(name, ""), payload, key), KeySet{{key.verifying}},
                                    AlgorithmRule::of_the_keys());
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error().code, Errc::unsupported_algorithm) << name;
  }
}

// A verifier whose list leaves an algorithm out does not take it, though the key fits; with it in the list it does.
TEST(Matrix, AlgorithmOutsideTheListIsNotAllowed) {
  for (const BoundKey& key : bound_keys()) {
    const std::string token = compact(header_saying(key.name(), ""), payload, key);
    std::vector<Algorithm> others;
    for (const BoundKey& other : bound_keys()) {
      if (other.algorithm != key.algorithm) others.push_back(other.algorithm);
    }
    const auto refused = jws_verify(token, KeySet{{key.verifying}}, AlgorithmRule::only(others));
    ASSERT_FALSE(refused.has_value()) << key.name();
    EXPECT_EQ(refused.error().code, Errc::algorithm_not_allowed) << key.name();
    others.push_back(key.algorithm);
    EXPECT_TRUE(jws_verify(token, KeySet{{key.verifying}}, AlgorithmRule::only(others)).has_value()) << key.name();
    EXPECT_FALSE(jws_verify(token, KeySet{{key.verifying}}, AlgorithmRule::only({})).has_value())
        << "an empty list allows nothing";
  }
}

// All thirteen in one set under kids of their own: each token finds its key and no other.
TEST(Matrix, KeysOfOneSetKeepToTheirKids) {
  std::vector<VerificationKey> all;
  std::vector<std::string> kids;
  for (const BoundKey& key : bound_keys()) {
    const std::string kid = "kid-" + key.name();
    const SecretBytes written = jose::write_private_jwk(*key.material, key.algorithm, kid);
    const auto bytes = written.reveal(InsecureSecretAccess::get());
    const std::string_view jwk(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    all.push_back(SigningKey::from_jwk(jwk).value().verification_key());
    kids.push_back(kid);
  }
  const KeySet keys{all};
  for (std::size_t i = 0; i < kids.size(); ++i) {
    for (std::size_t j = 0; j < kids.size(); ++j) {
      const BoundKey& signer = bound_keys()[i];
      const std::string token = compact(header_saying(signer.name(), R"(,"kid":")" + kids[j] + "\""), payload, signer);
      EXPECT_EQ(jws_verify(token, keys, AlgorithmRule::of_the_keys()).has_value(), i == j)
          << kids[j] << " by " << signer.name();
    }
  }
}

}  // namespace
}  // namespace jeton::matrix
