#include "jose/key_parts.h"

#include <jeton/key_set.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

namespace jeton {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

const crypto::PublicKey* key_of(const KeySet& set, std::size_t entry) {
  return &KeyParts::crypto_key(set.entries()[entry].keys.front());
}

std::string token_of(const SigningKey& key) {
  return Signer(key, {.issuer = "https://id.example", .audiences = {"api"}}).sign(Claims{"dev_1"}, now).value();
}

Verifier verifier_of(const KeySet& keys) {
  return Verifier({.issuer = "https://id.example", .audience = AudienceRule::must_include("api"), .keys = keys});
}

TEST(KeySetPrecompute, TokensVerifyWithTablesAsWithout) {
  const SigningKey mine = SigningKey::generate(Algorithm::es256), other = SigningKey::generate(Algorithm::es256);
  const SigningKey rsa = SigningKey::generate(Algorithm::rs256);
  const KeySet plain({mine.verification_key(), rsa.verification_key()});
  const KeySet fast = plain.precompute();
  EXPECT_EQ(plain.precomputed(), 0u);
  EXPECT_EQ(fast.precomputed(), 1u);
  EXPECT_EQ(fast.to_jwks(), plain.to_jwks());
  EXPECT_EQ(key_of(fast, 1), key_of(plain, 1));
  const Verifier verifier = verifier_of(fast);
  for (const SigningKey& key : {mine, rsa}) EXPECT_TRUE(verifier.verify(token_of(key), now).has_value());
  std::string forged = token_of(mine);
  forged[forged.size() - 20] = forged[forged.size() - 20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(verifier.verify(forged, now).error().code, Errc::bad_signature);
  EXPECT_EQ(verifier.verify(token_of(other), now).error().code, Errc::unknown_key);
  EXPECT_EQ(verifier.verify(token_of(mine), now + std::chrono::hours{1}).error().code, Errc::expired);
}

TEST(KeySetPrecompute, AReloadedSetTakesTablesOver) {
  const SigningKey kept = SigningKey::generate(Algorithm::es256), gone = SigningKey::generate(Algorithm::es256),
                   fresh = SigningKey::generate(Algorithm::es256);
  const KeySet first = KeySet({kept.verification_key(), gone.verification_key()}).precompute();
  const std::string text = KeySet({fresh.verification_key(), kept.verification_key()}).to_jwks();
  const KeySet second = KeySet::parse(text).value().precompute(first);
  EXPECT_EQ(second.precomputed(), 2u);
  EXPECT_EQ(key_of(second, 1), key_of(first, 0));
  EXPECT_NE(key_of(second, 0), key_of(first, 1));
  EXPECT_EQ(key_of(first.precompute(), 0), key_of(first, 0));
  EXPECT_TRUE(verifier_of(second).verify(token_of(kept), now).has_value());
  EXPECT_TRUE(verifier_of(second).verify(token_of(fresh), now).has_value());
  EXPECT_EQ(verifier_of(second).verify(token_of(gone), now).error().code, Errc::unknown_key);
}

// The same point under another name is another entry with the same table; the same name with another point is not.
TEST(KeySetPrecompute, ATableBelongsToThePointAndNotToItsName) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const std::string jwk = key.verification_key().to_jwk();
  const auto named = [](std::string text, std::string_view kid) {
    const std::size_t at = text.find("\"kid\":\"") + 7;
    return text.replace(at, text.find('"', at) - at, kid);
  };
  const KeySet first = KeySet::parse(named(jwk, "a")).value().precompute();
  const KeySet renamed = KeySet::parse(named(jwk, "b")).value().precompute(first);
  EXPECT_EQ(key_of(renamed, 0), key_of(first, 0));
  EXPECT_EQ(renamed.entries()[0].keys[0].kid(), "b");
  const std::string other = SigningKey::generate(Algorithm::es256).verification_key().to_jwk();
  const KeySet replaced = KeySet::parse(named(other, "a")).value().precompute(first);
  EXPECT_EQ(replaced.precomputed(), 1u);
  EXPECT_NE(key_of(replaced, 0), key_of(first, 0));
}

TEST(KeySetPrecompute, TablesAreLimited) {
  std::vector<VerificationKey> keys;
  for (int i = 0; i < 4; ++i) keys.push_back(SigningKey::generate(Algorithm::es256).verification_key());
  const KeySet set(keys);
  Limits limits;
  limits.precomputed_keys_max = 2;
  const KeySet some = set.precompute({}, limits);
  EXPECT_EQ(some.precomputed(), 2u);
  EXPECT_FALSE(key_of(some, 2)->is_precomputed());
  EXPECT_EQ(some.precompute(some, limits).precomputed(), 2u);
  limits.precomputed_keys_max = 0;
  EXPECT_EQ(set.precompute({}, limits).precomputed(), 0u);
  EXPECT_EQ(Limits{}.precomputed_keys_max, 16u);
}

TEST(KeySetPrecompute, EmptyAndRefusedSetsStayWhatTheyAre) {
  EXPECT_EQ(KeySet().precompute().size(), 0u);
  EXPECT_EQ(KeySet().precomputed(), 0u);
  const KeySet refused = KeySet::parse(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})").value();
  ASSERT_FALSE(refused.entries().front().refusal.empty());
  const KeySet same = refused.precompute();
  EXPECT_EQ(same.precomputed(), 0u);
  EXPECT_FALSE(same.entries().front().refusal.empty());
  EXPECT_TRUE(same.was_single_jwk());
}

}  // namespace
}  // namespace jeton
