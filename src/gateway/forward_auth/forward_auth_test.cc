#include "gateway/forward_auth/forward_auth.h"

#include "gateway/decision_recorder.h"
#include "http/server.h"
#include "http/test_peer.h"
#include "platform/log.h"

#include <jeton/claims.h>
#include <jeton/key.h>
#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;

constexpr UnixTime noon = from_unix_seconds(1'700'000'000);

struct StoppedClock final : platform::ClockSource {
  std::chrono::sys_time<std::chrono::milliseconds> now() const override { return noon; }
};

Routes routes() {
  const PassedClaim subject{.claim = {"sub"}, .header = *HeaderName::of("X-Auth-User")};
  const PassedClaim roles{.claim = {"roles"}, .header = *HeaderName::of("X-Auth-Roles")};
  auto built = Routes::build({
      {.name = "tracks", .match = {.path = "/v1/tracks/{id}"}, .policy = {.pass = {subject, roles}}},
      {.name = "streams",
       .match = {.methods = {"GET"}, .path = "/v1/tracks/{id}/stream"},
       .policy = {.plans = {"premium"}, .pass = {subject}}},
      {.name = "public",
       .match = {.path = "/public/**"},
       .policy = {.authentication = Authentication::optional, .pass = {subject}}},
  });
  return *std::move(built);
}

// A gateway's forward-auth listener, whole, with a key of its own and a clock that stands.
class Edge : public testing::Test {
 protected:
  Edge() {
    platform::set_log_sink([this](std::string_view line) {
      const std::scoped_lock lock(mutex_);
      lines_.emplace_back(line);
    });
    install();
    begin(*http::parse_address_range("127.0.0.0/8"));
  }
  ~Edge() override {
    server_.reset();
    platform::set_log_sink({});
  }

  void install() {
    Verifier verifier{{.issuer = "https://id.example.com",
                       .audience = AudienceRule::must_include("api"),
                       .keys = KeySet({key_.verification_key()})}};
    Guard guard(verifier, routes(), {.cache = &cache_});
    DecisionCounters counters(metrics_, guard.routes());
    Rulebook book{guard, verifier, std::move(counters), &cache_};
    const auto cors = std::make_shared<http::CorsPolicy>();
    cors->origins = {"https://app.example.com"};
    cors->credentials = false;
    cors->exposed_headers = {"WWW-Authenticate"};
    book.cors = {cors, nullptr, nullptr};
    rulebook_.replace(std::make_shared<const Rulebook>(std::move(book)));
  }
  void begin(const http::AddressRange& trusted) {
    proxies_ = http::TrustedProxies({trusted});
    http::Router router;
    router.use_inline([this](const http::InlineRequest& question, http::InlineAnswer& answer) {
      forward_auth_.answer(question, answer);
    });
    server_ = std::make_unique<http::RunningServer>(
        http::ServerOptions{.trusted_proxies = proxies_, .paths = http::PathReading::raw}, std::move(router));
  }

  std::string token(const Claims& claims = Claims("dev_1").with("plan", "free").with("roles", {"developer"}),
                    UnixTime at = noon) {
    const Signer signer(key_, {.issuer = "https://id.example.com", .audiences = {"api"}});
    return signer.sign(claims, at).value();
  }
  RawAnswer send(const std::string& head) {
    RawPeer peer(server_->port());
    peer.send(head + "\r\n");
    return peer.answer();
  }
  // As Traefik, Caddy, HAProxy and Apache ask.
  RawAnswer ask(const std::string& target, const std::string& token, const std::string& more = "",
                const std::string& method = "GET") {
    return send("GET /auth HTTP/1.1\r\nHost: g\r\nX-Forwarded-Method: " + method + "\r\nX-Forwarded-Uri: " + target +
                "\r\nX-Forwarded-Host: api.example.com\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n" +
                (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + more);
  }
  RawAnswer ask_as_nginx(const std::string& target, const std::string& token, const std::string& more = "") {
    return send("GET /auth/nginx HTTP/1.1\r\nHost: g\r\nX-Original-Method: GET\r\nX-Original-URI: " + target +
                "\r\nX-Original-Host: api.example.com\r\nX-Original-Proto: https\r\n" +
                (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + more);
  }
  RawAnswer ask_as_envoy(const std::string& target, const std::string& token, const std::string& method = "GET") {
    return send(method + " /auth/envoy" + target + " HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 0\r\n" +
                (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n"));
  }
  std::vector<std::string> lines() {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

  platform::Metrics metrics_;
  TokenCache cache_;
  SigningKey key_ = SigningKey::generate(Algorithm::es256);
  CurrentRulebook rulebook_;
  StoppedClock clock_;
  DecisionRecorder recorder_{metrics_, {.allowed_one_in = 1}};
  http::TrustedProxies proxies_;
  ForwardAuth forward_auth_{rulebook_, recorder_, clock_};
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::unique_ptr<http::RunningServer> server_;
};

// Somewhere in the head or the body.
bool holds(const http::RawAnswer& answer, std::string_view text) {
  return (answer.head + answer.body).find(text) != std::string::npos;
}

const std::string page = "Origin: https://app.example.com\r\n";
const std::string announces = "Access-Control-Request-Method: GET\r\n";

TEST_F(Edge, PreflightOfAnAllowedOriginGoesOnWithoutATokenAndWithoutAnybodysName) {
  const auto allowed = ask("/v1/tracks/7", "", page + announces, "OPTIONS");
  EXPECT_EQ(allowed.status, 200);
  EXPECT_TRUE(holds(allowed, "X-Auth-User: \r\n"));  // so that a proxy overwrites what the client made up
  EXPECT_TRUE(holds(allowed, "X-Auth-Roles: \r\n"));
  const auto refused =
      ask("/v1/tracks/7", "", "Origin: https://app.example.com.evil.example\r\n" + announces, "OPTIONS");
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(holds(refused, "Origin not allowed"));
  EXPECT_NE(metrics_.text().find("jeton_gateway_preflights_total{decision=\"allowed\"} 1"), std::string::npos);
  EXPECT_NE(metrics_.text().find("jeton_gateway_preflights_total{decision=\"refused\"} 1"), std::string::npos);
  EXPECT_NE(lines().back().find("\"event\":\"preflight refused\""), std::string::npos);
}

// What goes on without a token is what a browser sends, and nothing else.
TEST_F(Edge, WhatIsNoPreflightNeedsItsToken) {
  EXPECT_EQ(ask("/v1/tracks/7", "", page, "OPTIONS").status, 401);
  EXPECT_EQ(ask("/v1/tracks/7", "", announces, "OPTIONS").status, 401);
  EXPECT_EQ(ask("/v1/tracks/7", "", page + page + announces, "OPTIONS").status, 401);
  EXPECT_EQ(ask("/v1/tracks/7", "", page + announces + announces, "OPTIONS").status, 401);
  EXPECT_EQ(ask("/v1/tracks/7", "", page + announces, "GET").status, 401);
  EXPECT_EQ(ask("/v1/tracks/7", "forged", page + announces, "OPTIONS").status, 403);
  for (const std::string name : {"X-HTTP-Method-Override", "x_http_method", "X-Method-Override"})
    EXPECT_EQ(ask("/v1/tracks/7", "", page + announces + name + ": DELETE\r\n", "OPTIONS").status, 401) << name;
  EXPECT_EQ(ask("/v1/tracks/7/stream", "", page + announces, "OPTIONS").status, 405);  // a route without a rule
  EXPECT_EQ(ask("/v1/tracks/7", "", page + announces, "OPTIONS").status, 200);
}

TEST_F(Edge, RefusalsCanBeReadByPagesOfAllowedOriginsAlone) {
  const auto mine = ask("/v1/tracks/7", "", page);
  EXPECT_EQ(mine.status, 401);
  EXPECT_TRUE(holds(mine, "Access-Control-Allow-Origin: https://app.example.com\r\n"));
  EXPECT_TRUE(holds(mine, "Access-Control-Expose-Headers: WWW-Authenticate\r\n"));
  EXPECT_TRUE(holds(mine, "Vary: Origin\r\n"));
  EXPECT_FALSE(holds(mine, "Allow-Credentials"));
  for (const std::string origin : {"null", "https://app.example.com:444", "https://evil.example"}) {
    const auto other = ask("/v1/tracks/7", "", "Origin: " + origin + "\r\n");
    EXPECT_EQ(other.status, 401);
    EXPECT_FALSE(holds(other, "Access-Control")) << other.head;
    EXPECT_TRUE(holds(other, "Vary: Origin\r\n"));
  }
  EXPECT_FALSE(holds(ask("/v1/tracks/7/stream", "", page), "Access-Control"));
  EXPECT_FALSE(holds(ask("/v1/tracks/7", token(), page), "Access-Control"));  // its answer is the upstream's
}

TEST_F(Edge, MethodsThatTheProxyDoesNotPassOnAre405) {
  for (const std::string method : {"TRACE", "CONNECT", "get", "Get", "G_T"})
    EXPECT_EQ(ask("/public/x", "", "", method).status, 405) << method;
  EXPECT_EQ(ask("/public/x", "", "", "M-SEARCH").status, 200);
  EXPECT_EQ(ask("/public/x", "").status, 200);
  EXPECT_EQ(ask_as_envoy("/public/x", "", "get").status, 405);
}

TEST_F(Edge, GoodTokenIsAllowedWithItsClaimsInHeaders) {
  const auto answer = ask("/v1/tracks/7?quality=high", token());
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("X-Auth-User: dev_1")) << answer.head;
  EXPECT_TRUE(answer.has("X-Auth-Roles: developer"));
  EXPECT_TRUE(answer.has("Content-Length: 0"));
  EXPECT_TRUE(answer.has("Cache-Control: no-store"));
}

TEST_F(Edge, RequestIdThatIsNoneIsNotLogged) {
  (void)ask("/v1/tracks/7", "", "X-Request-Id: " + std::string(200, 'a') + "\r\n");
  (void)ask("/v1/tracks/7", "", "X-Request-Id: {\"x\":1}\r\n");
  for (const std::string& line : lines()) EXPECT_EQ(line.find("proxy_request"), std::string::npos) << line;
  EXPECT_EQ(lines().size(), 2U);
}

// A proxy may copy only what it is given: then a header of the client's own would get through.
TEST_F(Edge, HeaderThatThisRequestDoesNotGetIsThereAndEmpty) {
  const auto answer = ask("/public/index.html", "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("X-Auth-User: ")) << answer.head;
  EXPECT_TRUE(answer.has("X-Auth-Roles: "));
  EXPECT_TRUE(ask_as_nginx("/public/index.html", "").has("X-Auth-User: "));
}

TEST_F(Edge, RefusalIsWhatTheClientIsToGet) {
  const auto none = ask("/v1/tracks/7", "");
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.body, R"({"error":"Access token required"})");
  EXPECT_TRUE(none.has("WWW-Authenticate: Bearer realm=\"api\"")) << none.head;
  const auto expired = ask("/v1/tracks/7", token(Claims("dev_1"), noon - std::chrono::hours(1)));
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.body, R"({"error":"Token expired"})");
  auto changed = token();
  changed[changed.size() - 20] = changed[changed.size() - 20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(ask("/v1/tracks/7", changed).status, 403);
  EXPECT_EQ(ask("/v1/tracks/7/stream", token()).status, 403);
  EXPECT_EQ(ask("/v1/tracks/7/stream", token(Claims("dev_1").with("plan", "premium"))).status, 200);
  EXPECT_EQ(ask("/v1/unknown", token()).status, ask_as_envoy("/v1/unknown", token()).status);
}

TEST_F(Edge, NginxIsToldWhatItTakesAndTheTruthInAHeader) {
  EXPECT_EQ(ask_as_nginx("/v1/tracks/7", token()).status, 200);
  const auto none = ask_as_nginx("/v1/tracks/7", "");
  EXPECT_EQ(none.status, 401);
  EXPECT_TRUE(none.has("Jeton-Status: 401"));
  EXPECT_TRUE(none.has(R"(Jeton-Body: {"error":"Access token required"})"));
  const auto ambiguous = ask_as_nginx("/v1/tracks/%2e%2e/x", token());
  EXPECT_EQ(ambiguous.status, 403);
  EXPECT_TRUE(ambiguous.has("Jeton-Status: 400")) << ambiguous.head;
}

TEST_F(Edge, EnvoyAsksByMethodHostAndPath) {
  EXPECT_EQ(ask_as_envoy("/v1/tracks/7?quality=high", token()).status, 200);
  EXPECT_EQ(ask_as_envoy("/v1/tracks/7/stream", token(Claims("dev_1").with("plan", "premium"))).status, 200);
  EXPECT_NE(ask_as_envoy("/v1/tracks/7/stream", token(Claims("dev_1").with("plan", "premium")), "POST").status, 200);
  EXPECT_NE(ask_as_envoy("/v1/tracks/%2e%2e/x", token()).status, 200);
  const auto anonymous = ask_as_envoy("/public/x", "");
  EXPECT_EQ(anonymous.status, 200);
  EXPECT_TRUE(anonymous.has("x-envoy-auth-headers-to-remove: X-Auth-User,X-Auth-Roles")) << anonymous.head;
}

// What one proxy sets another passes on from its client.
TEST_F(Edge, HeadersOfAnotherWayOfAskingAreNotHeard) {
  EXPECT_EQ(ask("/v1/tracks/7", "", "X-Original-URI: /public/x\r\nX-Original-Method: GET\r\n").status, 401);
  EXPECT_EQ(ask_as_nginx("/v1/tracks/7", "", "X-Forwarded-Uri: /public/x\r\nX-Forwarded-Method: GET\r\n").status, 401);
}

TEST_F(Edge, QuestionThatSaysATwofoldThingIs400) {
  EXPECT_EQ(ask("/v1/tracks/7", token(), "X-Forwarded-Uri: /public/x\r\n").status, 400);
  EXPECT_EQ(ask("/v1/tracks/7", token(), "X-Forwarded-Host: other\r\n").status, 400);
  EXPECT_EQ(send("GET /auth HTTP/1.1\r\nHost: g\r\n").status, 400);
  EXPECT_EQ(send("GET /auth/nginx HTTP/1.1\r\nHost: g\r\nX-Original-URI: /public/x\r\n").status, 403);
  EXPECT_EQ(ask("http://api.example.com/v1/tracks/7", token()).status, 400);
  EXPECT_EQ(ask("/v1/tracks/7", token(), "", "GET POST").status, 400);
}

TEST_F(Edge, SecondAuthorizationIs400) {
  EXPECT_EQ(ask("/v1/tracks/7", token(), "Authorization: Bearer x\r\n").status, 400);
}

TEST_F(Edge, WhoIsNoTrustedProxyIsToldNothing) {
  server_.reset();
  begin(*http::parse_address_range("192.0.2.0/24"));
  const auto answer = ask("/v1/tracks/7", token());
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.head.find("X-Auth-User"), std::string::npos);
  EXPECT_NE(metrics_.text().find(R"(jeton_gateway_questions_refused_total{reason="untrusted_proxy"} 1)"),
            std::string::npos);
}

TEST_F(Edge, NothingIsAllowedUntilThereAreKeys) {
  rulebook_.replace(nullptr);
  EXPECT_EQ(ask("/v1/tracks/7", token()).status, 503);
  EXPECT_EQ(ask("/public/x", "").status, 503);
  const auto as_nginx = ask_as_nginx("/v1/tracks/7", token());
  EXPECT_EQ(as_nginx.status, 403);
  EXPECT_TRUE(as_nginx.has("Jeton-Status: 503"));
  install();
  EXPECT_EQ(ask("/v1/tracks/7", token()).status, 200);
}

TEST_F(Edge, RemovedKeyKillsItsCachedTokens) {
  const std::string old = token();
  EXPECT_EQ(ask("/v1/tracks/7", old).status, 200);
  EXPECT_EQ(ask("/v1/tracks/7", old).status, 200);
  key_ = SigningKey::generate(Algorithm::es256);
  install();
  EXPECT_EQ(ask("/v1/tracks/7", old).status, 403);
  EXPECT_EQ(ask("/v1/tracks/7", token()).status, 200);
}

TEST_F(Edge, DecisionsAreCountedByRouteAndReason) {
  (void)ask("/v1/tracks/7", token());
  (void)ask("/v1/tracks/7", token());
  (void)ask("/v1/tracks/7/stream", token());
  (void)ask("/nowhere", token());
  const std::string text = metrics_.text();
  for (const char* line :
       {R"(jeton_gateway_decisions_total{shape="forward_auth",route="tracks",decision="allowed",reason=""} 2)",
        R"({shape="forward_auth",route="streams",decision="refused",reason="insufficient_plan"} 1)",
        R"({shape="forward_auth",route="",decision="refused",reason="no_route"} 1)"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST_F(Edge, LogSaysWhatWasDemandedAndWhatTheTokenSaidAndHoldsNoToken) {
  const std::string sent = token();
  const auto answer =
      ask("/v1/tracks/7/stream?key=secret", sent,
          "X-Request-Id: from-proxy\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
  EXPECT_EQ(answer.status, 403);
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  for (const char* part :
       {R"("event":"decision")", R"("reason":"insufficient_plan")", R"("route":"streams")", R"("demanded":"premium")",
        R"("said":"\"free\"")", R"("subject":"dev_1")", R"("address":"192.0.2.7")", R"("proxy_request":"from-proxy")",
        R"("trace":"0af7651916cd43dd8448eb211c80319c")", R"("path":"/v1/tracks/7/stream")"}) {
    EXPECT_NE(all[0].find(part), std::string::npos) << part << "\n" << all[0];
  }
  EXPECT_EQ(all[0].find(sent.substr(0, 40)), std::string::npos);
  EXPECT_EQ(all[0].find("secret"), std::string::npos);
}

TEST_F(Edge, TokenInThePathOrAsTheRequestIdIsNotLogged) {
  const std::string sent = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl";
  EXPECT_EQ(ask("/v1/tracks/" + sent, token(), "X-Request-Id: " + sent + "\r\n").status, 200);
  EXPECT_EQ(ask("/nowhere/" + sent, "").status, 404);
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].find(R"("path":"/v1/tracks/[token]")"), std::string::npos) << all[0];
  EXPECT_NE(all[0].find(R"("proxy_request":"[token]")"), std::string::npos) << all[0];
  for (const std::string& line : all) EXPECT_EQ(line.find("eyJ"), std::string::npos) << line;
}

TEST_F(Edge, WritingTheLogVerifiesNothing) {
  const std::string good = token();
  const std::string forged = good.substr(0, good.rfind('.') + 1) + std::string(86, 'A');
  EXPECT_EQ(ask("/v1/tracks/7", forged).status, 403);
  EXPECT_EQ(cache_.counts().misses, 1U) << "by the guard";
  EXPECT_EQ(ask("/v1/tracks/7/stream", good).status, 403);
  EXPECT_EQ(cache_.counts().misses, 2U);
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].find("dev_1"), std::string::npos);
  EXPECT_NE(all[1].find(R"("subject":"dev_1")"), std::string::npos) << "a good one lies in the cache";
}

TEST(DecisionLog, WhatIsAllowedWhileStaleIsCountedAndToldOnceInAWhile) {
  platform::Metrics metrics;
  std::vector<std::string> lines;
  platform::set_log_sink([&](std::string_view line) { lines.emplace_back(line); });
  const DecisionRecorder recorder(metrics, {});
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const std::string issuer = "https://id.example.com";
  const Verifier verifier{
      {.issuer = issuer, .audience = AudienceRule::must_include("api"), .keys = KeySet({key.verification_key()})}};
  const RevocationTable unheard({.issuers = {{issuer}}}), no_feed({.issuers = {}});
  const std::string bearer =
      "Bearer " + Signer(key, {.issuer = issuer, .audiences = {"api"}}).sign(Claims("dev_1"), noon).value();
  const std::vector<std::string_view> authorization{bearer};
  const RequestFacts facts{.path = "/v1/tracks/7", .authorization = authorization};
  const auto decide = [&](const RevocationTable& table, int seconds) {
    Guard guard(verifier, routes(), {.revocations = &table});
    const Rulebook book{guard, verifier, DecisionCounters(metrics, guard.routes())};
    const Moment now(noon, std::chrono::seconds(seconds));
    recorder.record(book, {.shape = Shape::proxy, .id = "a-1", .facts = facts}, book.guard.decide(facts, now), now);
  };
  decide(no_feed, 0);
  EXPECT_TRUE(lines.empty());
  for (int second = 0; second < 20; ++second) decide(unheard, second);
  platform::set_log_sink({});
  ASSERT_EQ(lines.size(), 2U) << "once in ten seconds";
  EXPECT_NE(lines[0].find("allowed while revocations are stale"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(R"("route":"tracks")"), std::string::npos) << lines[0];
  EXPECT_NE(metrics.text().find(R"(jeton_gateway_stale_allowed_total{shape="proxy",route="tracks"} 20)"),
            std::string::npos);
}

TEST(DecisionLog, IsBoundedASecondAndCountsWhatGoesBeyond) {
  platform::Metrics metrics;
  std::size_t lines = 0;
  platform::set_log_sink([&](std::string_view) { ++lines; });
  const DecisionRecorder recorder(metrics, {.lines_per_second_max = 3});
  const Verifier verifier{{.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet()}};
  Guard guard(verifier, routes());
  const Rulebook book{guard, verifier, DecisionCounters(metrics, guard.routes())};
  const RequestFacts facts{.path = "/nowhere"};
  for (int second = 0; second < 2; ++second) {
    const Moment now(noon, std::chrono::seconds(second));
    for (int i = 0; i < 10; ++i)
      recorder.record(book, {.shape = Shape::proxy, .id = "a-1", .facts = facts}, guard.decide(facts, now), now);
  }
  platform::set_log_sink({});
  EXPECT_EQ(lines, 8U) << "three, and the reason's own one";
  EXPECT_NE(metrics.text().find("jeton_gateway_decisions_unlogged_total 12"), std::string::npos);
}

// A hundred requests of junk a second must not hide the one that matters.
TEST(DecisionLog, ReasonThatFloodsItHidesNoOther) {
  platform::Metrics metrics;
  std::vector<std::string> lines;
  platform::set_log_sink([&](std::string_view line) { lines.emplace_back(line); });
  const DecisionRecorder recorder(metrics, {.allowed_one_in = 1, .lines_per_second_max = 40});
  const Verifier verifier{{.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet()}};
  Guard guard(verifier, routes());
  const Rulebook book{guard, verifier, DecisionCounters(metrics, guard.routes())};
  const Moment now(noon, std::chrono::seconds(7));
  const auto ask = [&](std::string_view path) {
    const RequestFacts facts{.path = path};
    recorder.record(book, {.shape = Shape::proxy, .id = "a-1", .facts = facts}, guard.decide(facts, now), now);
  };
  const auto lines_with = [&](std::string_view text) {
    return std::ranges::count_if(lines, [&](const std::string& line) { return line.find(text) != line.npos; });
  };
  for (int i = 0; i < 1'000; ++i) ask("/nowhere");
  EXPECT_EQ(lines_with("no_route"), 40 + 2);
  for (int i = 0; i < 10; ++i) ask("/v1/tracks/7");
  for (int i = 0; i < 10; ++i) ask("/public/x");
  recorder.count_malformed("a-2", "no method");
  platform::set_log_sink({});
  EXPECT_EQ(lines_with("missing_token"), 2);
  EXPECT_EQ(lines_with(R"("decision":"allowed")"), 2);
  EXPECT_EQ(lines_with("question not understood"), 1);
}

TEST(Rulebook, EachThreadSeesTheNewOneAtItsNextLook) {
  platform::Metrics metrics;
  const Verifier verifier{{.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet()}};
  const auto make = [&] {
    Guard guard(verifier, routes());
    DecisionCounters counters(metrics, guard.routes());
    return std::make_shared<const Rulebook>(Rulebook{guard, verifier, std::move(counters)});
  };
  CurrentRulebook current;
  CurrentRulebook other;
  EXPECT_EQ(current.get(), nullptr);
  const auto first = make();
  current.replace(first);
  std::vector<std::jthread> readers;
  std::atomic<int> seen = 0;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (int look = 0; look < 10'000; ++look) {
        if (current.get() == nullptr || other.get() != nullptr) return;
      }
      ++seen;
    });
  }
  for (int i = 0; i < 100; ++i) current.replace(make());
  readers.clear();
  EXPECT_EQ(seen, 4);
  EXPECT_NE(current.get(), first.get());
  EXPECT_EQ(first.use_count(), 1);
}

}  // namespace
}  // namespace jeton::gateway
