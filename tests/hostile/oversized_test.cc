// What is too large is refused before a byte of it is read. The bytes lie behind a page that ends whoever touches it.
#include "judge.h"
#include "protected_text.h"
#include "token_forge.h"

#include <jeton/jws.h>
#include <jeton/token_cache.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

namespace jeton::hostile {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

TEST(OversizedDeathTest, TouchingAProtectedByteEndsTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const ProtectedText text(8193, 0);
  EXPECT_DEATH(std::cerr << static_cast<int>(text.text()[0]), "");
}

TEST(Oversized, TokenOfOneMebibyteIsRefusedWithoutReadingAByte) {
  const ProtectedText token(1 << 20, 0);
  const Verifier verifier = verifier_for({});
  const auto refused = verifier.verify(token.text(), now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::token_too_large);
}

TEST(Oversized, OneByteTooManyIsRefusedWithoutReadingAByte) {
  const ProtectedText token(default_limits.token_bytes_max + 1, 0);
  const auto refused = verifier_for({}).verify(token.text(), now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::token_too_large);
}

TEST(Oversized, CacheReadsNoByteOfAnOversizedTokenEither) {
  const ProtectedText token(1 << 20, 0);
  TokenCache cache;
  const auto refused = cache.verify(verifier_for({}), token.text(), now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::token_too_large);
}

TEST(Oversized, JwsAndPeekReadNoByteEither) {
  const ProtectedText token(1 << 20, 0);
  const auto payload = jws_verify(token.text(), {}, AlgorithmRule::of_the_keys());
  ASSERT_FALSE(payload.has_value());
  EXPECT_EQ(payload.error().code, Errc::token_too_large);
  const auto header = untrusted_header_peek(token.text());
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, Errc::token_too_large);
}

TEST(Oversized, KeySetBeyondItsLimitIsRefusedWithoutReadingAByte) {
  const ProtectedText set(default_limits.jwks_bytes_max + 1, 0);
  const auto refused = KeySet::parse(set.text());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::key_set_too_large);
}

// The twin: at the limit a token is read, and never beyond its last byte.
TEST(Oversized, TokenAtTheLimitIsReadAndNotBeyond) {
  const ProtectedText token(default_limits.token_bytes_max, default_limits.token_bytes_max);
  const auto refused = verifier_for({}).verify(token.text(), now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::malformed_token);
}

// A million dots stop at the size; as many as fit stop at the count.
TEST(Oversized, DotsUpToTheLimitAreMalformed) {
  ProtectedText token(default_limits.token_bytes_max, default_limits.token_bytes_max);
  std::fill_n(token.begin(), default_limits.token_bytes_max, '.');
  const auto refused = verifier_for({}).verify(token.text(), now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::malformed_token);
}

// Every cut of a good token, with nothing readable behind it: no parser runs past the end.
TEST(Oversized, NoCutOfAGoodTokenIsReadBeyondItsEnd) {
  Case plain;
  const Verifier verifier = verifier_for(plain);
  const std::string token = forge_token(plain);
  ASSERT_TRUE(verifier.verify(token, now).has_value());
  for (std::size_t size = 0; size < token.size(); ++size) {
    ProtectedText cut(size, size);
    std::copy_n(token.begin(), size, cut.begin());
    ASSERT_FALSE(verifier.verify(cut.text(), now).has_value()) << size;
  }
}

}  // namespace
}  // namespace jeton::hostile
