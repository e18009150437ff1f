#include "http/listener.h"

#include "http/server.h"
#include "http/test_peer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace jeton::http {
namespace {

// A foreign program's socket that listens on a port of its own; with `shared` it would let others of this user join.
struct Foreign {
  explicit Foreign(bool shared) {
    fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const int one = 1;
    if (shared) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd, 1);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Foreign() { ::close(fd); }
  int fd = -1;
  std::uint16_t port = 0;
};

TEST(Listeners, PortZeroGivesAllLoopsOnePort) {
  const auto listeners = open_listeners("127.0.0.1", 0, 4);
  ASSERT_TRUE(listeners.has_value()) << listeners.error().text();
  EXPECT_EQ(listeners->sockets.size(), 4U);
  EXPECT_NE(listeners->port, 0);
  EXPECT_TRUE(RawPeer(listeners->port).connected());
}

TEST(Listeners, TakenPortNamesThePortAndWhoHasIt) {
  const Foreign foreign(false);
  const auto listeners = open_listeners("127.0.0.1", foreign.port, 2);
  ASSERT_FALSE(listeners.has_value());
  EXPECT_EQ(listeners.error().what, "127.0.0.1:" + std::to_string(foreign.port) + " is taken (by this process).");
  EXPECT_EQ(listeners.error().remedy, "Choose another with --listen, or stop it.");
}

TEST(Listeners, PortThatIsTakenByASharingSocketIsTakenToo) {
  const Foreign foreign(true);
  EXPECT_FALSE(open_listeners("127.0.0.1", foreign.port, 2).has_value());
}

TEST(Listeners, SecondServerOnOnePortIsRefused) {
  const auto first = Server::listen({.threads = 2}, Router{});
  ASSERT_TRUE(first.has_value());
  const auto second = Server::listen({.port = (*first)->port(), .threads = 2}, Router{});
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().what.starts_with("127.0.0.1:" + std::to_string((*first)->port()) + " is taken"))
      << second.error().what;
}

TEST(Listeners, OfServersThatStartTogetherExactlyOneGetsThePort) {
  for (int round = 0; round < 20; ++round) {
    const std::uint16_t port = open_listeners("127.0.0.1", 0, 1)->port;
    std::vector<platform::Outcome<Listeners>> outcomes(8);
    std::vector<std::thread> threads;
    for (auto& outcome : outcomes)
      threads.emplace_back([&outcome, port] { outcome = open_listeners("127.0.0.1", port, 2); });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& outcome) { return outcome.has_value(); }),
              1);
  }
}

TEST(Listeners, PortIsFreeAgainAsSoonAsTheServerHasGone) {
  std::uint16_t port = 0;
  for (int i = 0; i < 3; ++i) {
    Router router;
    router.add(Method::get, "/a",
               [](const Request&) -> boost::asio::awaitable<Response> { co_return json_response(200, "{}"); });
    RunningServer server({.port = port}, std::move(router));
    port = server.port();
    RawPeer peer(port);
    peer.send(
        "GET /a HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n");  // the server closes first: TIME_WAIT is its own
    EXPECT_EQ(peer.answer().status, 200);
    EXPECT_TRUE(peer.sees_close());
  }
}

TEST(Listeners, AddressOfAnotherMachineIsRefused) {
  const auto listeners = open_listeners("192.0.2.1", 0, 1);
  ASSERT_FALSE(listeners.has_value());
  EXPECT_EQ(listeners.error().what, "192.0.2.1:0 is not an address of this machine.");
}

TEST(Listeners, HostThatIsNoneIsRefused) {
  for (const char* host : {"", "not a host", "[::1", "256.0.0.1"})
    EXPECT_FALSE(open_listeners(host, 0, 1).has_value()) << host;
}

TEST(Listeners, Ipv6AddressIsShownInBrackets) {
  EXPECT_EQ(address_text("::1", 80), "[::1]:80");
  EXPECT_EQ(address_text("[::1]", 80), "[::1]:80");
  EXPECT_EQ(address_text("127.0.0.1", 80), "127.0.0.1:80");
}

}  // namespace
}  // namespace jeton::http
