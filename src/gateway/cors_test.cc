#include "gateway/cors.h"

#include "gateway/policy_file.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jeton::gateway {
namespace {

std::string policy_with(std::string_view cors, std::string_view defaults = "") {
  return "[defaults]\naudience = \"api\"\n" + std::string(defaults) +
         "[[issuer]]\nurl = \"https://id.example.com\"\n"
         "[[route]]\nname = \"tracks\"\nmatch = { path = \"/v1/tracks/{id}\", method = [\"GET\", \"PUT\"] }\n" +
         std::string(cors) + "[[route]]\nname = \"rest\"\nmatch = { path = \"/rest/**\" }\n";
}

PolicyFile file_with(std::string_view cors, std::string_view defaults = "") {
  auto file = parse_policy_file(policy_with(cors, defaults), "p.toml");
  EXPECT_TRUE(file.has_value()) << (file.has_value() ? "" : file.error().text());
  return *std::move(file);
}

std::string fault_of(std::string_view cors) {
  const auto file = parse_policy_file(policy_with(cors), "p.toml");
  return file.has_value() ? "" : file.error().text();
}

constexpr std::string_view app = "cors = { origins = [\"https://app.example.com\"] }\n";

struct Asked {
  std::string_view origin = "https://app.example.com", method = "GET", path = "/v1/tracks/7", by = "OPTIONS";
};
std::optional<Preflight> preflight(const PolicyFile& file, const Asked& asked) {
  CorsQuestion question;
  question.see("Origin", asked.origin);
  question.see("access-control-request-METHOD", asked.method);
  const RequestFacts facts{.method = asked.by, .host = "api.example.com", .path = asked.path};
  return preflight_of(file.routes, file.cors, facts, question);
}

TEST(Cors, PreflightIsForTheRouteOfTheMethodThatItAnnounces) {
  const PolicyFile file = file_with(app);
  const auto get = preflight(file, {});
  ASSERT_TRUE(get.has_value());
  EXPECT_EQ(get->route->name, "tracks");
  EXPECT_TRUE(get->is_allowed);
  EXPECT_EQ(get->methods, "GET, PUT");
  EXPECT_EQ(preflight(file, {.method = "HEAD"})->methods, "GET, PUT, HEAD");
  EXPECT_FALSE(preflight(file, {.method = "DELETE"}).has_value());         // no route
  EXPECT_FALSE(preflight(file, {.path = "/rest/x"}).has_value());          // no rule
  EXPECT_FALSE(preflight(file, {.path = "/v1/tracks/../x"}).has_value());  // no path
  EXPECT_FALSE(preflight(file, {.by = "GET"}).has_value());                // no preflight
  EXPECT_FALSE(preflight(file, {.method = "put"}).has_value());            // another method than PUT
  EXPECT_FALSE(preflight(file, {.method = "TRACE"}).has_value());
}

TEST(Cors, OnlyTheWholeOriginIsAllowed) {
  const PolicyFile file = file_with(app);
  for (const std::string_view other :
       {"null", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com:443",
        "https://app.example.com.evil.example", "https://evilapp.example.com", "https://app.example.com/",
        "https://APP.example.com", "HTTPS://app.example.com", "https://app.example.com https://evil.example",
        "https://app.example.com, https://evil.example", "https://evil.example#https://app.example.com",
        "https://app.example.com@evil.example", "app.example.com", "*"}) {
    const auto asked = preflight(file, {.origin = other});
    ASSERT_TRUE(asked.has_value()) << other;
    EXPECT_FALSE(asked->is_allowed) << other;
  }
  EXPECT_TRUE(preflight(file, {})->is_allowed);
  EXPECT_FALSE(preflight(file, {.origin = ""}).has_value());
}

TEST(Cors, WhatComesTwiceSaysNothing) {
  CorsQuestion question;
  question.see("Origin", "https://app.example.com");
  EXPECT_EQ(question.origin(), "https://app.example.com");
  question.see("ORIGIN", "https://app.example.com");
  EXPECT_EQ(question.origin(), "");
  question.see("Access-Control-Request-Method", "GET");
  question.see("Access-Control-Request-Method", "GET");
  EXPECT_EQ(question.requested_method(), "");
}

TEST(Cors, SettingsAreReadAndDefaultsHoldUntilARouteSaysOtherwise) {
  const std::string defaults =
      "cors = { origins = [\"https://app.example.com\"], headers = \"X-Team\", expose = [\"X-Total\", "
      "\"retry-after\"], "
      "max_age = \"1h\", credentials = true }\n";
  const PolicyFile file = file_with("cors = { origins = \"*\" }\n", defaults);
  ASSERT_EQ(file.cors.size(), 2U);
  EXPECT_TRUE(file.cors[0]->any_origin);
  EXPECT_FALSE(file.cors[0]->credentials);
  const http::CorsPolicy& usual = *file.cors[1];
  EXPECT_TRUE(usual.credentials);
  EXPECT_EQ(usual.max_age, std::chrono::hours(1));
  EXPECT_EQ(usual.request_headers, (std::vector<std::string>{"Authorization", "Content-Type", "X-Team"}));
  EXPECT_EQ(usual.exposed_headers, (std::vector<std::string>{"WWW-Authenticate", "Retry-After", "RateLimit",
                                                             "RateLimit-Policy", "X-Request-Id", "X-Total"}));
  EXPECT_EQ(file_with("cors = false\n", defaults).cors[0], nullptr);
  EXPECT_TRUE(file_with("").cors.empty());
}

TEST(Cors, EveryOriginIsAnsweredWithAStarAndNeverWithCredentials) {
  const PolicyFile file = file_with("cors = { origins = \"*\" }\n");
  EXPECT_TRUE(preflight(file, {.origin = "https://anybody.example"})->is_allowed);
  const auto fields = http::cors_fields(*file.cors[0], "https://anybody.example");
  EXPECT_EQ(fields[1], (std::pair<std::string, std::string>{"Access-Control-Allow-Origin", "*"}));
  for (const auto& [name, value] : fields) EXPECT_NE(name, "Access-Control-Allow-Credentials");
  http::CorsPolicy both = *file.cors[0];
  both.credentials = true;  // no file says so; and if one did, no page could read anything
  EXPECT_FALSE(both.allows("https://anybody.example"));
}

TEST(Cors, RulesThatMeanNothingAreFaults) {
  EXPECT_EQ(fault_of(app), "");
  for (const auto& [cors, said] : std::vector<std::pair<std::string, std::string>>{
           {"cors = { origins = \"*\", credentials = true }\n", "cookies"},
           {"cors = { origins = [\"*\", \"https://a.example\"] }\n", "stands alone"},
           {"cors = { origins = [\"null\"] }\n", "must be an origin"},
           {"cors = { origins = [\"https://*.example.com\"] }\n", "https://*.example.com"},
           {"cors = { origins = [\"https://app.example.com/\"] }\n", "must be spelled"},
           {"cors = { origins = [\"https://APP.example.com\"] }\n", "must be spelled"},
           {"cors = { origins = [\"https://app.example.com:443\"] }\n", "must be spelled"},
           {"cors = { }\n", "origins is missing"},
           {"cors = { origins = [] }\n", "origins"},
           {"cors = { orgins = [\"https://a.example\"] }\n", "did you mean origins"},
           {"cors = { origins = [\"https://a.example\"], headers = [\"X: 1\"] }\n", "no name of a header"},
           {"cors = { origins = [\"https://a.example\"], expose = [\"*\"] }\n", "no name of a header"},
           {"cors = true\n", "cors"}}) {
    EXPECT_NE(fault_of(cors).find(said), std::string::npos) << cors << fault_of(cors);
    EXPECT_NE(fault_of(cors).find("p.toml:"), std::string::npos) << cors;
  }
}

}  // namespace
}  // namespace jeton::gateway
