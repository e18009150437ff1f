// The keys that the RFCs print, read as JWKs: which are taken, which are refused and why, and their thumbprints.
#include "vector_file.h"

#include <jeton/algorithm.h>
#include <jeton/key.h>
#include <jeton/key_set.h>

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace jeton {
namespace {

using vectors::Block;

class KeyVector : public testing::TestWithParam<Block> {
 protected:
  const Block& block() const { return GetParam(); }
  std::string jwk() const { return std::string(block().value("jwk")); }
  std::optional<Algorithm> algorithm() const {
    return block().has("alg") ? algorithm_named(block().value("alg")) : std::nullopt;
  }
};

template <class T>
std::string_view outcome_of(const Result<T>& result) {
  return result ? "ok" : name_of(result.error().code);
}

TEST_P(KeyVector, PrivateKeyIsTakenOrRefused) {
  const auto key = SigningKey::from_jwk(jwk(), algorithm());
  EXPECT_TRUE(vectors::is_one_of(outcome_of(key), block().value("private")))
      << outcome_of(key) << " at " << block().place();
}

TEST_P(KeyVector, PublicKeyIsTakenOrRefused) {
  const auto key = VerificationKey::from_jwk(jwk(), algorithm());
  EXPECT_TRUE(vectors::is_one_of(outcome_of(key), block().value("public")))
      << outcome_of(key) << " at " << block().place();
}

TEST_P(KeyVector, ThumbprintIsThatOfRfc7638) {
  if (!block().has("thumbprint")) return;
  const auto print = thumbprint(jwk());
  ASSERT_TRUE(print.has_value()) << block().place();
  EXPECT_EQ(*print, block().value("thumbprint")) << block().place();
}

TEST_P(KeyVector, PublicPartOfAPrivateKeyIsTakenAndKeepsItsThumbprint) {
  const auto key = SigningKey::from_jwk(jwk(), algorithm());
  if (!key || is_symmetric(key->algorithm())) return;
  const std::string written = key->verification_key().to_jwk();
  const auto again = VerificationKey::from_jwk(written);
  ASSERT_TRUE(again.has_value()) << block().place();
  EXPECT_EQ(again->to_jwk(), written);
  EXPECT_EQ(again->algorithm(), key->algorithm());
  EXPECT_EQ(thumbprint(written), thumbprint(jwk()));
  EXPECT_EQ(written.find("\"d\""), std::string::npos);
}

TEST_P(KeyVector, PublishedSetSaysTheSame) {
  KeySetOptions options;
  if (const auto chosen = algorithm()) options.algorithms_without_alg = {*chosen};
  const auto set = KeySet::parse("{\"keys\":[" + jwk() + "]}", options);
  ASSERT_TRUE(set.has_value()) << block().place();
  const bool usable = set->size() == 1 && set->entries()[0].refusal.empty();
  const bool conflicting =
      block().has("alg") && VerificationKey::from_jwk(jwk()).has_value();  // the curve decides in a set
  if (!conflicting) {
    EXPECT_EQ(usable, block().value("public") == "ok") << block().place();
  }
  if (usable) {
    EXPECT_FALSE(set->entries()[0].algorithms.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Rfc, KeyVector, testing::ValuesIn(vectors::read_blocks("keys.vec")),
                         [](const auto& instance) { return std::string(instance.param.value("key")); });

TEST(KeyVectors, SetOfRfc7517A1HasOneKeyForSignaturesAndOneRefused) {
  std::string keys;
  for (const Block& block : vectors::read_blocks("keys.vec")) {
    if (block.value("key") == "rfc7517_a1_ec") keys = block.value("jwk");
    if (block.value("key") == "rfc7517_a1_rsa") keys.append(",").append(block.value("jwk"));
  }
  const auto set = KeySet::parse("{\"keys\":[" + keys + "]}");
  ASSERT_TRUE(set.has_value());
  ASSERT_EQ(set->size(), 2u);
  EXPECT_EQ(set->entries()[0].kid, "1");
  ASSERT_EQ(set->entries()[0].refusal.size(), 1u);
  EXPECT_EQ(set->entries()[0].refusal[0].code, Errc::key_not_for_signatures);
  EXPECT_EQ(set->entries()[1].kid, "2011-04-29");
  EXPECT_EQ(set->entries()[1].algorithms, std::vector{Algorithm::rs256});
}

}  // namespace
}  // namespace jeton
