#include "crypto/totp.h"

#include <gtest/gtest.h>

#include <array>

namespace jeton::crypto {
namespace {

SecretBytes rfc_secret(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "1234567890";
  return SecretBytes::from_text(text.substr(0, bytes));
}

// RFC 6238 appendix B
TEST(Totp, GivesTheCodesOfTheRfc) {
  struct Row {
    std::int64_t seconds;
    const char *sha1, *sha256, *sha512;
  };
  constexpr std::array rows{
      Row{59, "94287082", "46119246", "90693936"},         Row{1111111109, "07081804", "68084774", "25091201"},
      Row{1111111111, "14050471", "67062674", "99943326"}, Row{1234567890, "89005924", "91819424", "93441116"},
      Row{2000000000, "69279037", "90698825", "38618901"}, Row{20000000000, "65353130", "77737706", "47863826"}};
  for (const Row& row : rows) {
    const std::int64_t step = row.seconds / totp_step_seconds;
    EXPECT_EQ(totp_code(rfc_secret(20), step, {.hash = TotpHash::sha1, .digits = 8}), row.sha1);
    EXPECT_EQ(totp_code(rfc_secret(32), step, {.hash = TotpHash::sha256, .digits = 8}), row.sha256);
    EXPECT_EQ(totp_code(rfc_secret(64), step, {.hash = TotpHash::sha512, .digits = 8}), row.sha512);
  }
}

// RFC 4226 appendix D
TEST(Totp, GivesTheHotpValuesOfTheRfc) {
  constexpr std::array codes{"755224", "287082", "359152", "969429", "338314",
                             "254676", "287922", "162583", "399871", "520489"};
  for (std::size_t i = 0; i < codes.size(); ++i)
    EXPECT_EQ(totp_code(rfc_secret(20), static_cast<std::int64_t>(i)), codes[i]);
}

TEST(Totp, OneStepOfDriftIsAcceptedAndTwoAreNot) {
  const SecretBytes secret = rfc_secret(20);
  for (const std::int64_t off : {-1, 0, 1})
    EXPECT_EQ(totp_step_of(secret, totp_code(secret, 1000 + off), 1000), 1000 + off);
  for (const std::int64_t off : {-2, 2}) EXPECT_FALSE(totp_step_of(secret, totp_code(secret, 1000 + off), 1000));
  for (const std::string_view bad : {"", "12345", "1234567", "abcdef", "      "})
    EXPECT_FALSE(totp_step_of(secret, bad, 1000));
}

// RFC 4648 section 10, less the padding
TEST(Totp, SecretsAreSpelledInBase32) {
  const auto of = [](std::string_view text) { return base32(std::as_bytes(std::span(text))); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "MY");
  EXPECT_EQ(of("fo"), "MZXQ");
  EXPECT_EQ(of("foo"), "MZXW6");
  EXPECT_EQ(of("foob"), "MZXW6YQ");
  EXPECT_EQ(of("fooba"), "MZXW6YTB");
  EXPECT_EQ(of("foobar"), "MZXW6YTBOI");
}

}  // namespace
}  // namespace jeton::crypto
