// The cache never knows better than the verifier: whatever it answers, the verifier would answer too.
#include "bound_key.h"

#include <jeton/claims.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>
#include <jeton/token_cache.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

SigningKey hs256_key() { return SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "k").value(); }

std::string token_by(const SigningKey& key, std::string subject = "u") {
  return Signer{key, {.issuer = "https://id.example", .audiences = {"api"}, .lifetime = 15min}}
      .sign(Claims{std::move(subject)}, now)
      .value();
}

Verifier verifier_for(const SigningKey& key, std::string audience = "api") {
  return Verifier{{.issuer = "https://id.example",
                   .audience = AudienceRule::must_include(std::move(audience)),
                   .keys = KeySet{{key.verification_key()}}}};
}

TEST(TokenCacheAcrossRooms, SecondTimeIsAHitWithTheSameToken) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  const std::string token = token_by(key);
  TokenCache cache;
  const auto first = cache.verify(verifier, token, now), second = cache.verify(verifier, token, now);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->payload_json(), second->payload_json());
  EXPECT_EQ(cache.counts().hits, 1u);
  EXPECT_EQ(cache.counts().misses, 1u);
  EXPECT_EQ(cache.counts().entries, 1u);
}

TEST(TokenCacheAcrossRooms, HitPastExpIsExpired) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  const std::string token = token_by(key);
  TokenCache cache;
  ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
  EXPECT_TRUE(cache.verify(verifier, token, now + 899s).has_value());
  EXPECT_EQ(cache.verify(verifier, token, now + 900s).error().code, Errc::expired);
  EXPECT_EQ(cache.verify(verifier, token, now + 24h).error().code, Errc::expired);
}

TEST(TokenCacheAcrossRooms, HitBeforeNbfOrIatIsRefused) {
  const auto& key = matrix::bound_key(Algorithm::hs256);
  const Verifier verifier = verifier_for(key.signing);
  const std::string header = R"({"alg":"HS256","typ":"at+jwt","kid":"k"})";
  TokenCache cache;
  const std::string nbf =
      matrix::compact(header, R"({"iss":"https://id.example","aud":"api","exp":1700000900,"nbf":1700000000})", key);
  ASSERT_TRUE(cache.verify(verifier, nbf, now).has_value());
  EXPECT_EQ(cache.verify(verifier, nbf, now - 1s).error().code, Errc::not_yet_valid);
  const std::string iat =
      matrix::compact(header, R"({"iss":"https://id.example","aud":"api","exp":1700000900,"iat":1700000000})", key);
  ASSERT_TRUE(cache.verify(verifier, iat, now).has_value());
  EXPECT_EQ(cache.verify(verifier, iat, now - 1s).error().code, Errc::issued_in_future);
}

TEST(TokenCacheAcrossRooms, HitPastTheGreatestAgeIsTooOld) {
  const SigningKey key = hs256_key();
  const Verifier verifier{{.issuer = "https://id.example",
                           .audience = AudienceRule::must_include("api"),
                           .keys = KeySet{{key.verification_key()}},
                           .age_max = 60s}};
  const std::string token = token_by(key);
  TokenCache cache;
  ASSERT_TRUE(cache.verify(verifier, token, now + 60s).has_value());
  EXPECT_EQ(cache.verify(verifier, token, now + 61s).error().code, Errc::too_old);
}

TEST(TokenCacheAcrossRooms, TokenOfARemovedKeyIsRefusedByTheNewVerifier) {
  const SigningKey old_key = hs256_key(),
                   new_key = SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "k2").value();
  const Verifier before = verifier_for(old_key), after = verifier_for(new_key);
  const std::string token = token_by(old_key);
  TokenCache cache;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cache.verify(before, token, now).has_value());
  EXPECT_EQ(cache.verify(after, token, now).error().code, Errc::unknown_key);
}

TEST(TokenCacheAcrossRooms, TokenIsMeasuredByThePolicyOfTheVerifierThatAsks) {
  const SigningKey key = hs256_key();
  const std::string token = token_by(key);
  TokenCache cache;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cache.verify(verifier_for(key), token, now).has_value());
  EXPECT_EQ(cache.verify(verifier_for(key, "billing"), token, now).error().code, Errc::wrong_audience);
  const Verifier strict{{.issuer = "https://id.example",
                         .audience = AudienceRule::must_include("api"),
                         .keys = KeySet{{key.verification_key()}},
                         .typ = TypRule::must_be("JWT")}};
  EXPECT_EQ(cache.verify(strict, token, now).error().code, Errc::wrong_typ);
  EXPECT_NE(verifier_for(key).generation(), verifier_for(key).generation());
}

