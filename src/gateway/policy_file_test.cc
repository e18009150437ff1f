#include "gateway/policy_file.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jeton::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view whole = R"(
[gateway]
listen = "127.0.0.1:8081"
trusted_proxies = []
[defaults]
audience = "api"
staleness = { max = "5s", then = "deny" }
streams = "until_expiry"
[[issuer]]
url = "https://id.example.com"
algorithms = ["ES256"]
feed = true
feed_key = "feed.json"
client_id = "gateway"
client_secret_file = "feed.secret"
introspection_endpoint = "https://id.example.com/oauth2/introspect"
introspection_max_age = "3s"
[[issuer]]
url = "partner"
jwks_file = "partner.json"
profile = "any"
[[upstream]]
name = "tracks"
servers = ["http://127.0.0.1:9000"]
health = { path = "/healthz", every = "3s" }
[[route]]
name = "high quality stream"
limit = { by = "sub", plan = { premium = "600/min", family = "1200/min" } }
staleness = { then = "introspect" }
pass = { sub = "X-Auth-User", "limits.audio" = "X-Limit" }
upstream = "tracks"
match = { host = "api.example.com", method = ["GET"], path = "/v1/tracks/{id}/stream", query = { quality = "high" } }
[route.require]
audience = ["api", "audio"]
issuer = "https://id.example.com"
scope = "a b"
plan = ["premium", "family"]
claims = { "limits.audio" = { at_least = 1 }, email_verified = true }
login = { max_age = "5m", acr = "mfa" }
[[route]]
name = "own"
match = { path = "/v1/users/{user}" }
upstream = "tracks"
errors = "rfc6750"
staleness = { then = "allow" }
streams = "until_closed"
pass = [{ claim = ["https://x.example/ids", "user"], header = "X-User" }]
[route.require]
audience = "any"
issuer = "partner"
claims = [{ claim = ["https://x.example/ids", "user"], parameter = "user" }]
[[route]]
name = "login"
match = { path = "/login" }
authentication = "forbidden"
upstream = "tracks"
)";

