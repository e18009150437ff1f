#include "oauth/refresh_token.h"

#include "crypto/mac.h"
#include "jose/base64url.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jeton::oauth {
namespace {

SecretBytes secret_of(unsigned char first) {
  std::vector<std::byte> bytes(32);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(first + i);
  return SecretBytes(bytes);
}

std::vector<RefreshTokenKey> one_key(std::uint32_t id, unsigned char first) {
  std::vector<RefreshTokenKey> keys;
  keys.push_back({id, secret_of(first)});
  return keys;
}

RefreshTokenCodec codec_of(std::string issuer = "https://id.example.com", std::string epoch = "epoch-1") {
  return RefreshTokenCodec(std::move(issuer), std::move(epoch), one_key(7, 1));
}

RefreshToken sample(std::uint32_t generation = 3) {
  RefreshToken token{.key_id = 7, .handle = {}, .generation = generation};
  for (std::size_t i = 0; i < token.handle.size(); ++i) token.handle[i] = static_cast<std::byte>(i * 17);
  return token;
}

TEST(RefreshToken, ComesBackAsItWasWritten) {
  const RefreshTokenCodec codec = codec_of();
  for (const std::uint32_t generation : {0U, 1U, 255U, 256U, 65'536U, generation_max}) {
    const std::string text = codec.encode(sample(generation));
    EXPECT_EQ(text.size(), refresh_token_text_bytes);
    const auto back = codec.decode(text);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, sample(generation));
  }
  for (int round = 0; round < 200; ++round) {
    const RefreshToken token{.key_id = 7, .handle = random_handle(), .generation = static_cast<std::uint32_t>(round)};
    EXPECT_EQ(codec.decode(codec.encode(token)), token);
  }
}

// Written out once more by hand from the rule, so that a change of layout is seen.
TEST(RefreshToken, HasTheLayoutOfTheRule) {
  std::vector<std::byte> input;
  const auto number = [&input](std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) input.push_back(static_cast<std::byte>(value >> shift));
  };
  const auto text = [&](std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    for (const char c : value) input.push_back(static_cast<std::byte>(c));
  };
  text("jeton refresh token v1");
  text("https://id.example.com");
  text("epoch-1");
  const std::size_t preamble = input.size();
  number(7);
  for (const std::byte byte : sample().handle) input.push_back(byte);
  number(3);
  const crypto::Sha256 mac = crypto::hmac_sha256(secret_of(1), {input});
  std::vector<std::byte> bytes(input.begin() + static_cast<std::ptrdiff_t>(preamble), input.end());
  bytes.insert(bytes.end(), mac.begin(), mac.begin() + 16);
  EXPECT_EQ(codec_of().encode(sample()), "jrt1." + jose::base64url::encode(std::span<const std::byte>(bytes)));
}

TEST(RefreshToken, EveryFlippedBitIsRefused) {
  const RefreshTokenCodec codec = codec_of();
  const std::string text = codec.encode(sample());
  const auto bytes = jose::base64url::decode(std::string_view(text).substr(5));
  ASSERT_TRUE(bytes.has_value());
  for (std::size_t bit = 0; bit < bytes->size() * 8; ++bit) {
    auto changed = *bytes;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(codec.decode("jrt1." + jose::base64url::encode(std::span<const std::byte>(changed))).has_value())
        << "bit " << bit;
  }
}

// Property: what is accepted is exactly what encode writes; each other character at each place is refused.
TEST(RefreshToken, HasOneSpelling) {
  const RefreshTokenCodec codec = codec_of();
  const std::string text = codec.encode(sample());
  for (std::size_t place = 0; place < text.size(); ++place) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[place] = static_cast<char>(c);
      EXPECT_EQ(codec.decode(changed).has_value(), changed == text) << "place " << place << ", byte " << c;
    }
  }
}

TEST(RefreshToken, OtherLengthsAndPrefixesAreRefused) {
  const RefreshTokenCodec codec = codec_of();
  const std::string text = codec.encode(sample());
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(codec.decode(text.substr(0, length)).error(), RefreshTokenFault::malformed);
  }
  for (const std::string& changed :
       {text + "A", text + "=", text + "\n", " " + text, "JRT1." + text.substr(5), "jrt2." + text.substr(5),
        text.substr(5), text + std::string(1, '\0'), std::string(1 << 20, 'A')}) {
    EXPECT_EQ(codec.decode(changed).error(), RefreshTokenFault::malformed);
  }
}

TEST(RefreshToken, OfAnotherIssuerEpochOrKeyIsRefused) {
  const std::string text = codec_of().encode(sample());
  EXPECT_EQ(codec_of("https://other.example.com").decode(text).error(), RefreshTokenFault::bad_mac);
  EXPECT_EQ(codec_of("https://id.example.com", "epoch-2").decode(text).error(), RefreshTokenFault::bad_mac);
  const RefreshTokenCodec same_id("https://id.example.com", "epoch-1", one_key(7, 2));
  EXPECT_EQ(same_id.decode(text).error(), RefreshTokenFault::bad_mac);
  const RefreshTokenCodec other_id("https://id.example.com", "epoch-1", one_key(8, 1));
  EXPECT_EQ(other_id.decode(text).error(), RefreshTokenFault::unknown_key);
}

TEST(RefreshToken, MovingTextBetweenIssuerAndEpochChangesTheMac) {
  EXPECT_FALSE(codec_of("ab", "c").decode(codec_of("a", "bc").encode(sample())).has_value());
}

TEST(RefreshToken, OldKeysStillReadWhatTheyWrote) {
  std::vector<RefreshTokenKey> both = one_key(8, 2);
  both.push_back({7, secret_of(1)});
  const RefreshTokenCodec codec("https://id.example.com", "epoch-1", std::move(both));
  EXPECT_EQ(codec.decode(codec_of().encode(sample())), sample());
  RefreshToken newer = sample();
  newer.key_id = 8;
  EXPECT_EQ(codec.decode(codec.encode(newer)), newer);
}

TEST(RefreshToken, SidIsTheFirstHalfOfTheHandlesDigest) {
  // SHA-256 of sixteen zero bytes begins 374708fff7719dd5979ec875d56cd228.
  EXPECT_EQ(sid_text(sid_of(Handle{})), "N0cI__dxndWXnsh11WzSKA");
  EXPECT_NE(sid_of(random_handle()), sid_of(random_handle()));
}

}  // namespace
}  // namespace jeton::oauth
