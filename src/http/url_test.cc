#include "http/url.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

TEST(Url, AddressIsTakenApart) {
  const auto url = parse_url("https://ID.example.com/.well-known/jwks.json?a=b");
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "id.example.com");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/.well-known/jwks.json?a=b");
  EXPECT_EQ(url->authority(), "id.example.com");
}

TEST(Url, PortAndBracketsAreKept) {
  const auto url = parse_url("http://[::1]:8080");
  ASSERT_TRUE(url.has_value());
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->target, "/");
  EXPECT_EQ(url->authority(), "[::1]:8080");
  EXPECT_EQ(parse_url("https://g?x")->target, "/?x");
}

TEST(Url, MalformedAddressIsRefused) {
  for (const char* text : {"",
                           "g",
                           "/a",
                           "ftp://g/",
                           "file:///etc/passwd",
                           "https://",
                           "https:///a",
                           "https://u:p@g/",
                           "https://g/a b",
                           "https://g/\r\nX: y",
                           "https://g/#a",
                           "https://g:/",
                           "https://g:0/",
                           "https://g:65536/",
                           "https://g:8o/",
                           "https://[::1/",
                           "https://[g]/",
                           "https://g%2f/",
                           "https://g\\h/",
                           "https://\xc3\xa9/",
                           "https://g:80:80/",
                           "javascript:alert(1)"}) {
    EXPECT_FALSE(parse_url(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace jeton::http
