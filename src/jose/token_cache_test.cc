#include <jeton/signer.h>
#include <jeton/token_cache.h>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

const SigningKey& key() {
  static const SigningKey made = SigningKey::generate(Algorithm::hs256);
  return made;
}

Verifier verifier_for(std::string audience = "api") {
  return Verifier{{.issuer = "i",
                   .audience = AudienceRule::must_include(std::move(audience)),
                   .keys = KeySet({key().verification_key()})}};
}

std::string fresh_token() {
  static const Signer signer{key(), {.issuer = "i", .audiences = {"api"}, .lifetime = 900s}};
  return signer.sign(Claims{"u"}, now).value();
}

TEST(TokenCache, ASecondLookIsAHitWithTheSameAnswer) {
  TokenCache cache;
  const Verifier verifier = verifier_for();
  const std::string token = fresh_token();
  const auto first = cache.verify(verifier, token, now);
  const auto second = cache.verify(verifier, token, now);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->payload_json().data(), second->payload_json().data());  // shared, not parsed again
  EXPECT_EQ(cache.counts().hits, 1u);
  EXPECT_EQ(cache.counts().misses, 1u);
}

TEST(TokenCache, AHitEndsAtExp) {
  TokenCache cache;
  const Verifier verifier = verifier_for();
  const std::string token = fresh_token();
  ASSERT_TRUE(cache.verify(verifier, token, now + 899s));
  EXPECT_EQ(cache.verify(verifier, token, now + 900s).error().code, Errc::expired);
  EXPECT_EQ(cache.verify(verifier, token, now - 1s).error().code, Errc::issued_in_future);
}

TEST(TokenCache, AnotherVerifierSeesNothingOfIt) {
  TokenCache cache;
  const std::string token = fresh_token();
  ASSERT_TRUE(cache.verify(verifier_for(), token, now));
  EXPECT_EQ(cache.verify(verifier_for("billing"), token, now).error().code, Errc::wrong_audience);
  const Verifier without_keys{{.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet{}}};
  EXPECT_EQ(cache.verify(without_keys, token, now).error().code, Errc::unknown_key);
  EXPECT_EQ(cache.counts().hits, 0u);
}

TEST(TokenCache, RefusedTokensAreNotKept) {
  TokenCache cache;
  const Verifier verifier = verifier_for();
  std::string token = fresh_token();
  token.back() = token.back() == 'A' ? 'E' : 'A';
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(cache.verify(verifier, token, now));
  EXPECT_EQ(cache.counts().entries, 0u);
}

TEST(TokenCache, OneChangedByteAnywhereIsAMiss) {
  TokenCache cache;
  const Verifier verifier = verifier_for();
  const std::string token = fresh_token();
  ASSERT_TRUE(cache.verify(verifier, token, now));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] ^= 1;
    EXPECT_FALSE(cache.verify(verifier, changed, now)) << i;
  }
  EXPECT_EQ(cache.counts().hits, 0u);
}

TEST(TokenCache, AFloodOfDistinctTokensDoesNotFlushWhatIsUsed) {
  TokenCache cache{{.entries_max = 64}};
  const Verifier verifier = verifier_for();
  std::vector<std::string> used;
  for (int i = 0; i < 8; ++i) used.push_back(fresh_token());
  for (int round = 0; round < 2; ++round) {
    for (const std::string& token : used) ASSERT_TRUE(cache.verify(verifier, token, now));
  }
  const auto before = cache.counts();
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(cache.verify(verifier, fresh_token(), now));
  EXPECT_LE(cache.counts().entries, 64u);
  const auto flooded = cache.counts();
  for (const std::string& token : used) ASSERT_TRUE(cache.verify(verifier, token, now));
  EXPECT_GT(cache.counts().hits - flooded.hits, 6u) << before.hits;
}

TEST(TokenCache, AFloodByOneVerifierDoesNotFlushWhatAnotherUses) {
  TokenCache cache{{.entries_max = 64}};
  const Verifier verifier = verifier_for(), flooding = verifier_for();
  std::vector<std::string> used;
  for (int i = 0; i < 8; ++i) used.push_back(fresh_token());
  for (int round = 0; round < 2; ++round) {
    for (const std::string& token : used) ASSERT_TRUE(cache.verify(verifier, token, now));
  }
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(cache.verify(flooding, fresh_token(), now));
  const auto flooded = cache.counts();
  for (const std::string& token : used) ASSERT_TRUE(cache.verify(verifier, token, now));
  EXPECT_GT(cache.counts().hits - flooded.hits, 6u);
}