TEST(PolicyFile, AFileIsReadWhole) {
  const auto file = parse_policy_file(whole, "g.toml");
  ASSERT_TRUE(file.has_value()) << file.error().what;
  EXPECT_EQ(file->gateway.listen, "127.0.0.1:8081");
  ASSERT_EQ(file->issuers.size(), 2u);
  EXPECT_EQ(file->issuers[0].algorithms, std::vector{Algorithm::es256});
  EXPECT_EQ(file->issuers[0].leeway, 30s);
  EXPECT_EQ(file->issuers[0].introspection_endpoint, "https://id.example.com/oauth2/introspect");
  EXPECT_EQ(file->issuers[0].introspection_timeout, 1s);
  EXPECT_EQ(file->issuers[0].introspection_max_age, 3s);
  EXPECT_EQ(file->issuers[1].profile, Profile::any);
  ASSERT_EQ(file->upstreams.size(), 1u);
  EXPECT_EQ(file->upstreams[0].health_every, 3s);
  EXPECT_EQ(file->audiences, (std::vector<std::string>{"api", "audio"}));
  EXPECT_TRUE(file->any_audience);
  ASSERT_EQ(file->routes.all().size(), 3u);

  const Route& high = file->routes.all()[0];
  EXPECT_EQ(high.match.query.at(0).values, std::vector<std::string>{"high"});
  EXPECT_EQ(high.policy.scopes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(high.policy.conditions.size(), 2u);
  EXPECT_EQ(high.policy.login_age_max, 300s);
  EXPECT_EQ(high.policy.acr_values, std::vector<std::string>{"mfa"});
  EXPECT_EQ(high.policy.limits.at(0).name, "high quality stream");
  EXPECT_EQ(high.policy.staleness_max, 5s);
  EXPECT_EQ(high.policy.when_stale, WhenStale::introspect);
  EXPECT_EQ(high.policy.pass.size(), 2u);
  EXPECT_EQ(high.streams_until, StreamsUntil::expiry);

  const Route& own = file->routes.all()[1];
  EXPECT_TRUE(own.policy.audiences.empty());
  EXPECT_EQ(own.policy.errors, ErrorStyle::rfc6750);
  EXPECT_EQ(own.policy.staleness_max, 5s);
  EXPECT_EQ(own.policy.when_stale, WhenStale::allow);
  EXPECT_EQ(own.streams_until, StreamsUntil::closed);
  EXPECT_EQ(own.policy.conditions.at(0).claim, (ClaimPath{"https://x.example/ids", "user"}));
  EXPECT_EQ(file->routes.all()[2].policy.authentication, Authentication::forbidden);
}

// What is said of a text, one line each.
std::string said_of(std::string_view text) {
  const auto file = parse_policy_file(text, "g.toml");
  return file.has_value() ? "good" : file.error().what;
}

// The one issuer of the feed may be denied when it is stale; the one without a feed would never be.
std::string staleness_policy(std::string_view feed, std::string_view defaults, std::string_view route) {
  return "[defaults]\naudience = \"api\"\n" + std::string(defaults) +
         "\n[[issuer]]\nurl = \"https://id.example.com\"\n" + std::string(feed) +
         "\n[[route]]\nname = \"a\"\nmatch = { path = \"/a\" }\n" + std::string(route) + "\n";
}

// No revocation could end it for as long: an entry leaves the feed once the tokens that it concerns have expired.
TEST(PolicyFile, WhatLastsUntilItIsRevokedIsNoSetting) {
  const auto with_streams = [](std::string_view word) {
    return said_of("[defaults]\naudience = \"api\"\nstreams = \"" + std::string(word) +
                   "\"\n[[issuer]]\nurl = \"https://id.example.com\"\n" +
                   "[[route]]\nname = \"a\"\nmatch = { path = \"/a\" }\n");
  };
  EXPECT_EQ(with_streams("until_expiry"), "good");
  EXPECT_EQ(with_streams("until_closed"), "good");
  EXPECT_EQ(with_streams("until_revocation"),
            "g.toml:3: [defaults] streams must be one of \"until_expiry\", \"until_closed\", not "
            "\"until_revocation\"");
}

TEST(PolicyFile, DenyWhenStaleIsAFaultWhereAnIssuerHasNoFeed) {
  constexpr std::string_view feed = "feed = true\nfeed_key = \"f\"\nclient_id = \"c\"\nclient_secret_file = \"s\"";
  constexpr std::string_view deny = "staleness = { then = \"deny\" }", allow = "staleness = { then = \"allow\" }";
  EXPECT_EQ(said_of(staleness_policy(feed, "", deny)), "good");
  EXPECT_EQ(said_of(staleness_policy("", "", deny)),
            "g.toml:10: [[route]] staleness then = \"deny\" is no rule for the issuer \"https://id.example.com\", "
            "which has no feed: set feed = true there, or then = \"allow\" here, or admit other issuers");
  EXPECT_NE(said_of(staleness_policy("", "", "staleness = { then = \"introspect\" }")), "good");
  EXPECT_NE(said_of(staleness_policy("", deny, "")), "good") << "also what the route has from [defaults]";
  EXPECT_EQ(said_of(staleness_policy("", deny, allow)), "good");
  EXPECT_EQ(said_of(staleness_policy("", deny, "authentication = \"forbidden\"")), "good");
  const std::string partner = "[[issuer]]\nurl = \"partner\"\njwks_file = \"p.json\"\n";
  EXPECT_NE(said_of(partner + staleness_policy(feed, "", deny)), "good") << "the route takes every issuer";
  const std::string only = std::string(deny) + "\nrequire = { issuer = \"https://id.example.com\" }";
  EXPECT_EQ(said_of(partner + staleness_policy(feed, "", only)), "good");
}

TEST(PolicyFile, AllFaultsAreNamedAtOnceByLine) {
  EXPECT_EQ(said_of(R"([gateway]
lisen = "127.0.0.1:8081"
forward_auth = "8082"
[[issuer]]
url = "http://id.example.com"
profile = "jetton"
algorithms = ["ES257"]
[[upstream]]
name = "tracks"
servers = ["127.0.0.1:9000"]
[[route]]
name = "a"
match = { path = "/a", metod = "GET" }
require = { audience = "api", plans = "pro" }
upstream = "trakcs"
[[route]]
name = "b"
match = { path = "/a" }
[[rute]]
)"),
            R"(g.toml:2: [gateway] lisen is not a setting; did you mean listen?
g.toml:3: [gateway] forward_auth must be HOST:PORT, such as "127.0.0.1:8081", not "8082"
g.toml:5: [[issuer]] url must begin with https://, or name this machine
g.toml:6: [[issuer]] profile is "jetton"; did you mean "jeton"?
g.toml:7: [[issuer]] algorithms holds "ES257", which is no algorithm that Jeton knows
g.toml:10: [[upstream]] servers holds "127.0.0.1:9000"; expected http://HOST:PORT or https://HOST:PORT
g.toml:13: [[route]] match metod is not a setting; did you mean method?
g.toml:14: [[route]] require plans is not a setting; did you mean plan?
g.toml:15: [[route]] upstream "trakcs" is not an [[upstream]]. Did you mean tracks?
g.toml:16: [[route]] require is missing: for whom must tokens be made? At least require = { audience = "…" }
g.toml:16: [[route]] is ambiguous: a request can meet it and "a", and neither is more specific
g.toml:19: rute is not a setting; did you mean route?)");
}

TEST(PolicyFile, WhatWouldBeSilentlyWeakerIsRefused) {
  const auto with_route = [](const std::string& route) {
    return said_of("[[issuer]]\nurl=\"https://i.example\"\n[[route]]\nname=\"r\"\nmatch={path=\"/{id}\"}\n" + route);
  };
  EXPECT_EQ(with_route(R"(require={audience="api"})"), "good");
  EXPECT_EQ(with_route(R"(require={audience=[]})"),
            "g.toml:6: [[route]] require audience must be a text in quotes or a list of them, not an empty list\n"
            "g.toml:6: [[route]] require names no audience; \"any\" is for tokens that were made for anybody");
  EXPECT_EQ(with_route(R"(require={audience="api",role=""})"), "g.toml:6: [[route]] require role must not be empty");
  EXPECT_EQ(with_route(R"(require={audience="api",plan=["pro",""]})"),
            "g.toml:6: [[route]] require plan must not hold an empty text");
  EXPECT_EQ(with_route(R"(require={audience=["any","api"]})"),
            "g.toml:6: [[route]] require names the audience \"any\" beside others; it stands alone");
  EXPECT_EQ(with_route(R"(require={audience="api",claims={a={}}})"),
            "g.toml:6: [[route]] require claims \"a\" has no test; there are equals, one_of, at_least, contains and "
            "parameter");
  EXPECT_EQ(with_route(R"(require={audience="api",claims={a={one_of=[]}}})"),
            "g.toml:6: [[route]] require claims \"a\" one_of must be a list of texts, whole numbers, true or false, "
            "with something in it");
  EXPECT_EQ(with_route(R"(require={audience="api",claims={a={parameter="user"}}})"),
            "g.toml:3: [[route]] the path has no parameter {user}");
  EXPECT_EQ(with_route(R"(require={audience="api",claims={"a..b"=1}})"),
            "g.toml:6: [[route]] require claims \"a..b\" names no claim: one to four segments with a dot between");
  EXPECT_EQ(with_route(R"(require={audience="api",issuer="https://j.example"})"),
            "g.toml:6: [[route]] issuer \"https://j.example\" is not an [[issuer]]. Did you mean https://i.example?");
  EXPECT_EQ(with_route("require={audience=\"api\"}\npass={sub=\"Authorization\"}"),
            "g.toml:7: [[route]] pass sub \"Authorization\" is no header that a claim can be passed on in: letters, "
            "digits and -, and none that frames, routes or authorizes a request");
  EXPECT_EQ(with_route("authentication=\"forbidden\"\nrequire={role=\"admin\"}"),
            "g.toml:3: [[route]] demands something of a token, or passes its claims on, and forbids to have one");
  EXPECT_EQ(with_route("require={audience=\"api\"}\nlimit={by=\"sub\"}"),
            "g.toml:7: [[route]] limit must have one of rate, plan and claim");
  EXPECT_EQ(with_route("require={audience=\"api\"}\nlimit={rate=\"600 a minute\"}").substr(0, 30),
            "g.toml:7: [[route]] limit rate");
}

// Found by fuzz/policy_file.cc: a name or value with a line end in it began a line of its own.
TEST(PolicyFile, AFaultIsOneLineWhateverTheFileHolds) {
  EXPECT_EQ(
      said_of("[gateway]\n\"lis\\nten\" = 1\n[[route]]\nname=\"r\"\nmatch={path=\"/\"}\nauthentication=\"x\\ny\"\n"),
      "g.toml:2: [gateway] lis?ten is not a setting; did you mean listen?\n"
      "g.toml:3: [[route]] require is missing: for whom must tokens be made? At least require = { audience = \"…\" }\n"
      "g.toml:6: [[route]] authentication must be one of \"required\", \"optional\", \"forbidden\", not \"x?y\"");
  EXPECT_EQ(said_of("x = [t\n]"), "g.toml:1: Error while parsing boolean: expected 'true', saw 't?'");
}

TEST(PolicyFile, LimitsAreSharedThroughAServerWithItsSecrets) {
  const auto with_gateway = [](std::string_view settings) {
    return parse_policy_file(
        "[gateway]\n" + std::string(settings) +
            "\n[[route]]\nname = \"r\"\nmatch = { path = \"/a\" }\nauthentication = \"forbidden\"\n",
        "g.toml");
  };
  const auto file = with_gateway(R"(shared_limits = "unix:/run/valkey.sock"
shared_limits_secret = "s"
shared_limits_user = "u"
shared_limits_password = "p"
shared_limits_prefix = "edge"
shared_limits_away = "refuse")");
  ASSERT_TRUE(file.has_value()) << file.error().what;
  EXPECT_EQ(file->gateway.shared_limits_password, "p");
  EXPECT_EQ(file->gateway.shared_limits_prefix, "edge");
  EXPECT_TRUE(file->gateway.shared_limits_refuse);
  EXPECT_FALSE(
      with_gateway("shared_limits = \"redis://h\"\nshared_limits_secret = \"s\"").value().gateway.shared_limits_refuse);
  for (const std::string_view wrong :
       {R"(shared_limits = "redis://h")", R"(shared_limits = "redis://:p@h"
shared_limits_secret = "s")",
        R"(shared_limits_secret = "s")", R"(shared_limits_away = "refuse")", R"(shared_limits = "redis://h"
shared_limits_secret = "s"
shared_limits_user = "u")",
        R"(shared_limits = "redis://h"
shared_limits_secret = "s"
shared_limits_away = "deny")"}) {
    EXPECT_FALSE(with_gateway(wrong).has_value()) << wrong;
  }
}

