#include "cli/user_import.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jeton::cli {
namespace {

constexpr std::string_view hash = "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";

std::string line(std::string_view rest) {
  return R"({"email":"Ada@Example.com","passwordHash":")" + std::string(hash) + '"' + std::string(rest) + '}';
}
std::string objection(std::string_view text) {
  const auto user = read_import_line(text);
  return user.has_value() ? "" : user.error();
}

TEST(UserImport, ALineIsAUser) {
  const auto least = read_import_line(line(""));
  ASSERT_TRUE(least.has_value());
  EXPECT_EQ(least->user.email, "Ada@Example.com");
  EXPECT_EQ(least->user.email_key, "ada@example.com");
  EXPECT_EQ(least->user.password_hash, hash);
  EXPECT_EQ(least->user.claims_json, "{}");
  EXPECT_TRUE(least->user.sub.starts_with("usr_"));
  EXPECT_FALSE(least->email_verified || least->disabled);
  const auto whole =
      read_import_line(line(R"(,"sub":"auth0|7","emailVerified":true,"disabled":true,"claims":{"plan":"pro"})"));
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->user.sub, "auth0|7");
  EXPECT_EQ(whole->user.claims_json, R"({"plan":"pro"})");
  EXPECT_TRUE(whole->email_verified && whole->disabled);
}

TEST(UserImport, WhatIsWrongIsNamed) {
  EXPECT_EQ(objection("[]"), "not one JSON object");
  EXPECT_EQ(objection(R"({"email":"a@b"})"), "passwordHash is missing");
  EXPECT_EQ(objection(R"({"email":"nobody","passwordHash":"x"})"), "email is no address");
  EXPECT_EQ(objection(R"({"email":"a@b","passwordHash":"x"})"), "passwordHash: hash: of a format that is not known");
  EXPECT_EQ(
      objection(R"({"email":"a@b","passwordHash":"$2b$17$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."})"),
      "passwordHash: bcrypt: cost 17 is above 14");
  EXPECT_EQ(objection(line(R"(,"email_verified":true)")), "email_verified is not a member of a user");
  EXPECT_EQ(objection(line(R"(,"disabled":"yes")")), "emailVerified and disabled must be true or false");
  EXPECT_EQ(objection(line(R"(,"sub":"a b")")), "sub must be 1 to 255 visible ASCII characters");
  EXPECT_EQ(objection(line(R"(,"claims":[])")), "claims is no object");
  EXPECT_NE(objection(line(R"(,"claims":{"password":"x"})")), "");
}

}  // namespace
}  // namespace jeton::cli
