// Tokens whose revocations are not heard, before both shapes of the gateway, on a route that wants the issuer asked.
#include "agent/scripted_issuer.h"
#include "gateway/proxy/decided_proxy.h"
#include "platform/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace jeton::gateway {
namespace {

using agent::ScriptedIssuer;
using http::RawAnswer;
using http::RawPeer;
using namespace std::chrono_literals;

constexpr const char* place = "/oauth2/introspect";
constexpr const char* policy = R"(
[defaults]
audience = "api"
[[issuer]]
url = "https://id.example.com"
profile = "access_token"
feed = true
feed_key = "feed.json"
client_id = "gateway"
client_secret_file = "feed.secret"
introspection_endpoint = "https://id.example.com/oauth2/introspect"
[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:PORT"]
[[route]]
name = "asks"
match = { path = "/asks/{id}" }
staleness = { then = "introspect" }
pass = { sub = "X-Auth-User" }
cors = { origins = ["https://app.example.com"] }
upstream = "origin"
[[route]]
name = "once"
match = { path = "/once" }
staleness = { then = "introspect" }
limit = { by = "sub", rate = "1/day" }
upstream = "origin"
)";

class IntrospectedShapes : public DecidedProxy {
 protected:
  IntrospectedShapes() {
    platform::set_log_sink([this](std::string_view line) {
      const std::scoped_lock lock(lines_mutex_);
      lines_.emplace_back(line);
    });
    std::vector<IntrospectionEndpoint> endpoints;
    endpoints.push_back({.issuer = "https://id.example.com",
                         .url = issuer_.url(place),
                         .client_id = "gateway",
                         .client_secret = SecretBytes::from_text("s"),
                         .answer_time_max = 20s,
                         .answer_age_max = 1h});
    introspector_.use(std::move(endpoints));
    use(policy, {.revocations = &revocations_, .can_introspect = true});
  }
  ~IntrospectedShapes() override {
    proxy_.stop();  // a request whose client has left may be under way still, and uses what is below
    asked_.stop();
    platform::set_log_sink({});
  }
  void change(Rulebook& book) override { book.introspector = &introspector_; }
  void says(const std::string& body) { issuer_.answer(place, "200 OK", "", body); }
  static std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }
  RawAnswer pass(const std::string& path, const std::string& more) {
    return send("GET " + path + " HTTP/1.1\r\nHost: api.example.com\r\n" + more);
  }
  bool was_logged(const std::string& part) {
    const std::scoped_lock lock(lines_mutex_);
    return std::ranges::any_of(lines_, [&](const std::string& line) { return line.find(part) != line.npos; });
  }

  ScriptedIssuer issuer_;
  const RevocationTable revocations_{{.issuers = {{"https://id.example.com"}}}};  // never heard: stale without end
  std::mutex lines_mutex_;
  std::vector<std::string> lines_;
  Introspector introspector_{clock_, metrics_};
};

TEST_F(IntrospectedShapes, ActiveIsAllowedInBothAndAskedAboutOnce) {
  says(R"({"active":true})");
  const std::string good = token();
  const RawAnswer asked = ask("GET", "/asks/7", bearer(good));
  EXPECT_EQ(asked.status, 200);
  EXPECT_TRUE(asked.has("X-Auth-User: u1"));
  EXPECT_EQ(pass("/asks/7", bearer(good)).status, 200);
  EXPECT_NE(seen().at(0).find("X-Auth-User: u1"), std::string::npos);
  EXPECT_EQ(ask("GET", "/asks/7", bearer(good)).status, 200);
  EXPECT_EQ(issuer_.count(place), 1);
  const std::string other = token();
  EXPECT_EQ(pass("/asks/7", bearer(other)).status, 200);
  EXPECT_EQ(issuer_.count(place), 2);
}

