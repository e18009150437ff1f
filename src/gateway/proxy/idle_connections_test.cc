// Ten thousand clients that stay connected and say nothing, in stated memory.
#include "gateway/proxy/test_origin.h"
#include "platform/process.h"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <fstream>
#include <vector>

namespace jeton::gateway {
namespace {

using http::RawPeer;
using namespace std::chrono_literals;

constexpr std::size_t connections = 10'000;
constexpr std::size_t bytes_of_a_connection_max = 10 * 1024;

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  status >> all >> resident;
  return resident * 4096;
}

// The clients, in a process of their own, so that what is measured is the proxy's. Tells how many were answered and
// stay until they are let go.
[[noreturn]] void be_the_clients(int in, int out) {
  std::uint16_t port = 0;
  if (::read(in, &port, sizeof port) != sizeof port) ::_exit(1);
  std::vector<RawPeer> peers;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < connections; ++i) {
    RawPeer& peer = peers.emplace_back(port);
    peer.send("GET /a HTTP/1.1\r\nHost: g\r\n\r\n");
    if (peer.answer().status == 200) ++answered;
  }
  if (::write(out, &answered, sizeof answered) != sizeof answered) ::_exit(1);
  char end = 0;
  [[maybe_unused]] const ssize_t let_go = ::read(in, &end, 1);
  ::_exit(0);
}

TEST(IdleConnections, TenThousandCostTenKilobytesEachAtMost) {
  ASSERT_GE(platform::raise_open_files_limit(connections + 500), connections + 500);
  int to_clients[2], from_clients[2];
  ASSERT_EQ(::pipe(to_clients) + ::pipe(from_clients), 0);
  const pid_t clients = ::fork();
  if (clients == 0) {
    ::close(to_clients[1]);
    be_the_clients(to_clients[0], from_clients[1]);
  }
  ::close(to_clients[0]);
  ::close(from_clients[1]);
  Origin origin([](OriginPeer& peer, unsigned) {
    while (!peer.head().empty() && peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) {
    }
  });
  RunningProxy proxy({.servers = {origin.url()}}, {.connections_max = connections + 10, .idle_time_max = 600s});
  RawPeer first(proxy.port());
  first.send("GET /a HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(first.answer().status, 200);
  const std::size_t before = resident_bytes();
  const std::uint16_t port = proxy.port();
  ASSERT_EQ(::write(to_clients[1], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  std::size_t answered = 0;
  ASSERT_EQ(::read(from_clients[0], &answered, sizeof answered), static_cast<ssize_t>(sizeof answered));
  EXPECT_EQ(answered, connections);
  const std::size_t grown = resident_bytes() - std::min(before, resident_bytes());
  RecordProperty("bytes_of_a_connection", static_cast<int>(grown / connections));
  if (!memory_is_watched) EXPECT_LT(grown, connections * bytes_of_a_connection_max);
  // And others are served beside them.
  first.send("GET /a HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(first.answer().status, 200);
  ::close(to_clients[1]);
  ::waitpid(clients, nullptr, 0);
}

}  // namespace
}  // namespace jeton::gateway
