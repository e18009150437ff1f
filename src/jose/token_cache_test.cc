#include <jeton/signer.h>
#include <jeton/token_cache.h>

#include <gtest/gtest.h>

#include <chrono>
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