TEST_F(IntrospectedShapes, InactiveIsRevokedAndFailingIsUnavailable) {
  says(R"({"active":false})");
  const std::string page = "Origin: https://app.example.com\r\n";
  for (const RawAnswer& answer :
       {ask("GET", "/asks/7", page + bearer(token())), pass("/asks/7", page + bearer(token()))}) {
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.body, R"({"error":"Token revoked"})");
    EXPECT_NE(answer.head.find("WWW-Authenticate: Bearer"), std::string::npos);
    EXPECT_TRUE(answer.has("Access-Control-Allow-Origin: https://app.example.com"));
  }
  EXPECT_TRUE(was_logged("\"reason\":\"revoked\",\"introspection\":\"inactive\",\"route\":\"asks\""));
  says(R"({"active":true,"sub":"somebody else"})");
  for (const RawAnswer& answer : {ask("GET", "/asks/7", bearer(token())), pass("/asks/7", bearer(token()))}) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.has("Retry-After: 1"));
  }
  EXPECT_TRUE(was_logged("\"reason\":\"stale_revocations\",\"introspection\":\"failed\""));
  EXPECT_TRUE(seen().empty());
}

TEST_F(IntrospectedShapes, NobodyIsAskedAboutWhatIsRefusedInAnyCase) {
  says(R"({"active":true})");
  EXPECT_EQ(pass("/asks/7", "").status, 401);
  EXPECT_EQ(ask("GET", "/asks/7", bearer("a.b.c")).status, 403);
  EXPECT_EQ(ask("GET", "/asks/7", bearer(token() + "A")).status, 403);
  EXPECT_EQ(ask("GET", "/none", bearer(token())).status, 404);
  EXPECT_EQ(issuer_.count(place), 0);
}

TEST_F(IntrospectedShapes, LimitIsChargedOnceAndAfterTheAnswer) {
  says(R"({"active":true})");
  EXPECT_EQ(ask("GET", "/once", bearer(token())).status, 200);
  EXPECT_EQ(ask("GET", "/once", bearer(token())).status, 429);
  says(R"({"active":false})");
  EXPECT_EQ(ask("GET", "/once", bearer(token("u2"))).status, 401);
  says(R"({"active":true})");
  EXPECT_EQ(ask("GET", "/once", bearer(token("u2"))).status, 200);
}

// The rulebook changes while an answer is waited for; others are decided meanwhile, on the same connection's loop too.
TEST_F(IntrospectedShapes, WaitsOutAReloadAndHoldsUpNobody) {
  const auto asked = std::make_shared<std::latch>(2), go = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer& peer) {
    asked->count_down();
    go->wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
  });
  auto by_question = std::async(std::launch::async, [&] { return ask("GET", "/asks/7", bearer(token())); });
  auto by_proxy = std::async(std::launch::async, [&] { return pass("/asks/7", bearer(token())); });
  asked->wait();
  for (int i = 0; i < 3; ++i) {
    use(policy, {.revocations = &revocations_, .can_introspect = true});
    EXPECT_EQ(ask("GET", "/asks/7", "").status, 401);
    EXPECT_EQ(pass("/asks/7", "").status, 401);
  }
  go->count_down();
  EXPECT_EQ(by_question.get().status, 200);
  EXPECT_EQ(by_proxy.get().status, 200);
}

TEST_F(IntrospectedShapes, ClientThatLeavesMeanwhileHarmsNobody) {
  const auto asked = std::make_shared<std::latch>(1), go = std::make_shared<std::latch>(1);
  issuer_.script(place, [=](ScriptedIssuer::Peer& peer) {
    asked->count_down();
    go->wait();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}");
  });
  const std::string good = token();
  {
    RawPeer peer(proxy_.port());
    peer.send("GET /asks/7 HTTP/1.1\r\nHost: api.example.com\r\n" + bearer(good) + "\r\n");
    asked->wait();
  }
  go->count_down();
  EXPECT_EQ(ask("GET", "/asks/7", bearer(good)).status, 200);
  EXPECT_EQ(issuer_.count(place), 1);
}

}  // namespace
}  // namespace jeton::gateway
