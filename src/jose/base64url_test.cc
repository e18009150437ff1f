#include "jose/base64url.h"
#include "jose/base64url_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

namespace jeton::jose {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  const auto bytes = base64url::decode(text);
  if (!bytes) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

// RFC 4648 section 10, without padding.
TEST(Base64url, EncodesTheExamplesOfTheRfc) {
  EXPECT_EQ(base64url::encode(""), "");
  EXPECT_EQ(base64url::encode("f"), "Zg");
  EXPECT_EQ(base64url::encode("fo"), "Zm8");
  EXPECT_EQ(base64url::encode("foo"), "Zm9v");
  EXPECT_EQ(base64url::encode("foob"), "Zm9vYg");
  EXPECT_EQ(base64url::encode("fooba"), "Zm9vYmE");
  EXPECT_EQ(base64url::encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url::encode("\xff\xef\xbe"), "_---");
}

TEST(Base64url, WhatIsDecodedEncodesToTheSameText) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = base64url::encode(bytes);
    EXPECT_EQ(text.size(), base64url::encoded_size(bytes.size()));
    EXPECT_EQ(decoded(text), bytes);
    EXPECT_TRUE(base64url::is_canonical(text));
    std::vector<std::byte> plainly(bytes.size());
    EXPECT_TRUE(base64url::decode_plain(text, plainly.data()));
    EXPECT_TRUE(std::ranges::equal(plainly, std::as_bytes(std::span(bytes))));
  }
}

TEST(Base64url, EveryByteOutsideTheAlphabetIsRefusedAtEveryPlace) {
  const std::string good = "AAAABBBBCCA";
  for (std::size_t at = 0; at < good.size(); ++at) {
    int accepted = 0;
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[at] = static_cast<char>(byte);
      const bool ok = decoded(text).has_value();
      EXPECT_EQ(ok, base64url::is_canonical(text));
      std::vector<std::byte> out(base64url::decoded_size(text.size()));
      EXPECT_EQ(ok, base64url::decode_plain(text, out.data()));
      accepted += ok;
    }
    // The last character has two unused bits: every fourth is canonical.
    EXPECT_EQ(accepted, at + 1 == good.size() ? 16 : 64);
  }
}

TEST(Base64url, PaddingWhiteSpaceAndTheOtherAlphabetAreRefused) {
  for (const std::string_view text : {"Zg==", "Zg=", "Zm9v ", " Zm9v", "Zm9v\n", "Zm 9v", "Zm9v%3D", "+///", "Zm 8"}) {
    EXPECT_FALSE(decoded(text)) << text;
  }
  EXPECT_FALSE(decoded(std::string_view("Zm8\0", 4)));
  EXPECT_TRUE(decoded("Zm9v"));
}

TEST(Base64url, ALengthOfOneModuloFourIsRefused) {
  EXPECT_FALSE(decoded("A"));
  EXPECT_FALSE(decoded("AAAAA"));
  EXPECT_TRUE(decoded("AA"));
  EXPECT_TRUE(decoded("AAA"));
}

TEST(Base64url, UnusedBitsThatAreSetAreRefused) {
  EXPECT_TRUE(decoded("Zg"));
  EXPECT_FALSE(decoded("Zh"));
  EXPECT_TRUE(decoded("Zm8"));
  EXPECT_FALSE(decoded("Zm9"));
}

// Every way of decoding gives what the plain table gives, at every length, with a stranger at every place.
TEST(Base64url, TheFastWaysAgreeWithThePlainOne) {
  for (const auto blocks : {base64url::decode_blocks_avx2(), base64url::decode_blocks_vbmi()}) {
    if (blocks == nullptr) continue;
    std::mt19937_64 random(7);
    for (std::size_t size = 0; size <= 300; ++size) {
      std::string bytes(size / 4 * 3, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      const std::string text = base64url::encode(bytes);
      // Room for just what is meant: a byte too many is the sanitizer's to find.
      std::vector<std::byte> out(bytes.size());
      const std::size_t done = blocks(text.data(), text.size(), out.data());
      ASSERT_NE(done, base64url::refused_character);
      ASSERT_EQ(done % 4, 0u);
      ASSERT_LE(text.size() - done, 63u);
      EXPECT_TRUE(
          std::ranges::equal(std::span(out).first(done / 4 * 3), std::as_bytes(std::span(bytes)).first(done / 4 * 3)));
      for (std::size_t at = 0; at < done; ++at) {
        std::string wrong = text;
        wrong[at] = static_cast<char>(random() % 2 ? 0x80 | text[at] : "=+/ .@[`{,"[random() % 10]);
        EXPECT_EQ(blocks(wrong.data(), wrong.size(), out.data()), base64url::refused_character) << size << " " << at;
      }
    }
  }
}

}  // namespace
}  // namespace jeton::jose
