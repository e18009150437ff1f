// Those who are slow on purpose, and those who are large: limits of time and memory.
#include "gateway/proxy/test_origin.h"

#include <gtest/gtest.h>

#include <fstream>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;
using namespace std::chrono_literals;

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n";

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  status >> all >> resident;
  return resident * 4096;
}

TEST(SlowPeers, HeadThatTricklesIsGivenUpAndNeverReachesTheOrigin) {
  Origin origin([](OriginPeer& peer, unsigned) { peer.head(); });
  RunningProxy proxy({.servers = {origin.url()}}, {.header_time_max = 1s});
  RawPeer peer(proxy.port());
  bool taken = peer.send("GET /a HTTP/1.1\r\nHost: g\r\n");
  for (int i = 0; i < 100'000 && taken; ++i) taken = peer.send("X: y\r\n") && !peer.closed_within(20ms);
  EXPECT_EQ(peer.answer().status, 408);
  EXPECT_EQ(origin.connections(), 0U);
}

TEST(SlowPeers, BodyThatStallsEndsTheRequestOfTheOriginToo) {
  std::atomic<bool> cut = false;
  Origin origin([&](OriginPeer& peer, unsigned) {
    peer.head();
    cut = peer.bytes(10).size() < 10;
  });
  {
    http::ServerOptions options;
    options.stream.body_idle_time_max = 50ms;
    RunningProxy proxy({.servers = {origin.url()}}, options);
    RawPeer peer(proxy.port());
    peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(peer.answer().status, 408);
  }
  origin.stop();
  EXPECT_TRUE(cut);
}

// A client that does not read holds a piece of the answer and what the kernel buffers, and the origin waits.
TEST(SlowPeers, ClientThatDoesNotReadIsCutAndTheOriginIsLetGo) {
  std::atomic<bool> let_go = false;
  Origin origin([&](OriginPeer& peer, unsigned) {
    peer.head();
    const std::string piece(64 * 1024, 'x');
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    while (peer.send(piece)) {
    }
    let_go = true;
  });
  http::ServerOptions options;
  options.stream.write_time_max = 100ms;
  RunningProxy proxy({.servers = {origin.url()}}, options);
  RawPeer peer(proxy.port());
  peer.send(get_a);
  while (!let_go) std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(peer.sees_close());  // reset
  EXPECT_EQ(proxy.told().size(), 1U);
}

TEST(SlowPeers, OriginThatDoesNotTakeABodyIsGivenUp) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    char byte = 0;
    pollfd closed{peer.fd(), POLLRDHUP, 0};
    ::poll(&closed, 1, 20'000);  // reads nothing
    EXPECT_EQ(::recv(peer.fd(), &byte, 1, MSG_PEEK), 1);
  });
  RunningProxy proxy({.servers = {origin.url()}, .write_time_max = 100ms});
  RawPeer peer(proxy.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 1000000000\r\n\r\n");
  const std::string piece(64 * 1024, 'x');
  std::thread sender([&] {
    for (int i = 0; i < 1'000 && peer.send(piece); ++i) {
    }
  });
  EXPECT_EQ(peer.answer().status, 504);
  peer.end_sending();
  sender.join();
}

TEST(SlowPeers, ClientThatLeavesLetsTheOriginGo) {
  std::atomic<bool> let_go = false;
  Origin origin([&](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("1\r\nx\r\n")) {
    }
    let_go = true;
  });
  RunningProxy proxy({.servers = {origin.url()}});
  {
    RawPeer peer(proxy.port());
    peer.send(get_a);
    EXPECT_EQ(peer.answer(true).status, 200);
  }
  while (!let_go) std::this_thread::sleep_for(1ms);
}

// 1 GB each way, and the memory of the whole process (client and origin are in it too) stays as it was.
TEST(SlowPeers, LargeBodiesGoThroughInFlatMemory) {
  constexpr std::size_t total = 1'000'000'000;
  const std::string piece(1'000'000, 'x');
  Origin origin([&](OriginPeer& peer, unsigned) {
    peer.head();
    std::size_t got = 0;
    while (got < total) {
      const std::size_t size = peer.drop_some();
      if (size == 0) break;
      got += size;
    }
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(got) + "\r\n\r\n");
    for (std::size_t sent = 0; sent < got; sent += piece.size()) peer.send(piece);
  });
  RunningProxy proxy({.servers = {origin.url()}});
  const std::size_t before = resident_bytes();
  RawPeer peer(proxy.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
  std::size_t most = 0;
  for (std::size_t sent = 0; sent < total; sent += piece.size()) {
    ASSERT_TRUE(peer.send(piece));
    most = std::max(most, resident_bytes());
  }
  EXPECT_TRUE(peer.answer(true).has("Content-Length: " + std::to_string(total)));
  std::size_t got = 0;
  while (const std::size_t size = peer.drop_some()) {
    got += size;
    most = std::max(most, resident_bytes());
    if (got == total) break;
  }
  EXPECT_EQ(got, total);
  if (!memory_is_watched) EXPECT_LT(most, before + 8'000'000);
}

TEST(SlowPeers, BodyBeyondTheLimitIsRefusedUnread) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    while (!peer.sees_close()) {
    }
  });
  http::ServerOptions options;
  options.stream.body_bytes_max = 1'000;
  RunningProxy proxy({.servers = {origin.url()}}, options);
  RawPeer peer(proxy.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 413);
  EXPECT_EQ(origin.connections(), 0U);
  RawPeer chunked(proxy.port());
  chunked.send("POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  while (origin.connections() == 0) std::this_thread::yield();
  chunked.send("FFF\r\n");
  EXPECT_EQ(chunked.answer().status, 413);
}

}  // namespace
}  // namespace jeton::gateway
