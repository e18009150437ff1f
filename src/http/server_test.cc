#include "http/server.h"

#include "http/test_peer.h"
#include "platform/log.h"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <vector>

namespace jeton::http {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

awaitable<Response> hello(const Request&) { co_return json_response(200, R"({"hello":true})"); }
awaitable<Response> echo(const Request& request) { co_return json_response(200, request.body); }
awaitable<Response> fail(const Request&) {
  throw std::runtime_error("on purpose");
  co_return Response{};
}
awaitable<Response> split(const Request&) {
  Response response = json_response(200, "{}");
  response.headers.add("X-User", "a\r\nSet-Cookie: stolen");
  co_return response;
}
awaitable<Response> peer(const Request& request) { co_return json_response(200, request.peer_address); }

Router router() {
  Router router;
  router.add(Method::get, "/", hello);
  router.add(Method::get, "/a", hello);
  router.add(Method::post, "/", echo);
  router.add(Method::post, "/a", echo);
  router.add(Method::get, "/fail", fail);
  router.add(Method::get, "/split", split);
  router.add(Method::get, "/peer", peer);
  return router;
}

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n";

struct Hostile {
  const char* id;
  std::string_view bytes;
  int status;
};

// The raw requests of the list of hostile inputs, and their near relations; each must be told so, and then the
// connection must close, so that nothing after it is taken for a request.
TEST(Server, HostileRequestIsToldSoAndTheConnectionCloses) {
  const std::vector<Hostile> rows = {
      {"H01 length and coding",
       "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400},
      {"coding and length",
       "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG", 400},
      {"H06 vertical tab",
       "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: \x0b"
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"H06 xchunked", "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
      {"H06 chunked, identity", "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
       400},
      {"gzip beside length", "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
       400},
      {"doubled length", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"doubled host", "GET /a HTTP/1.1\r\nHost: g\r\nHost: g\r\n\r\n", 400},
      {"no host", "GET /a HTTP/1.1\r\n\r\n", 400},
      {"H07 folded line", "GET /a HTTP/1.1\r\nHost: g\r\nX: a\r\n b\r\n\r\n", 400},
      {"H08 bare LF", "GET / HTTP/1.1\nHost: g\n\n", 400},
      {"H11 chunk size overflow",
       "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400},
      {"H12 chunk data without CR LF",
       "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naX0\r\n\r\n", 400},
      {"H17 dot segments", "GET /a/%2e%2e/admin HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"H17 doubled slash", "GET //admin HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"H17 encoded letter", "GET /%61dmin HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"H17 parameter", "GET /a/..;/admin HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"H17 NUL", "GET /admin%00 HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"NUL in a value", "GET /a HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n"sv, 400},
      {"absolute form", "GET http://g/a HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"authority form", "CONNECT g:80 HTTP/1.1\r\nHost: g\r\n\r\n", 400},
      {"space before colon", "GET /a HTTP/1.1\r\nHost : g\r\n\r\n", 400},
      {"HTTP/0.9", "GET /a\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, 400},
      {"negative length", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: -1\r\n\r\n", 400},
      {"unknown expectation", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nExpect: x\r\n\r\na", 417},
      {"body too large", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 65537\r\n\r\n", 413},
      {"body far too large", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 9999999999999999999\r\n\r\n", 413},
      {"chunk too large", "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n", 413},
  };
  RunningServer server({}, router());
  for (const Hostile& row : rows) {
    RawPeer peer(server.port());
    peer.send(row.bytes);
    peer.send(get_a);  // smuggled: must never be answered
    const auto answer = peer.answer();
    EXPECT_EQ(answer.status, row.status) << row.id;
    EXPECT_TRUE(answer.body.starts_with(R"({"error":")") && answer.body.ends_with(R"("})")) << row.id << answer.body;
    EXPECT_TRUE(answer.has("Connection: close")) << row.id;
    EXPECT_TRUE(answer.has("Content-Type: application/json")) << row.id;
    peer.end_sending();
    EXPECT_TRUE(peer.sees_close()) << row.id;
  }
}

TEST(Server, GoodTwinsAreAnsweredAndTheConnectionStaysOpen) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {get_a, R"({"hello":true})"},
      {"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG", "0\r\n\r\nG"},
      {"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "a"},
      {"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n00\r\nX: t\r\n\r\n", "ab"},
      {"GET /a HTTP/1.1\r\nHost: g\r\nX: a b\r\n\r\n", R"({"hello":true})"},
      {"GET /a?b=/../c HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", R"({"hello":true})"},
      {"\r\nGET /a HTTP/1.1\r\nHost: g\r\n\r\n", R"({"hello":true})"},
      {"POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: a/b\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx", "x"},
      {"POST /a HTTP/1.1\r\nHost: g\r\n\r\n", ""},
  };
  RunningServer server({}, router());
  RawPeer peer(server.port());
  for (const auto& [bytes, body] : rows) {
    peer.send(bytes);
    const auto answer = peer.answer();
    EXPECT_EQ(answer.status, 200) << bytes;
    EXPECT_EQ(answer.body, body) << bytes;
    EXPECT_FALSE(answer.has("Connection: close"));
  }
}

TEST(Server, RequestThatComesByteByByteIsAnswered) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  for (const char c :
       std::string_view("POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    peer.send({&c, 1});
  EXPECT_EQ(peer.answer().body, "abc");
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  std::string bytes;
  for (int i = 0; i < 500; ++i) {
    const std::string body = std::to_string(i);
    bytes += "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::thread sender([&] { peer.send(bytes); });
  for (int i = 0; i < 500; ++i) EXPECT_EQ(peer.answer().body, std::to_string(i));
  sender.join();
}

TEST(Server, RequestAfterConnectionCloseIsNotAnswered) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send("GET /a HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n" + std::string(get_a));
  const auto answer = peer.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close"));
  peer.end_sending();
  EXPECT_TRUE(peer.sees_close());
}

TEST(Server, Http10IsAnsweredAndClosedUnlessItAsks) {
  RunningServer server({}, router());
  RawPeer once(server.port());
  once.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.answer().status, 200);
  EXPECT_TRUE(once.sees_close());
  RawPeer twice(server.port());
  for (int i = 0; i < 2; ++i) {
    twice.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(twice.answer().has("Connection: keep-alive"));
  }
}

TEST(Server, HeadIsAnsweredWithTheLengthAndNoBody) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send("HEAD /a HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_TRUE(peer.answer(true).has("Content-Length: 14"));
  peer.send(get_a);
  EXPECT_EQ(peer.answer().body, R"({"hello":true})");
}

TEST(Server, UnknownPathIs404AndOtherMethodIs405) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send("GET /A HTTP/1.1\r\nHost: g\r\n\r\n");
  const auto unknown = peer.answer();
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, R"({"error":"Not found"})");
  for (const char* method : {"DELETE", "BREW", "get", "OPTIONS", "TRACE"}) {
    peer.send(std::string(method) + " /a HTTP/1.1\r\nHost: g\r\n\r\n");
    const auto other = peer.answer();
    EXPECT_EQ(other.status, 405) << method;
    EXPECT_EQ(other.body, R"({"error":"Method not allowed"})");
    EXPECT_TRUE(other.has("Allow: GET, HEAD, POST"));
  }
}

TEST(Server, ExpectationOfContinueIsMetBeforeTheBody) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 100);
  peer.send("abc");
  EXPECT_EQ(peer.answer().body, "abc");
  peer.send("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 413);
}

TEST(Server, HandlerThatThrowsIsAnswered500AndLogged) {
  std::mutex mutex;
  std::string log;
  platform::set_log_sink([&](std::string_view line) {
    const std::scoped_lock lock(mutex);
    log += line;
  });
  {
    RunningServer server({}, router());
    RawPeer peer(server.port());
    peer.send("GET /fail HTTP/1.1\r\nHost: g\r\n\r\n");
    const auto answer = peer.answer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, R"({"error":"Internal error"})");
    peer.send("GET /split HTTP/1.1\r\nHost: g\r\n\r\n");
    const auto refused = peer.answer();
    EXPECT_EQ(refused.status, 500);
    EXPECT_EQ(refused.head.find("Set-Cookie"), std::string::npos);
  }
  platform::set_log_sink({});
  EXPECT_NE(log.find(R"("what":"on purpose")"), std::string::npos) << log;
}

TEST(Server, HeadLargerThanTheLimitIs431) {
  RunningServer server({.header_bytes_max = 1024}, router());
  RawPeer fits(server.port());
  const std::string start = "GET /a HTTP/1.1\r\nHost: g\r\nX: ";
  fits.send(start + std::string(1024 - start.size() - 4, 'x') + "\r\n\r\n");
  EXPECT_EQ(fits.answer().status, 200);
  for (const std::string& bytes : {start + std::string(1024 - start.size() - 3, 'x') + "\r\n\r\n",
                                   start + std::string(300'000, 'x'), "GET /" + std::string(2000, 'a')}) {
    RawPeer peer(server.port());
    peer.send(bytes);
    EXPECT_EQ(peer.answer().status, 431);
  }
}

TEST(Server, BodyAtTheLimitIsTakenAndOneByteMoreIsNot) {
  RunningServer server({.body_bytes_max = 100}, router());
  RawPeer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  EXPECT_EQ(peer.answer().status, 200);
  // The whole body is sent although it is refused at once: the answer must not be lost to a reset.
  peer.send("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
  EXPECT_EQ(peer.answer().status, 413);
}

TEST(Server, SlowHeadIs408) {
  RunningServer server({.header_time_max = 1s}, router());
  RawPeer silent(server.port());
  RawPeer peer(server.port());
  peer.send("GET /a HTTP/1.1\r\nHo");
  const auto answer = peer.answer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_EQ(silent.answer().status, 408);
}

TEST(Server, HeadThatDripsIs408AllTheSame) {
  RunningServer server({.header_time_max = 1s}, router());
  RawPeer peer(server.port());
  std::atomic<bool> answered = false;
  std::thread drip([&] {
    peer.send("GET /a HTTP/1.1\r\nHost: g\r\nX: ");
    while (!answered && peer.send("x")) std::this_thread::sleep_for(20ms);
  });
  EXPECT_EQ(peer.answer().status, 408);
  answered = true;
  drip.join();
}

TEST(Server, SlowBodyIs408) {
  RunningServer server({.body_time_max = 1s}, router());
  RawPeer counted(server.port());
  counted.send("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nab");
  RawPeer chunked(server.port());
  chunked.send("POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
  EXPECT_EQ(counted.answer().status, 408);
  EXPECT_EQ(chunked.answer().status, 408);
}

TEST(Server, IdleConnectionIsClosedInSilence) {
  RunningServer server({.idle_time_max = 1s}, router());
  RawPeer peer(server.port());
  peer.send(get_a);
  EXPECT_EQ(peer.answer().status, 200);
  EXPECT_TRUE(peer.sees_close());
}

TEST(Server, RequestThatEndsEarlyIs400) {
  RunningServer server({}, router());
  for (const char* bytes : {"GET /a HT", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nab",
                            "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"}) {
    RawPeer peer(server.port());
    peer.send(bytes);
    peer.end_sending();
    EXPECT_EQ(peer.answer().status, 400) << bytes;
    EXPECT_TRUE(peer.sees_close());
  }
}

TEST(Server, ConnectionBeyondTheLimitIs503AndAPlaceThatIsFreedIsUsed) {
  RunningServer server({.threads = 2, .connections_max = 2}, router());
  auto first = std::make_unique<RawPeer>(server.port());
  RawPeer second(server.port());
  for (RawPeer* one : {first.get(), &second}) {
    one->send(get_a);
    EXPECT_EQ(one->answer().status, 200);
  }
  for (int i = 0; i < 20; ++i) {
    RawPeer third(server.port());
    third.send(get_a);
    const auto answer = third.answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body, R"({"error":"Too many connections"})");
  }
  first.reset();
  int status = 503;
  for (int i = 0; i < 2000 && status == 503; ++i) {
    RawPeer again(server.port());
    again.send(get_a);
    status = again.answer().status;
    if (status == 503) std::this_thread::sleep_for(1ms);  // the loop that frees the place must come to run
  }
  EXPECT_EQ(status, 200);
}

TEST(Server, TwoHundredConnectionsAtOnceAreAllServed) {
  RunningServer server({.threads = 2}, router());
  std::vector<RawPeer> peers;
  for (int i = 0; i < 200; ++i) peers.emplace_back(server.port());
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const std::string body = std::to_string(i);
      peers[i].send("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    for (std::size_t i = 0; i < peers.size(); ++i) EXPECT_EQ(peers[i].answer().body, std::to_string(i));
  }
}

// A handler that waits until the test lets it go, as one that waits for the store does.
struct Slow {
  std::binary_semaphore entered{0};
  std::atomic<bool> may_go = false;

  Router router() {
    Router made;
    made.add(Method::get, "/a", hello);
    made.add(Method::get, "/slow", [this](const Request&) -> awaitable<Response> {
      entered.release();
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      while (!may_go) {
        timer.expires_after(5ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
      }
      co_return json_response(200, R"({"slow":true})");
    });
    return made;
  }
};

TEST(Server, StoppingFinishesAnswersUnderWayAndClosesIdleConnections) {
  Slow slow;
  RunningServer server({.threads = 2}, slow.router());
  RawPeer idle(server.port());
  idle.send(get_a);
  EXPECT_EQ(idle.answer().status, 200);
  RawPeer busy(server.port());
  busy.send("GET /slow HTTP/1.1\r\nHost: g\r\n\r\n");
  slow.entered.acquire();
  server.server().stop();
  server.server().stop();
  EXPECT_TRUE(idle.sees_close());
  slow.may_go = true;
  const auto answer = busy.answer();
  EXPECT_EQ(answer.body, R"({"slow":true})");
  EXPECT_TRUE(answer.has("Connection: close"));
  server.wait();
  EXPECT_FALSE(RawPeer(server.port()).connected());
}

TEST(Server, StoppingDoesNotWaitForAHandlerBeyondTheDrainTime) {
  platform::set_log_sink([](std::string_view) {});
  Slow slow;
  RunningServer server({.drain_time_max = 1s}, slow.router());
  RawPeer busy(server.port());
  busy.send("GET /slow HTTP/1.1\r\nHost: g\r\n\r\n");
  slow.entered.acquire();
  server.stop();
  platform::set_log_sink({});
}

TEST(Server, StopBeforeRunLetsRunReturn) {
  auto server = Server::listen({}, router());
  ASSERT_TRUE(server.has_value());
  (*server)->stop();
  (*server)->run();
}

TEST(Server, RequestsThatHaveArrivedWhenItStopsAreAnswered) {
  for (int round = 0; round < 20; ++round) {
    RunningServer server({.threads = 2}, router());
    std::vector<RawPeer> peers;
    for (int i = 0; i < 20; ++i) {
      peers.emplace_back(server.port());
      peers.back().send(get_a);
    }
    for (const RawPeer& one : peers) ASSERT_TRUE(one.has_arrived());
    server.server().stop();
    for (RawPeer& one : peers) EXPECT_EQ(one.answer().status, 200);
    server.wait();
  }
}

TEST(Server, ObserverIsToldOfAnswersAndRefusals) {
  std::mutex mutex;
  std::vector<std::pair<std::string, int>> seen;
  {
    RunningServer server({}, router(), [&](const Exchange& exchange) {
      const std::scoped_lock lock(mutex);
      seen.emplace_back(exchange.request.path, exchange.response.status);
      EXPECT_FALSE(exchange.request.id.empty());
      EXPECT_EQ(exchange.request.peer_address, "127.0.0.1");
      EXPECT_LT(exchange.duration, 1h);
    });
    RawPeer peer(server.port());
    peer.send(get_a);
    peer.answer();
    peer.send("GET /b HTTP/1.1\r\nHost: g\r\n\r\nnonsense\r\n\r\n");
    peer.answer();
    EXPECT_EQ(peer.answer().status, 400);
  }
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, int>>{{"/a", 200}, {"/b", 404}, {"", 400}}));
}

TEST(Server, ObserverIsToldHowLongARefusalTookThatNoRequestPreceded) {
  std::atomic<int> refused = 0;
  RunningServer server({.connections_max = 0}, router(), [&](const Exchange& exchange) {
    if (exchange.response.status == 503 && exchange.duration < 1h) ++refused;
  });
  RawPeer peer(server.port());
  EXPECT_EQ(peer.answer().status, 503);
  server.stop();
  EXPECT_EQ(refused, 1);
}

TEST(Server, PeerThatVanishesHarmsNobody) {
  RunningServer server({}, router());
  for (int i = 0; i < 200; ++i) {
    RawPeer peer(server.port());
    peer.send(i % 2 == 0 ? get_a : get_a.substr(0, 10));
  }
  RawPeer peer(server.port());
  peer.send(get_a);
  EXPECT_EQ(peer.answer().status, 200);
}

TEST(Server, AnswersOnIpv6) {
  auto server = Server::listen({.host = "[::1]"}, router());
  if (!server) {  // a machine without IPv6: then it is said so
    EXPECT_TRUE(server.error().what.starts_with("[::1]:0")) << server.error().text();
    return;
  }
  std::thread thread([&] { (*server)->run(); });
  {
    RawPeer peer((*server)->port(), AF_INET6);
    peer.send("GET /peer HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    EXPECT_EQ(peer.answer().body, "::1");
  }
  (*server)->stop();
  thread.join();
}

}  // namespace
}  // namespace jeton::http