TEST(TokenCacheAcrossRooms, RefusedTokensAreNotKept) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  const std::string token = token_by(key);
  TokenCache cache;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(cache.verify(verifier, token.substr(0, token.size() - 2), now).has_value());
    EXPECT_FALSE(cache.verify(verifier, token, now + 900s).has_value());
    EXPECT_FALSE(cache.verify(verifier, "", now).has_value());
  }
  EXPECT_EQ(cache.counts().hits, 0u);
  EXPECT_EQ(cache.counts().entries, 0u);
}

// A hit is confirmed by all bytes: tokens that end alike are not mistaken for each other.
TEST(TokenCacheAcrossRooms, TokensThatEndAlikeAreToldApart) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  const std::string token = token_by(key);
  TokenCache cache;
  ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string other = token;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(cache.verify(verifier, other, now).has_value()) << i;
  }
  EXPECT_TRUE(cache.verify(verifier, token, now).has_value());
}

TEST(TokenCacheAcrossRooms, TokenHandedOutOutlivesCacheVerifierAndText) {
  const SigningKey key = hs256_key();
  std::optional<VerifiedToken> kept;
  {
    const std::string token = token_by(key, "someone");
    TokenCache cache;
    const Verifier verifier = verifier_for(key);
    ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
    kept = cache.verify(verifier, token, now).value();
    cache.clear();
    EXPECT_EQ(cache.counts().entries, 0u);
  }
  EXPECT_EQ(kept->subject(), "someone");
}

TEST(TokenCacheAcrossRooms, EntriesAreBounded) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  for (const std::size_t entries_max : {0u, 1u, 8u, 100u}) {
    TokenCache cache({.entries_max = entries_max});
    for (int i = 0; i < 600; ++i) {
      const std::string token = token_by(key, "u" + std::to_string(i));
      for (int twice = 0; twice < 2; ++twice) ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
    }
    EXPECT_LE(cache.counts().entries, entries_max);
    EXPECT_EQ(cache.counts().hits + cache.counts().misses, 1200u);
  }
}

TEST(TokenCacheAcrossRooms, OverlongTokensAreVerifiedEachTime) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  TokenCache cache({.token_bytes_max = 100});
  const std::string token = token_by(key);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache.verify(verifier, token, now).has_value());
  EXPECT_EQ(cache.counts().entries, 0u);
  EXPECT_EQ(cache.counts().hits, 0u);
}

TEST(TokenCacheAcrossRooms, FloodOfDistinctTokensDoesNotFlushWhatIsUsed) {
  const SigningKey key = hs256_key();
  const Verifier verifier = verifier_for(key);
  TokenCache cache({.entries_max = 1024});
  std::vector<std::string> used;
  for (int i = 0; i < 100; ++i) used.push_back(token_by(key, "used" + std::to_string(i)));
  for (int round = 0; round < 2; ++round) {
    for (const std::string& token : used) ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
  }
  for (int i = 0; i < 20'000; ++i)
    ASSERT_TRUE(cache.verify(verifier, token_by(key, "flood" + std::to_string(i)), now).has_value());
  const auto before = cache.counts().hits;
  for (const std::string& token : used) ASSERT_TRUE(cache.verify(verifier, token, now).has_value());
  EXPECT_GE(cache.counts().hits - before, 95u);
  EXPECT_LE(cache.counts().entries, 1024u);
}

// Eight threads, tokens of two verifiers, some expired, one thread that clears: run under the thread sanitizer too.
TEST(TokenCacheAcrossRooms, EightThreadsGetTheVerifiersAnswer) {
  const SigningKey key = hs256_key();
  const Verifier api = verifier_for(key), billing = verifier_for(key, "billing");
  std::vector<std::string> tokens;
  for (int i = 0; i < 64; ++i) tokens.push_back(token_by(key, "u" + std::to_string(i)));
  TokenCache cache({.entries_max = 64});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        const std::string& token = tokens[static_cast<std::size_t>((i * (t + 1)) % 64)];
        const auto good = cache.verify(api, token, now);
        if (!good || good->subject().empty()) ++wrong;
        const auto other = cache.verify(billing, token, now);
        if (other || other.error().code != Errc::wrong_audience) ++wrong;
        const auto late = cache.verify(api, token, now + 900s);
        if (late || late.error().code != Errc::expired) ++wrong;
        if (t == 0 && i % 500 == 0) cache.clear();
        if (cache.counts().entries > 64) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace jeton
