#include "platform/nearest_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace jeton::platform {
namespace {

const std::vector<std::string> commands{"generate", "import", "jwks", "thumbprint", "check"};

TEST(NearestName, SlipsOfTheHandAreUnderstood) {
  EXPECT_EQ(nearest_name("genrate", commands), "generate");
  EXPECT_EQ(nearest_name("chekc", commands), "check");
  EXPECT_EQ(nearest_name("JWKS", commands), "jwks");
  EXPECT_EQ(nearest_name("imports", commands), "import");
}

TEST(NearestName, SomethingElseIsNotGuessedAt) {
  EXPECT_EQ(nearest_name("serve", commands), "");
  EXPECT_EQ(nearest_name("x", commands), "");
  EXPECT_EQ(nearest_name("", commands), "");
  EXPECT_EQ(nearest_name(std::string(10'000, 'a'), commands), "");
}

TEST(NearestName, ShortNamesDifferByOneAtMost) {
  const std::vector<std::string> names{"RS256", "ES256", "HS256"};
  EXPECT_EQ(nearest_name("ES265", names), "ES256");
  EXPECT_EQ(nearest_name("ed", std::vector<std::string>{"key"}), "");
}

TEST(NearestName, QuestionEndsTheSentence) {
  EXPECT_EQ(did_you_mean("chek", commands), " Did you mean check?");
  EXPECT_EQ(did_you_mean("zzz", commands), "");
}

}  // namespace
}  // namespace jeton::platform