TEST(PolicyFile, WithoutRoutesOrIssuersItIsNone) {
  EXPECT_EQ(said_of("[gateway]\n"), "g.toml:1: there is no [[route]], so every request would be refused");
  EXPECT_EQ(said_of("[[route]]\nname=\"r\"\nmatch={path=\"/\"}\nrequire={audience=\"a\"}\n"),
            "g.toml:1: there is no [[issuer]], so no token would be good");
  EXPECT_EQ(said_of("[[route]]\nname=\"r\"\nmatch={path=\"/\"}\nauthentication=\"forbidden\"\n"), "good");
  EXPECT_EQ(said_of("x =").substr(0, 9), "g.toml:1:");
}

TEST(PolicyFile, AskingAnIssuerThatCannotBeAskedIsAFault) {
  std::string text(whole);
  const std::string endpoint = "introspection_endpoint = \"https://id.example.com/oauth2/introspect\"\n";
  const auto with = [&](const std::string& other) {
    std::string changed = text;
    return said_of(changed.replace(changed.find(endpoint), endpoint.size(), other));
  };
  EXPECT_EQ(with(endpoint), "good");
  EXPECT_NE(with("").find("cannot ask the issuer \"https://id.example.com\""), std::string::npos) << with("");
  EXPECT_NE(with("").find("introspection_max_age is for an introspection_endpoint"), std::string::npos);
  EXPECT_NE(with("introspection_endpoint = \"http://id.example.com/i\"\n").find("https://"), std::string::npos);
  const std::string plain = "[[issuer]]\nurl = \"partner\"\njwks_file = \"p.json\"\n" + endpoint +
                            "[[route]]\nname = \"r\"\nmatch = { path = \"/\" }\nrequire = { audience = \"a\" }\n";
  EXPECT_NE(said_of(plain).find("client_secret_file is missing"), std::string::npos) << said_of(plain);
}

TEST(PolicyFile, UpstreamGetsAuthorizationAndNoRefreshTokensUnlessItIsSaidOtherwise) {
  const auto plain = parse_policy_file(whole, "g.toml");
  ASSERT_TRUE(plain.has_value());
  EXPECT_TRUE(plain->upstreams[0].pass_authorization);
  EXPECT_FALSE(plain->upstreams[0].pass_refresh_cookies);
  std::string text(whole);
  const std::string_view name = "name = \"tracks\"\n";
  text.insert(text.find(name) + name.size(), "pass_authorization = false\npass_refresh_cookies = true\n");
  const auto said = parse_policy_file(text, "g.toml");
  ASSERT_TRUE(said.has_value());
  EXPECT_FALSE(said->upstreams[0].pass_authorization);
  EXPECT_TRUE(said->upstreams[0].pass_refresh_cookies);
}

}  // namespace
}  // namespace jeton::gateway
