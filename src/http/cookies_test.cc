#include "http/cookies.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

using Values = std::vector<std::string_view>;

TEST(Cookies, AreFoundByTheirWholeName) {
  Headers headers;
  headers.add("Cookie", "a=1; __Host-jeton=good; xx__Host-jeton=2; __Host-jetonx=3; __host-jeton=4");
  EXPECT_EQ(cookies_named(headers, "__Host-jeton"), Values{"good"});
  EXPECT_EQ(cookies_named(headers, "a"), Values{"1"});
  EXPECT_EQ(cookies_named(headers, "b"), Values{});
}

TEST(Cookies, EveryOneOfANameIsSeenOverAllHeaders) {
  Headers headers;
  headers.add("Cookie", "a=1; a=2");
  headers.add("COOKIE", ";;; a = 3 ;b;=4;a=5=6");
  EXPECT_EQ(cookies_named(headers, "a"), (Values{"1", "2", "3", "5=6"}));
}

// The attributes, one by one: F12 of the hostile rows.
TEST(Cookies, AHostCookieHasEveryAttributeAndNoDomain) {
  const std::string text = set_cookie_text({.name = "__Host-x", .value = "abc", .max_age = std::chrono::seconds(60)});
  EXPECT_EQ(text, "__Host-x=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(set_cookie_text({.name = "x", .value = "", .max_age = std::chrono::seconds(0), .secure = false}),
            "x=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict");
}

}  // namespace
}  // namespace jeton::http
