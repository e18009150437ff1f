#include "crypto/key_derivation.h"

#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

// RFC 5869 appendix A.1.
TEST(KeyDerivation, BasicCase) {
  const auto okm = hkdf_sha256(secret_from_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                               from_hex("000102030405060708090a0b0c"), text_of(from_hex("f0f1f2f3f4f5f6f7f8f9")), 42);
  EXPECT_EQ(to_hex(okm), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

// RFC 5869 appendix A.2: inputs longer than a block, output of three blocks.
TEST(KeyDerivation, LongerInputsAndOutputs) {
  std::string ikm, salt, info;
  for (int i = 0; i < 80; ++i) {
    ikm += static_cast<char>(i);
    salt += static_cast<char>(0x60 + i);
    info += static_cast<char>(0xb0 + i);
  }
  const auto okm = hkdf_sha256(SecretBytes::from_text(ikm), std::as_bytes(std::span(salt)), info, 82);
  EXPECT_EQ(
      to_hex(okm),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09"
      "b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

// RFC 5869 appendix A.3.
TEST(KeyDerivation, EmptySaltAndPurpose) {
  const auto okm = hkdf_sha256(secret_from_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), {}, "", 42);
  EXPECT_EQ(to_hex(okm), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(KeyDerivation, EachPurposeHasAKeyOfItsOwn) {
  const SecretBytes master = SecretBytes::random(32);
  EXPECT_NE(to_hex(hkdf_sha256(master, {}, "refresh", 32)), to_hex(hkdf_sha256(master, {}, "seal", 32)));
  EXPECT_EQ(to_hex(hkdf_sha256(master, {}, "seal", 32)), to_hex(hkdf_sha256(master, {}, "seal", 32)));
}

TEST(KeyDerivation, AsMuchAsTheStandardAllowsAndNoMore) {
  const SecretBytes master = SecretBytes::random(32);
  EXPECT_EQ(hkdf_sha256(master, {}, "p", 8160).size(), 8160u);
  EXPECT_EQ(hkdf_sha256(master, {}, "p", 0).size(), 0u);
  EXPECT_DEATH(hkdf_sha256(master, {}, "p", 8161), "");
}

}  // namespace
}  // namespace jeton::crypto
