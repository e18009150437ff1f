#include <jeton/guard.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {
namespace {

Routes routes_of(std::vector<Route> routes) {
  auto built = Routes::build(std::move(routes));
  if (!built) {
    for (const auto& fault : built.error()) ADD_FAILURE() << fault.route << ": " << fault.text;
    return Routes::everywhere({});
  }
  return *std::move(built);
}

// The route's name, or the code of the refusal.
std::string met_by(const Routes& routes, const RequestFacts& facts) {
  const auto route = routes.find(facts);
  return route ? (*route)->name : std::string(name_of(route.error().code));
}

std::vector<std::string> faults_of(std::vector<Route> routes) {
  std::vector<std::string> texts;
  const auto built = Routes::build(std::move(routes));
  if (!built) {
    for (const auto& fault : built.error()) texts.push_back(std::to_string(fault.route) + " " + fault.text);
  }
  return texts;
}

TEST(Routes, TheMoreSpecificPathIsMetWhateverTheOrder) {
  std::vector<Route> all{{.name = "rest", .match = {.path = "/v1/**"}},
                         {.name = "one", .match = {.path = "/v1/users/{id}"}},
                         {.name = "me", .match = {.path = "/v1/users/me"}},
                         {.name = "tracks", .match = {.path = "/v1/users/{id}/tracks"}}};
  for (int turn = 0; turn < 2; ++turn) {
    const Routes routes = routes_of(all);
    EXPECT_EQ(met_by(routes, {.path = "/v1/users/me"}), "me");
    EXPECT_EQ(met_by(routes, {.path = "/v1/users/u1"}), "one");
    EXPECT_EQ(met_by(routes, {.path = "/v1/users/u1/tracks"}), "tracks");
    EXPECT_EQ(met_by(routes, {.path = "/v1/users/me/tracks"}), "tracks");
    EXPECT_EQ(met_by(routes, {.path = "/v1/users/me/tracks/1"}), "rest");
    EXPECT_EQ(met_by(routes, {.path = "/v1"}), "rest");
    EXPECT_EQ(met_by(routes, {.path = "/v1/"}), "rest");
    EXPECT_EQ(met_by(routes, {.path = "/v1x"}), "no_route");
    EXPECT_EQ(met_by(routes, {.path = "/V1/users/me"}), "no_route");
    EXPECT_EQ(met_by(routes, {.path = "/"}), "no_route");
    std::ranges::reverse(all);
  }
}

TEST(Routes, ASlashAtTheEndAndAnEncodedLetterMeetTheSameRule) {
  const Routes routes = routes_of({{.name = "at", .match = {.path = "/users/@admin"}},
                                   {.name = "café", .match = {.path = "/café"}},
                                   {.name = "rest", .match = {.path = "/**"}}});
  for (const std::string_view path : {"/users/@admin", "/users/@admin/", "/users/%40admin", "/users/%40admin/"}) {
    EXPECT_EQ(met_by(routes, {.path = path}), "at") << path;
  }
  EXPECT_EQ(met_by(routes, {.path = "/caf%C3%A9"}), "café");
  EXPECT_EQ(met_by(routes, {.path = "/users/%40admin2"}), "rest");
  EXPECT_EQ(met_by(routes, {.path = "/users//@admin"}), "invalid_path");
  EXPECT_EQ(met_by(routes, {.path = "/users/%61dmin"}), "invalid_path");  // not canonical
}

TEST(Routes, ThereIsNoFallingThroughToALooserPath) {
  const Routes routes = routes_of(
      {{.name = "admin", .match = {.methods = {"GET"}, .path = "/admin"}}, {.name = "rest", .match = {.path = "/**"}}});
  EXPECT_EQ(met_by(routes, {.path = "/admin"}), "admin");
  EXPECT_EQ(met_by(routes, {.method = "HEAD", .path = "/admin"}), "admin");
  EXPECT_EQ(met_by(routes, {.method = "POST", .path = "/admin"}), "method_not_allowed");
  EXPECT_EQ(met_by(routes, {.method = "get", .path = "/admin"}), "method_not_allowed");
  EXPECT_EQ(met_by(routes, {.method = "POST", .path = "/other"}), "rest");
  EXPECT_EQ(routes.find({.method = "POST", .path = "/admin"}).error().expected, "GET, HEAD");
}

TEST(Routes, AQueryDecidesAmongTheRoutesOfAPath) {
  const Routes routes =
      routes_of({{.name = "plain", .match = {.path = "/stream"}},
                 {.name = "high", .match = {.path = "/stream", .query = {{"quality", {"high", "loss less"}}}}}});
  const auto met = [&](std::string_view query) { return met_by(routes, {.path = "/stream", .query = query}); };
  EXPECT_EQ(met(""), "plain");
  EXPECT_EQ(met("quality=low"), "plain");
  EXPECT_EQ(met("quality=high"), "high");
  EXPECT_EQ(met("a=1&quality=high&b"), "high");
  EXPECT_EQ(met("quality=%68igh"), "high");
  EXPECT_EQ(met("%71uality=high"), "high");
  EXPECT_EQ(met("quality=loss+less"), "high");
  EXPECT_EQ(met("quality=loss%20less"), "high");
  EXPECT_EQ(met("quality=higher"), "plain");
  EXPECT_EQ(met("quality"), "plain");
  EXPECT_EQ(met("quality=low&quality=high"), "ambiguous_query");
  EXPECT_EQ(met("quality=high&quality=high"), "ambiguous_query");
  EXPECT_EQ(met("quality=low;quality=high"), "ambiguous_query");
  EXPECT_EQ(met("quality=%zz"), "ambiguous_query");
  EXPECT_EQ(met("a=1&a=2"), "plain");
}

TEST(Routes, WhereTheMethodIsRightAndTheQueryIsNotThereIsNoRoute) {
  const Routes routes =
      routes_of({{.name = "high", .match = {.methods = {"GET"}, .path = "/stream", .query = {{"quality", {"high"}}}}}});
  EXPECT_EQ(met_by(routes, {.method = "GET", .path = "/stream", .query = "quality=high"}), "high");
  EXPECT_EQ(met_by(routes, {.method = "GET", .path = "/stream", .query = "quality=low"}), "no_route");
  EXPECT_EQ(met_by(routes, {.method = "POST", .path = "/stream", .query = "quality=high"}), "method_not_allowed");
}

// Frameworks differ about what is the same name; a request must not be let through because one of them reads less.
TEST(Routes, ANameThatSomeReadAsALookedAtOneIsAmbiguous) {
  const Routes routes = routes_of({{.name = "plain", .match = {.path = "/stream"}},
                                   {.name = "high", .match = {.path = "/stream", .query = {{"quality", {"high"}}}}},
                                   {.name = "list", .match = {.path = "/list", .query = {{"Ids[]", {}}}}},
                                   {.name = "all", .match = {.path = "/list"}}});
  const auto met = [&](std::string_view query, std::string_view path = "/stream") {
    return met_by(routes, {.path = path, .query = query});
  };
  for (const std::string_view name :
       {"Quality", "QUALITY", "quality[]", "quality[0]", "quality%5B%5D", "quality[", "[quality]", "%20quality",
        "+quality", "quality+", "qua%20lity", "%09quality", "quality%00", "quality%00x", "%00quality", "%51uality"}) {
    EXPECT_EQ(met(std::string(name) + "=high"), "ambiguous_query") << name;
    EXPECT_EQ(met("quality=low&" + std::string(name) + "=high"), "ambiguous_query") << name;
    EXPECT_EQ(met(std::string(name)), "ambiguous_query") << name;
  }
  for (const std::string_view name : {"qualit", "quality2", "quality.x", "x[quality]", "my_quality", "", "[]", "%00"}) {
    EXPECT_EQ(met(std::string(name) + "=high"), "plain") << name;
    EXPECT_EQ(met("quality=high&" + std::string(name) + "=1"), "high") << name;
  }
  const Routes named = routes_of({{.name = "plain", .match = {.path = "/stream"}},
                                  {.name = "high", .match = {.path = "/stream", .query = {{"bit_rate", {"320"}}}}}});
  for (const std::string_view name : {"bit.rate", "bit%20rate", "bit+rate", "bit[rate", "%2e%20bit", "++BIT.Rate"}) {
    const std::string query = std::string(name) + "=320";
    EXPECT_EQ(met_by(named, {.path = "/stream", .query = query}),
              name == "%2e%20bit" ? "plain" : "ambiguous_query")
        << name;
  }
  EXPECT_EQ(met_by(named, {.path = "/stream", .query = "bit-rate=320"}), "plain");
  EXPECT_EQ(met("Ids[]=1", "/list"), "list");
  EXPECT_EQ(met("Ids%5B%5D=1", "/list"), "list");
  EXPECT_EQ(met("ids=1", "/list"), "ambiguous_query");
  EXPECT_EQ(met("id=1", "/list"), "all");
}

// Of such a name lenient readers leave nothing, and nothing is like any other that they leave nothing of.
TEST(Routes, ANameOfBracketsAloneIsLikeNoOther) {
  const Routes routes = routes_of({{.name = "plain", .match = {.path = "/stream"}},
                                   {.name = "high", .match = {.path = "/stream", .query = {{"[]", {"1"}}}}}});
  const auto met = [&](std::string_view query) { return met_by(routes, {.path = "/stream", .query = query}); };
  EXPECT_EQ(met("[]=1"), "high");
  for (const std::string_view query : {"=1", "%20=1", "]=1", "a=1&=2"}) EXPECT_EQ(met(query), "plain") << query;
}

TEST(Routes, TheMoreSpecificHostIsMetFirst) {
  const Routes routes = routes_of({{.name = "any", .match = {.path = "/**"}},
                                   {.name = "star", .match = {.hosts = {"*.example.com"}, .path = "/**"}},
                                   {.name = "deep", .match = {.hosts = {"*.eu.example.com"}, .path = "/**"}},
                                   {.name = "api", .match = {.hosts = {"API.example.com"}, .path = "/v1"}},
                                   {.name = "six", .match = {.hosts = {"[::1]"}, .path = "/v1"}}});
  const auto met = [&](std::string_view host) { return met_by(routes, {.host = host, .path = "/v1"}); };
  EXPECT_EQ(met("api.example.com"), "api");
  EXPECT_EQ(met("Api.Example.COM:8443"), "api");
  EXPECT_EQ(met("api.example.com."), "api");
  EXPECT_EQ(met("x.example.com"), "star");
  EXPECT_EQ(met("x.y.example.com"), "star");
  EXPECT_EQ(met("x.eu.example.com"), "deep");
  EXPECT_EQ(met("example.com"), "any");
  EXPECT_EQ(met(".example.com"), "any");
  EXPECT_EQ(met("notexample.com"), "any");
  EXPECT_EQ(met("[::1]:80"), "six");
  EXPECT_EQ(met(std::string(300, 'a') + ".example.com"), "any");
  EXPECT_EQ(met_by(routes, {.host = "api.example.com", .path = "/v2"}), "star");
}

TEST(Routes, APatternWithOtherNamesIsTheSamePath) {
  const Routes routes = routes_of({{.name = "get", .match = {.methods = {"GET"}, .path = "/x/{id}"}},
                                   {.name = "put", .match = {.methods = {"PUT"}, .path = "/x/{name}/"}}});
  EXPECT_EQ(met_by(routes, {.path = "/x/1"}), "get");
  EXPECT_EQ(met_by(routes, {.method = "PUT", .path = "/x/1"}), "put");
  EXPECT_EQ(met_by(routes, {.method = "POST", .path = "/x/1"}), "method_not_allowed");
}

TEST(Routes, WhatCouldBeMeantInTwoWaysIsAFault) {
  EXPECT_EQ(faults_of({{.name = "a", .match = {.path = "/x/{id}"}}, {.name = "b", .match = {.path = "/x/{name}/"}}}),
            std::vector<std::string>{R"(1 is ambiguous: a request can meet it and "a", and neither is more specific)"});
  EXPECT_EQ(faults_of({{.name = "a", .match = {.methods = {"GET"}, .path = "/x"}},
                       {.name = "b", .match = {.path = "/x", .query = {{"q", {"1"}}}}}})
                .size(),
            1u);
  EXPECT_TRUE(faults_of({{.name = "a", .match = {.methods = {"GET"}, .path = "/x"}},
                         {.name = "b", .match = {.methods = {"GET", "POST"}, .path = "/x"}},
                         {.name = "c", .match = {.methods = {"GET"}, .path = "/x", .query = {{"q", {"1"}}}}},
                         {.name = "d", .match = {.methods = {"GET"}, .path = "/x", .query = {{"q", {"2"}}}}}})
                  .empty());
}

TEST(Routes, AllFaultsAreNamedAtOnce) {
  const auto parameters = [](int count) {
    std::string path;
    for (int i = 0; i < count; ++i) path += "/{p" + std::to_string(i) + "}";
    return path;
  };
  const std::vector<std::string> expected{
      R"(0 path "x" must begin with /)",
      R"(1 path "/a/**/b" has ** before its end)",
      R"(2 path "/a/../b" has a segment that is refused in every request)",
      R"(3 path "/a/{b}c" has a brace; a parameter is a whole segment)",
      R"(4 host "a:80" must be without a port)",
      R"(5 method "GE T" is no method)",
      R"(6 the path has no parameter {id})",
      R"(7 path "/{a}/{a}" has the parameter {a} twice)",
      R"(8 path "/a//b" has an empty segment)",
      "9 path \"" + parameters(17) + "\" has more than 16 parameters",
      R"(11 host "A.example" stands there twice)",
  };
  EXPECT_EQ(
      faults_of({{.match = {.path = "x"}},
                 {.match = {.path = "/a/**/b"}},
                 {.match = {.path = "/a/../b"}},
                 {.match = {.path = "/a/{b}c"}},
                 {.match = {.hosts = {"a:80"}, .path = "/1"}},
                 {.match = {.methods = {"GE T"}, .path = "/2"}},
                 {.match = {.path = "/3"}, .policy = {.conditions = {{{"sub"}, Condition::MatchesParameter{"id"}}}}},
                 {.match = {.path = "/{a}/{a}"}},
                 {.match = {.path = "/a//b"}},
                 {.match = {.path = parameters(17)}},
                 {.match = {.path = parameters(16)}},
                 {.match = {.hosts = {"a.example", "A.example"}, .path = "/4"}}}),
      expected);
}

TEST(Routes, HeadersThatPassClaimsAreKnownInEverySpelling) {
  const Routes routes = routes_of({{.policy = {.pass = {{{"sub"}, *HeaderName::of("X-Auth-User")}}}}});
  EXPECT_TRUE(routes.is_passed_header("x-auth-user"));
  EXPECT_TRUE(routes.is_passed_header("X_Auth_User"));
  EXPECT_TRUE(routes.is_passed_header("X.Auth-User"));
  EXPECT_TRUE(routes.is_passed_header("X-Auth!User"));
  EXPECT_FALSE(routes.is_passed_header("X-AuthUser"));
  EXPECT_FALSE(routes.is_passed_header("X-Auth-Users"));
}

TEST(HeaderField, NothingCanBeInjectedThroughAValue) {
  EXPECT_EQ(HeaderValue::of("u1\r\nX-Role: admin").text(), "u1%0D%0AX-Role: admin");
  EXPECT_EQ(HeaderValue::of("Jos\xc3\xa9, 100% ").text(), "Jos%C3%A9%2C 100%25%20");
  const std::vector<std::string_view> texts{"a,b", "c"};
  EXPECT_EQ(HeaderValue::joined(texts).text(), "a%2Cb,c");
}

TEST(HeaderField, NamesThatFrameAMessageOrCarryCredentialsAreNone) {
  for (const std::string_view name : {"Host", "content_length", "Transfer-Encoding", "Authorization", "Cookie", "X Y",
                                      "X:Y", "X\r\nY", "", "Connection"}) {
    EXPECT_FALSE(HeaderName::of(name).has_value()) << name;
  }
  EXPECT_TRUE(HeaderName::of("X-Auth-User").has_value());
}

}  // namespace
}  // namespace jeton