TEST(TokenCache, AFullCacheHoldsAllThatWasPromised) {
  TokenCache cache{{.entries_max = 104}};  // no power of two
  const Verifier verifier = verifier_for();
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(cache.verify(verifier, fresh_token(), now));
  EXPECT_EQ(cache.counts().entries, 104u);
}

// The cache's copy is another object than the one it was made of, and both are read alike.
TEST(TokenCache, WhatIsRememberedSaysAllThatTheTokenSays) {
  TokenCache cache;
  const Verifier verifier{{.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = [] {
                             const auto named = SigningKey::from_secret(
                                 SecretBytes::from_text("0123456789abcdefghijklmnopqrstuv"), Algorithm::hs256, "a kid");
                             return KeySet({named->verification_key()});
                           }()}};
  const auto key = SigningKey::from_secret(SecretBytes::from_text("0123456789abcdefghijklmnopqrstuv"), Algorithm::hs256,
                                           "a kid");
  Claims said("\xc3\xa9\"u\\");
  said.with("email", "u@example.com").with("roles", {"developer", "team_lead"}).with("scope", "read write");
  for (std::size_t padding = 0; padding < 20; ++padding) {  // whatever the length, nodes behind the text are aligned
    said.with("team", std::string(padding, 't'));
    const std::string token =
        Signer(*key, {.issuer = "i", .audiences = {"api"}, .lifetime = 900s}).sign(said, now).value();
    const auto alone = verifier.verify(token, now);
    const auto first = cache.verify(verifier, token, now), again = cache.verify(verifier, token, now);
    ASSERT_TRUE(alone && first && again);
    for (const auto& remembered : {*first, *again}) {
      EXPECT_EQ(remembered.payload(), alone->payload());
      EXPECT_EQ(remembered.payload_json(), alone->payload_json());
      EXPECT_EQ(remembered.issuer(), "i");
      EXPECT_EQ(remembered.subject(), "\xc3\xa9\"u\\");
      EXPECT_EQ(remembered.token_id(), alone->token_id());
      EXPECT_EQ(remembered.client_id(), alone->client_id());
      EXPECT_EQ(remembered.session_id(), alone->session_id());
      EXPECT_TRUE(remembered.has_scope("write"));
      EXPECT_EQ(remembered.key_id(), "a kid");
      EXPECT_EQ(remembered.algorithm(), Algorithm::hs256);
      EXPECT_EQ(remembered.expires_at(), alone->expires_at());
    }
  }
}

TEST(TokenCache, ATokenOutlivesTheCacheThatHandedItOut) {
  const std::string token = fresh_token();
  const Verifier verifier = verifier_for();
  std::optional<VerifiedToken> kept;
  {
    TokenCache cache;
    ASSERT_TRUE(cache.verify(verifier, token, now));
    kept = cache.verify(verifier, token, now).value();
    cache.clear();
    EXPECT_EQ(cache.counts().entries, 0u);
    ASSERT_TRUE(cache.verify(verifier, token, now));
  }
  EXPECT_EQ(kept->subject(), "u");
}

TEST(TokenCache, ACacheOfOnePlaceIsACache) {
  for (const std::size_t places : {0u, 1u, 5u, 7u}) {
    TokenCache cache{{.entries_max = places}};
    const Verifier verifier = verifier_for();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(cache.verify(verifier, fresh_token(), now));
    EXPECT_EQ(cache.counts().entries, places);
  }
}

TEST(TokenCache, ItStaysWithinItsBounds) {
  TokenCache cache{{.entries_max = 16}};
  const Verifier verifier = verifier_for();
  std::vector<std::string> tokens;
  for (int i = 0; i < 200; ++i) tokens.push_back(fresh_token());
  for (int round = 0; round < 3; ++round) {
    for (const std::string& token : tokens) {
      ASSERT_TRUE(cache.verify(verifier, token, now));
      ASSERT_TRUE(cache.verify(verifier, token, now));
    }
  }
  EXPECT_LE(cache.counts().entries, 16u);
  EXPECT_GT(cache.counts().evictions, 0u);
  cache.clear();
  EXPECT_EQ(cache.counts().entries, 0u);
}

TEST(TokenCache, ManyThreadsGetTheSameAnswers) {
  TokenCache cache{{.entries_max = 32}};
  const Verifier verifier = verifier_for();
  std::vector<std::string> tokens;
  for (int i = 0; i < 64; ++i) tokens.push_back(fresh_token());
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 2000; ++i) {
        const auto token = cache.verify(verifier, tokens[(i * 7 + static_cast<std::size_t>(t)) % tokens.size()], now);
        if (!token || token->subject() != "u") ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace jeton
