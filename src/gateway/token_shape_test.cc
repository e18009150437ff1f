#include "gateway/token_shape.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::gateway {
namespace {

constexpr char token[] = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln-bmF0_dXJl";

TEST(TokenShape, TokensAreWrittenAsOneWordAndTheRestStays) {
  const std::string one = token;
  EXPECT_EQ(without_tokens("/v1/tracks/" + one), "/v1/tracks/[token]");
  EXPECT_EQ(without_tokens("/a/" + one + "/b/" + one), "/a/[token]/b/[token]");
  EXPECT_EQ(without_tokens("/a/t=" + one + ":x"), "/a/t=[token]:x");
  EXPECT_EQ(without_tokens("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."), "[token]") << "without a signature";
  EXPECT_EQ(without_tokens("eyJ.a.b.c.d"), "[token]") << "an encrypted one has five parts";
  EXPECT_TRUE(holds_token(one));
  for (const char* const text : {"", "/v1/tracks/7", "/eyJ/x.y", "/eyJhbGci.one", "/v1/a.b.c", "6b1f0c55a2d34e11-17"}) {
    EXPECT_EQ(without_tokens(text), text);
    EXPECT_FALSE(holds_token(text)) << text;
  }
}

}  // namespace
}  // namespace jeton::gateway
