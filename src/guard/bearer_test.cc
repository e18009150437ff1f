#include <jeton/guard.h>

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace jeton {
namespace {

constexpr Errc accepted{};

Errc refusal(const RequestFacts& facts) {
  const auto token = extract_bearer(facts);
  return token ? accepted : token.error().code;
}

Errc of_header(std::string_view value) {
  const std::vector<std::string_view> values{value};
  return refusal({.authorization = values});
}

TEST(Bearer, TheTokenIsWhatStandsBehindTheSchemeAndOneSpace) {
  const std::vector<std::string_view> values{" Bearer a.b.c\t"};
  EXPECT_EQ(extract_bearer({.authorization = values}), "a.b.c");
}

TEST(Bearer, WhatHoldsMoreThanOneTokenIsMalformed) {
  EXPECT_EQ(of_header("Bearer a.b.c"), accepted);
  for (const std::string_view value :
       {"Bearer  a.b.c", "Bearer a.b.c d.e.f", "Bearer a.b.c,d.e.f", "Bearer a.b.c, Bearer d.e.f", "Bearer \ta.b.c"}) {
    EXPECT_EQ(of_header(value), Errc::malformed_token) << value;
  }
}

TEST(Bearer, AnotherSchemeIsNoToken) {
  EXPECT_EQ(of_header("bEARER a.b.c"), accepted);
  for (const std::string_view value :
       {"", "Bearer", "Bearer ", "Basic a.b.c", "Bearers a.b.c", "Beare a.b.c", "a.b.c"}) {
    EXPECT_EQ(of_header(value), Errc::missing_token) << value;
  }
}

TEST(Bearer, OnlyTheWholeNameIsATokenInAQuery) {
  const std::vector<std::string_view> values{"Bearer a.b.c"};
  for (const std::string_view query :
       {"access_token=x", "a=1&access_token", "acces%73_token=x", "%61ccess_token=x", "access_toke%6e"}) {
    EXPECT_EQ(refusal({.query = query}), Errc::misplaced_token) << query;
    EXPECT_EQ(refusal({.form_body = query}), Errc::misplaced_token) << query;
    EXPECT_EQ(refusal({.query = query, .authorization = values}), Errc::multiple_tokens) << query;
  }
  for (const std::string_view query :
       {"access_tokem=x", "xccess_token=x", "access_toke=x", "access_tokens=x", "", "&&", "ACCESS_TOKEN=x",
        "acces%7_token=x", "access_toke%6", "access_toke%zz", "x=access_token"}) {
    EXPECT_EQ(refusal({.query = query, .authorization = values}), accepted) << query;
    EXPECT_EQ(refusal({.query = query}), Errc::missing_token) << query;
  }
  EXPECT_EQ(refusal({.query = "access_token=x", .form_body = "access_token=x"}), Errc::multiple_tokens);
}

}  // namespace
}  // namespace jeton
