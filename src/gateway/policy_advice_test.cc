#include "gateway/policy_advice.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::gateway {
namespace {

std::string advice(const std::string& text) {
  const auto file = parse_policy_file(text, "g.toml");
  if (!file.has_value()) return file.error().text();
  std::string all;
  for (const std::string& one : advice_on(*file)) all += one + "\n";
  return all;
}

const std::string issuer = "[[issuer]]\nurl = \"https://id.example.com\"\nprofile = \"access_token\"\n";
const std::string route = "[[route]]\nname = \"r\"\nmatch = { path = \"/\" }\nrequire = { audience = \"a\" }\n";
const std::string upstream = "[[upstream]]\nname = \"u\"\nservers = [\"http://127.0.0.1:9\"]\n";

TEST(PolicyAdvice, AFileThatMeansWhatItSaysGetsNone) {
  EXPECT_EQ(advice(issuer + route), "");
  EXPECT_EQ(advice("[gateway]\nlisten = \"127.0.0.1:1\"\n" + issuer + upstream + route +
                   "upstream = \"u\"\nlimit = { rate = \"3 concurrent\" }\n"),
            "");
}

TEST(PolicyAdvice, ConcurrentRequestsAreNotCountedByForwardAuth) {
  const std::string said =
      advice("[gateway]\nforward_auth = \"127.0.0.1:1\"\n" + issuer + route + "limit = { rate = \"3 concurrent\" }\n");
  EXPECT_TRUE(said.starts_with("[[route]] r: its limit of concurrent requests is without effect")) << said;
  EXPECT_EQ(advice("[gateway]\nforward_auth = \"127.0.0.1:1\"\n" + issuer + route + "limit = { rate = \"3/s\" }\n"),
            "");
}

TEST(PolicyAdvice, WhatNobodyMeetsOrNamesIsSaid) {
  EXPECT_EQ(advice(issuer + upstream + route), "[[upstream]] u: no route leads to it\n");
  EXPECT_EQ(advice(issuer + "[[issuer]]\nurl = \"partner\"\njwks_file = \"p\"\nprofile = \"any\"\n" + route +
                   "[[route]]\nname = \"s\"\nmatch = { path = \"/s\" }\nrequire = { audience = \"a\", issuer = "
                   "\"partner\" }\n"),
            "");
  EXPECT_EQ(advice(issuer + "[[issuer]]\nurl = \"partner\"\njwks_file = \"p\"\nprofile = \"any\"\n" +
                   "[[route]]\nname = \"s\"\nmatch = { path = \"/s\" }\nrequire = { audience = \"a\", issuer = "
                   "\"partner\" }\n"),
            "[[issuer]] https://id.example.com: no route admits its tokens\n");
  EXPECT_EQ(advice(issuer + route +
                   "[[route]]\nname = \"t\"\nmatch = { path = \"/t\", method = [\"TRACE\"] }\n"
                   "authentication = \"forbidden\"\n"),
            "[[route]] t: no request meets it, since TRACE is passed on by no gateway\n");
}

TEST(PolicyAdvice, WhatIsTrustedTooMuchIsSaid) {
  EXPECT_EQ(advice("[gateway]\ntrusted_proxies = [\"0.0.0.0/0\"]\n" + issuer + route),
            "[gateway] trusted_proxies holds 0.0.0.0/0: whoever calls may say who the client is\n");
  EXPECT_EQ(advice("[[issuer]]\nurl = \"https://id.example.com\"\n" + route),
            "[[issuer]] https://id.example.com: its feed is not heard, so what it revokes is good until its exp\n");
}

}  // namespace
}  // namespace jeton::gateway
