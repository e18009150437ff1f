// Which server a request goes to, and which servers are known to be well.
#include "gateway/proxy/test_origin.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;
using namespace std::chrono_literals;

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n";

std::string answer_with(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

Origin::Script named(std::string name) {
  return [name = std::move(name)](OriginPeer& peer, unsigned) {
    while (!peer.head().empty() && peer.send(answer_with(name))) {
    }
  };
}

std::string ask(const RunningProxy& proxy) {
  RawPeer peer(proxy.port());
  peer.send(get_a);
  const RawAnswer answer = peer.answer();
  return answer.status == 200 ? answer.body : std::to_string(answer.status);
}

TEST(Upstreams, EqualServersTakeTurns) {
  Origin a(named("a")), b(named("b")), c(named("c"));
  RunningProxy proxy({.servers = {a.url(), b.url(), c.url()}});
  std::map<std::string, int> seen;
  for (int i = 0; i < 30; ++i) ++seen[ask(proxy)];
  EXPECT_EQ(seen, (std::map<std::string, int>{{"a", 10}, {"b", 10}, {"c", 10}}));
}

TEST(Upstreams, BusyServerIsLeftInPeace) {
  std::atomic<bool> go_on = false;
  std::atomic<int> waiting = 0;
  Origin slow([&](OriginPeer& peer, unsigned) {
    if (peer.head().empty()) return;
    ++waiting;
    go_on.wait(false);
    peer.send(answer_with("slow"));
  });
  Origin quick(named("quick"));
  RunningProxy proxy({.servers = {slow.url(), quick.url()}});
  RawPeer first(proxy.port());
  first.send(get_a);
  while (waiting == 0) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(proxy), "quick");
  go_on = true;
  go_on.notify_all();
  EXPECT_EQ(first.answer().body, "slow");
}

TEST(Upstreams, ServerThatFailsIsLeftOutForAWhile) {
  std::atomic<unsigned> asked = 0;
  Origin broken([&](OriginPeer& peer, unsigned) {
    if (!peer.head().empty()) ++asked;
    peer.send("nonsense\r\n\r\n");
  });
  Origin good(named("good"));
  RunningProxy proxy({.servers = {broken.url(), good.url()}, .passive_failures_max = 3, .passive_rest_time = 1h});
  std::map<std::string, int> seen;
  for (int i = 0; i < 40; ++i) ++seen[ask(proxy)];
  EXPECT_EQ(seen, (std::map<std::string, int>{{"502", 3}, {"good", 37}}));
  EXPECT_EQ(asked, 3U);
}

TEST(Upstreams, OnlyServerIsAskedEvenWhenItFailed) {
  std::atomic<bool> well = false;
  Origin origin([&](OriginPeer& peer, unsigned) {
    if (!peer.head().empty()) peer.send(well ? answer_with("well") : "nonsense\r\n\r\n");
  });
  RunningProxy proxy({.servers = {origin.url()}, .passive_failures_max = 1, .passive_rest_time = 1h});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(proxy), "502");
  well = true;
  EXPECT_EQ(ask(proxy), "well");
}

TEST(Upstreams, HealthChecksTakeAServerOutAndBringItBack) {
  std::atomic<bool> well = true;
  std::atomic<unsigned> checks = 0, requests = 0;
  Origin origin([&](OriginPeer& peer, unsigned) {
    const std::string head = peer.head();
    if (head.starts_with("GET /healthz ")) {
      EXPECT_NE(head.find("\r\nHost: 127.0.0.1:"), std::string::npos);
      peer.send(well ? answer_with("") : "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
      ++checks;
    } else if (!head.empty()) {
      ++requests;
      peer.send(answer_with("well"));
    }
  });
  RunningProxy proxy({.servers = {origin.url()}, .health_path = "/healthz", .health_interval = 5ms});
  EXPECT_EQ(ask(proxy), "well");  // the first request makes the pool, which checks from then on
  const auto& server = proxy.upstream().server(0);
  well = false;
  while (server.healthy) std::this_thread::sleep_for(1ms);
  requests = 0;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(proxy), "503");
  EXPECT_EQ(requests, 0U);
  well = true;
  while (!server.healthy) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(ask(proxy), "well");
}

// A configuration that is loaded anew lets go of upstreams: of their connections, their checks and their memory.
TEST(Upstreams, UpstreamThatNobodyHoldsAnyMoreIsLetGo) {
  Origin before(named("before")), after(named("after"));
  const auto made = [](const Origin& origin) {
    return *http::Upstream::create({.name = "origin",
                                    .servers = {origin.url()},
                                    .health_path = "/healthz",
                                    .health_interval = 5ms,
                                    .reuse_time_max = 1h});
  };
  std::mutex mutex;
  std::shared_ptr<http::Upstream> current = made(before);
  const std::weak_ptr<http::Upstream> kept = current->kept();
  http::RunningServer server({}, {}, {},
                             proxy_service({.decide = [&](const http::RequestHead& head,
                                                          const Trace&) -> boost::asio::awaitable<ProxyDecision> {
                               const std::lock_guard lock(mutex);
                               co_return Forward{.upstream = current, .path = head.request.path};
                             }}));
  RawPeer peer(server.port());
  peer.send(get_a);
  EXPECT_EQ(peer.answer().body, "before");
  {
    const std::lock_guard lock(mutex);
    current = made(after);
  }
  peer.send(get_a);
  EXPECT_EQ(peer.answer().body, "after");
  while (!kept.expired()) std::this_thread::sleep_for(1ms);
}

TEST(Upstreams, RequestsBeyondTheLimitAreTurnedAway) {
  std::atomic<bool> go_on = false;
  std::atomic<int> waiting = 0;
  Origin origin([&](OriginPeer& peer, unsigned) {
    if (peer.head().empty()) return;
    ++waiting;
    go_on.wait(false);
    peer.send(answer_with("ok"));
  });
  RunningProxy proxy({.servers = {origin.url()}, .connections_max = 2});
  RawPeer first(proxy.port()), second(proxy.port());
  first.send(get_a);
  second.send(get_a);
  while (waiting < 2) std::this_thread::yield();
  EXPECT_EQ(ask(proxy), "503");
  go_on = true;
  go_on.notify_all();
  EXPECT_EQ(first.answer().body, "ok");
  EXPECT_EQ(second.answer().body, "ok");
}

TEST(Upstreams, AddressesAreOnesOfServers) {
  for (const char* bad : {"", "ftp://a", "http://a/path", "http://a?x", "http://", "a:80"})
    EXPECT_FALSE(http::Upstream::create({.name = "u", .servers = {bad}}).has_value()) << bad;
  for (const char* good : {"http://a", "http://a:81/", "https://[::1]:8443"})
    EXPECT_TRUE(http::Upstream::create({.name = "u", .servers = {good}}).has_value()) << good;
  EXPECT_FALSE(http::Upstream::create({.name = "u"}).has_value());
}

TEST(Upstreams, NameThatLeadsNowhereIsABadGateway) {
  RunningProxy proxy({.servers = {"http://nowhere.invalid:80"}});
  EXPECT_EQ(ask(proxy), "502");
}

}  // namespace
}  // namespace jeton::gateway
