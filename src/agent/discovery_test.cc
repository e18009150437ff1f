#include "agent/discovery.h"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

TEST(Discovery, AsksWhereTheRfcsSay) {
  using Two = std::array<std::string, 2>;
  EXPECT_EQ(metadata_addresses("https://as.example"), (Two{"https://as.example/.well-known/oauth-authorization-server",
                                                           "https://as.example/.well-known/openid-configuration"}));
  EXPECT_EQ(metadata_addresses("https://as.example/"), metadata_addresses("https://as.example"));
  EXPECT_EQ(metadata_addresses("https://as.example/tenant/1"),
            (Two{"https://as.example/.well-known/oauth-authorization-server/tenant/1",
                 "https://as.example/tenant/1/.well-known/openid-configuration"}));
}

TEST(Discovery, MetadataOfTheIssuerIsBelieved) {
  const auto read =
      read_metadata(R"({"issuer":"https://as.example","jwks_uri":"https://keys.example/jwks"})", "https://as.example");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->jwks_uri, "https://keys.example/jwks");
}

TEST(Discovery, OfAnotherIssuerOrWithoutAnAddressThatMayBeFetchedItIsNot) {
  for (const char* body :
       {R"({"issuer":"https://as.example/","jwks_uri":"https://as.example/jwks"})",
        R"({"issuer":"https://evil.example","jwks_uri":"https://as.example/jwks"})",
        R"({"jwks_uri":"https://as.example/jwks"})", R"({"issuer":["https://as.example"],"jwks_uri":"https://a.b/"})",
        R"({"issuer":"https://as.example"})", R"({"issuer":"https://as.example","jwks_uri":7})",
        R"({"issuer":"https://as.example","jwks_uri":"http://as.example/jwks"})",
        R"({"issuer":"https://as.example","jwks_uri":"http://127.0.0.1/jwks"})",
        R"({"issuer":"https://as.example","jwks_uri":"file:///etc/passwd"})", "[]", "", "<html>"}) {
    EXPECT_FALSE(read_metadata(body, "https://as.example").has_value()) << body;
  }
}

TEST(Discovery, PlainHttpIsForAnIssuerThatIsPlainItself) {
  const char* body = R"({"issuer":"http://127.0.0.1:80","jwks_uri":"http://127.0.0.1/jwks"})";
  EXPECT_TRUE(read_metadata(body, "http://127.0.0.1:80").has_value());
  const char* elsewhere = R"({"issuer":"http://127.0.0.1:80","jwks_uri":"http://127.0.0.1:81/jwks"})";
  EXPECT_FALSE(read_metadata(elsewhere, "http://127.0.0.1:80").has_value());
}

}  // namespace
}  // namespace jeton::agent
