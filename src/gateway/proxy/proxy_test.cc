// The proxy before a server that does as each test says.
#include "gateway/proxy/proxy.h"

#include "gateway/proxy/test_origin.h"

#include <gtest/gtest.h>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;
using http::UpstreamError;
using namespace std::chrono_literals;

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n";
constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers every request alike, for as long as the proxy asks.
Origin::Script always(std::string_view answer) {
  return [answer](OriginPeer& peer, unsigned) {
    while (!peer.head().empty() && peer.send(answer)) {
    }
  };
}

TEST(Proxy, RequestsGoThroughOnOneConnectionEachWay) {
  Origin origin(always(ok));
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  for (int i = 0; i < 5; ++i) {
    peer.send(get_a);
    const RawAnswer answer = peer.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "ok");
    EXPECT_FALSE(answer.has("Connection: close"));
  }
  EXPECT_EQ(origin.connections(), 1U);
}

TEST(Proxy, PipelinedRequestsAreAnsweredInOrder) {
  Origin origin([](OriginPeer& peer, unsigned) {
    for (std::string head; !(head = peer.head()).empty();) {
      const std::string path = head.substr(4, head.find(' ', 4) - 4);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path);
    }
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("GET /1 HTTP/1.1\r\nHost: g\r\n\r\nGET /2 HTTP/1.1\r\nHost: g\r\n\r\nGET /3 HTTP/1.1\r\nHost: g\r\n\r\n");
  for (const char* path : {"/1", "/2", "/3"}) EXPECT_EQ(peer.answer().body, path);
}

TEST(Proxy, RefusedRequestNeverReachesTheOrigin) {
  Origin origin(always(ok));
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("POST /refused HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nhi");
  const RawAnswer answer = peer.answer();
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, R"({"error":"Access token required"})");
  EXPECT_EQ(origin.connections(), 0U);
}

TEST(Proxy, BodiesStreamBothWaysAtOnce) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(peer.until("\r\n"), "3\r\n");
      const std::string piece = peer.bytes(5);
      peer.send("3\r\n" + piece);
    }
    EXPECT_EQ(peer.until("\r\n\r\n"), "0\r\n\r\n");
    peer.send("0\r\nX-Trailer: dropped\r\n\r\n");
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(peer.answer(true).status, 200);
  for (const char* piece : {"abc", "def", "ghi"}) {
    peer.send(std::string("3\r\n") + piece + "\r\n");
    EXPECT_EQ(peer.received_until(std::string(piece) + "\r\n"), std::string("3\r\n") + piece + "\r\n");
  }
  peer.send("0\r\nX-Trailer: dropped\r\n\r\n");
  EXPECT_EQ(peer.received_until("0\r\n\r\n"), "0\r\n\r\n");
}

// mission row 20: what goes wrong behind the gateway is told, and ends nothing else.
TEST(Proxy, FaultsOfTheOriginAreToldAndNeverPassForAnAnswer) {
  struct Row {
    const char* what;
    std::string_view answer;
    int status;
  };
  const std::vector<Row> rows = {
      {"closes", "", 502},
      {"no HTTP", "hello\r\n\r\n", 502},
      {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 502},
      {"length and coding", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 502},
      {"equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 502},
      {"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", 502},
      {"unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", 502},
      {"folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", 502},
      {"control character", "HTTP/1.1 200 OK\r\nX: a\x01\r\nContent-Length: 2\r\n\r\nok", 502},
      {"HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok", 502},
      {"status 99", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", 502},
      {"status 600", "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok", 502},
      {"upgrade nobody asked for",
       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 502},
      {"twin: fine", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200},
      {"twin: no phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200},
      {"twin: until close", "HTTP/1.0 200 OK\r\n\r\nok", 200},
  };
  for (const Row& row : rows) {
    Origin origin([&](OriginPeer& peer, unsigned) {
      peer.head();
      peer.send(row.answer);
    });
    RunningProxy proxy({.servers = {origin.url()}, .retries_max = 0});
    RawPeer peer(proxy.port());
    peer.send(get_a);
    const RawAnswer answer = peer.answer();
    EXPECT_EQ(answer.status, row.status) << row.what;
    if (row.status == 502) EXPECT_EQ(answer.body, R"({"error":"Bad gateway"})") << row.what;
    if (row.status == 502) EXPECT_FALSE(answer.has("Connection: close")) << row.what;
  }
}

TEST(Proxy, AnswerThatIsCutIsCutForTheClientToo) {
  for (const std::string_view answer : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"}) {
    for (const bool reset : {false, true}) {
      std::atomic<bool> passed_on = false;
      Origin origin([&](OriginPeer& peer, unsigned) {
        peer.head();
        peer.send(answer);
        passed_on.wait(false);
        if (reset) peer.reset();
      });
      RunningProxy proxy({.servers = {origin.url()}, .retries_max = 0});
      RawPeer peer(proxy.port());
      peer.send(get_a);
      EXPECT_EQ(peer.answer(true).status, 200);
      peer.received_until("ok");
      passed_on = true;
      passed_on.notify_all();
      EXPECT_FALSE(peer.sees_close());  // a reset: it cannot pass for the end
      EXPECT_EQ(peer.received().find("0\r\n\r\n"), std::string::npos) << answer;
    }
  }
}

// As long as nothing of it has been sent, there is a better answer than half of one.
TEST(Proxy, AnswerThatIsWrongFromItsBeginningIsABadGateway) {
  for (const std::string_view body :
       {"2\r\nokX", "g\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "2;a b\r\nok\r\n0\r\n\r\n"}) {
    Origin origin([&](OriginPeer& peer, unsigned) {
      peer.head();
      peer.send(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").append(body));
      peer.sees_close();
    });
    RunningProxy proxy({.servers = {origin.url()}});
    RawPeer peer(proxy.port());
    peer.send(get_a);
    EXPECT_EQ(peer.answer().status, 502) << body;
  }
}

TEST(Proxy, OldClientGetsABodyOfUnknownLengthUntilTheConnectionCloses) {
  Origin origin(always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("GET /a HTTP/1.0\r\nHost: g\r\nConnection: keep-alive\r\n\r\n");
  const RawAnswer answer = peer.answer(true);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_EQ(answer.head.find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(peer.received_until("ok"), "ok");
  EXPECT_TRUE(peer.sees_close());
}

// What comes beyond an answer's end is nobody's: the next client on that connection must not get it.
TEST(Proxy, AnswerBeyondTheAnswerIsNeverGivenToTheNextRequest) {
  Origin origin([](OriginPeer& peer, unsigned connection) {
    peer.head();
    const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    peer.send(connection == 1 ? std::string(ok) + poison : std::string(ok));
    if (!peer.head().empty()) peer.send(ok);
  });
  RunningProxy proxy({.servers = {origin.url()}});
  for (int i = 0; i < 2; ++i) {
    RawPeer peer(proxy.port());
    peer.send(get_a);
    EXPECT_EQ(peer.answer().body, "ok");
  }
  EXPECT_EQ(origin.connections(), 2U);
}

TEST(Proxy, AnswersWithoutABodyHaveNone) {
  Origin origin([](OriginPeer& peer, unsigned) {
    for (std::string head; !(head = peer.head()).empty();) {
      if (head.starts_with("HEAD"))
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
      else if (head.starts_with("DELETE"))
        peer.send("HTTP/1.1 204 No Content\r\n\r\n");
      else
        peer.send("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n");
    }
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("HEAD /a HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_TRUE(peer.answer(true).has("Content-Length: 1234"));
  peer.send("DELETE /a HTTP/1.1\r\nHost: g\r\n\r\n");
  const RawAnswer deleted = peer.answer(true);
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.head.find("Content-Length"), std::string::npos);
  peer.send(get_a);
  const RawAnswer unchanged = peer.answer(true);
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_TRUE(unchanged.has("ETag: \"x\""));
  EXPECT_EQ(origin.connections(), 1U);
}

TEST(Proxy, ConnectionThatTheOriginClosedAtRestIsNotNoticedByAClient) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send(ok);  // and closes, though it did not say so
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  for (int i = 0; i < 20; ++i) {
    peer.send(get_a);
    EXPECT_EQ(peer.answer().status, 200) << i;
  }
}

// Whether it is sent again when the connection ends before a byte of the answer.
TEST(Proxy, OnlySafeRequestsAreSentAgain) {
  const std::vector<std::tuple<const char*, std::string_view, unsigned, int>> rows = {
      {"GET", get_a, 2, 200},
      {"HEAD", "HEAD /a HTTP/1.1\r\nHost: g\r\n\r\n", 2, 200},
      {"OPTIONS", "OPTIONS /a HTTP/1.1\r\nHost: g\r\n\r\n", 2, 200},
      {"POST", "POST /a HTTP/1.1\r\nHost: g\r\n\r\n", 1, 502},
      {"PUT", "PUT /a HTTP/1.1\r\nHost: g\r\n\r\n", 1, 502},
      {"DELETE", "DELETE /a HTTP/1.1\r\nHost: g\r\n\r\n", 1, 502},
      {"PATCH", "PATCH /a HTTP/1.1\r\nHost: g\r\n\r\n", 1, 502},
      {"made up", "FETCH /a HTTP/1.1\r\nHost: g\r\n\r\n", 1, 502},
      {"GET with a body", "GET /a HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\n\r\nx", 1, 502},
  };
  for (const auto& [what, request, seen, status] : rows) {
    Origin origin([](OriginPeer& peer, unsigned connection) {
      peer.head();
      if (connection > 1) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    RunningProxy proxy({.servers = {origin.url()}});
    RawPeer peer(proxy.port());
    peer.send(request);
    EXPECT_EQ(peer.answer(true).status, status) << what;
    EXPECT_EQ(origin.connections(), seen) << what;
  }
}

TEST(Proxy, RequestOfWhichAnAnswerBeganIsNotSentAgain) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 2");
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  EXPECT_EQ(peer.answer().status, 502);
  EXPECT_EQ(origin.connections(), 1U);
}

TEST(Proxy, ServerThatIsNotThereIsPassedOver) {
  Origin gone(always(ok));
  const std::string gone_url = gone.url();
  gone.stop();
  Origin origin(always(ok));
  RunningProxy both({.servers = {gone_url, origin.url()}});
  for (int i = 0; i < 6; ++i) {
    RawPeer peer(both.port());
    peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    EXPECT_EQ(peer.answer().status, 200) << i;
  }
  RunningProxy none({.servers = {gone_url}});
  RawPeer peer(none.port());
  peer.send(get_a);
  const RawAnswer answer = peer.answer();
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.body, R"({"error":"Bad gateway"})");
}

TEST(Proxy, SilentOriginIsGivenUp) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.sees_close();
  });
  RunningProxy proxy({.servers = {origin.url()}, .first_byte_time_max = 50ms});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  const RawAnswer answer = peer.answer();
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.body, R"({"error":"Gateway timeout"})");
}

TEST(Proxy, OriginThatStopsInTheMiddleIsGivenUp) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok");
    peer.sees_close();
  });
  RunningProxy proxy({.servers = {origin.url()}, .idle_time_max = 50ms});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  EXPECT_EQ(peer.answer(true).status, 200);
  EXPECT_FALSE(peer.sees_close());  // it is reset, not closed
}

TEST(Proxy, EarlyAnswerIsPassedOnWhileTheBodyIsStillSent) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    peer.sees_close();
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 100000000\r\n\r\n");
  const RawAnswer answer = peer.answer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "big");
  EXPECT_TRUE(answer.has("Connection: close"));
}

TEST(Proxy, EarlyAnswerOfAnOriginThatClosesAtOnceIsPassedOn) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    peer.end_sending();
    while (!peer.bytes(100'000).empty()) {
    }
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  for (int i = 0; i < 50 && peer.send(chunk); ++i) {
  }
  EXPECT_EQ(peer.answer().status, 413);
}

TEST(Proxy, BodyThatEndsEarlyNeverPassesForAWholeOne) {
  for (const std::string_view body :
       {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    std::string seen;
    Origin origin([&](OriginPeer& peer, unsigned) {
      peer.head();
      seen = peer.bytes(100);
      peer.send(ok);
    });
    {
      RunningProxy proxy({.servers = {origin.url()}});
      RawPeer peer(proxy.port());
      peer.send(std::string("POST /a HTTP/1.1\r\nHost: g\r\n").append(body));
      peer.end_sending();
      EXPECT_EQ(peer.answer().status, 400);
    }
    origin.stop();
    EXPECT_EQ(seen.find("0\r\n\r\n"), std::string::npos);
    EXPECT_LT(seen.size(), 10U);
  }
}

TEST(Proxy, ClientIsToldToGoOnAndTheOriginIsNotAsked) {
  std::string seen;
  Origin origin([&](OriginPeer& peer, unsigned) {
    seen = peer.head();
    EXPECT_EQ(peer.bytes(3), "abc");
    peer.send(ok);
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send("PUT /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.answer(true).status, 100);
  peer.send("abc");
  EXPECT_EQ(peer.answer().status, 200);
  origin.stop();
  EXPECT_EQ(seen.find("Expect"), std::string::npos);
}

TEST(Proxy, InterimAnswersGoThroughBut100) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n");
    peer.send(ok);
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  const RawAnswer hints = peer.answer(true);
  EXPECT_EQ(hints.status, 103);
  EXPECT_TRUE(hints.has("Link: </x.css>"));
  EXPECT_EQ(peer.answer().status, 200);
  RawPeer old(proxy.port());
  old.send("GET /a HTTP/1.0\r\nHost: g\r\n\r\n");
  EXPECT_EQ(old.answer().status, 200);
}

TEST(Proxy, WebSocketIsATunnelOnceTheOriginAgrees) {
  std::string seen;
  Origin origin([&](OriginPeer& peer, unsigned) {
    seen = peer.head();
    peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
    EXPECT_EQ(peer.bytes(5), "early");
    while (true) {
      const std::string bytes = peer.bytes(4);
      if (bytes.empty()) break;
      peer.send(bytes);
    }
    peer.send("bye");
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send(
      "GET /ws HTTP/1.1\r\nHost: g\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nearly");
  const RawAnswer answer = peer.answer(true);
  EXPECT_EQ(answer.status, 101);
  EXPECT_TRUE(answer.has("Upgrade: websocket"));
  EXPECT_TRUE(answer.has("Connection: Upgrade"));
  EXPECT_EQ(peer.received_until("hello"), "hello");
  peer.send("ping");
  EXPECT_EQ(peer.received_until("ping"), "ping");
  peer.end_sending();
  EXPECT_EQ(peer.received_until("bye"), "bye");
  EXPECT_TRUE(peer.sees_close());
  origin.stop();
  EXPECT_NE(seen.find("Upgrade: websocket\r\n"), std::string::npos);
}

TEST(Proxy, ConnectionOnWhichAnUpgradeWasRefusedIsNotUsedAgain) {
  Origin origin(always(ok));
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send(
      "GET /ws HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 200);
  peer.send(get_a);
  EXPECT_EQ(peer.answer().status, 200);
  EXPECT_EQ(origin.connections(), 2U);
}

// h2c and every other protocol: the upgrade is not passed on, the request is.
TEST(Proxy, OtherUpgradesAreNotPassedOn) {
  std::string seen;
  Origin origin([&](OriginPeer& peer, unsigned) {
    seen = peer.head();
    peer.send(ok);
  });
  {
    RunningProxy proxy({.servers = {origin.url()}});
    RawPeer peer(proxy.port());
    peer.send(
        "GET /a HTTP/1.1\r\nHost: g\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
        "AAMA\r\n\r\n");
    EXPECT_EQ(peer.answer().status, 200);
  }
  origin.stop();
  EXPECT_EQ(seen.find("h2c"), std::string::npos);
  EXPECT_EQ(seen.find("HTTP2-Settings"), std::string::npos);
}

TEST(Proxy, EventsArePassedOnOneByOneAndEndWellWhenTheProxyStops) {
  Origin origin([](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    peer.sees_close();
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  EXPECT_EQ(peer.answer(true).status, 200);
  EXPECT_EQ(peer.received_until("1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  proxy.server().server().stop();
  EXPECT_EQ(peer.received_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_TRUE(peer.sees_close());
}

TEST(Proxy, ExchangeUnderWayIsFinishedWhenTheProxyStops) {
  std::atomic<bool> stopping = false;
  Origin origin([&](OriginPeer& peer, unsigned) {
    peer.head();
    stopping.wait(false);
    peer.send(ok);
  });
  RunningProxy proxy({.servers = {origin.url()}});
  RawPeer peer(proxy.port());
  peer.send(get_a);
  while (origin.connections() == 0) std::this_thread::yield();
  proxy.server().server().stop();
  stopping = true;
  stopping.notify_all();
  const RawAnswer answer = peer.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok");
  proxy.server().wait();
}

TEST(Proxy, TraceAndConnectAreRefusedAndCirclesEnd) {
  Origin origin(always(ok));
  RunningProxy proxy({.servers = {origin.url()}});
  for (const auto& [request, status] : std::vector<std::pair<std::string, int>>{
           {"TRACE /a HTTP/1.1\r\nHost: g\r\n\r\n", 405},
           {"CONNECT /a HTTP/1.1\r\nHost: g\r\n\r\n", 405},
           {"get /a HTTP/1.1\r\nHost: g\r\n\r\n", 405},
           {"GET /a HTTP/1.1\r\nHost: g\r\nVia: 1.1 jeton, 1.1 jeton, 1.1 jeton, 1.1 jeton\r\n\r\n", 200},
           {"GET /a HTTP/1.1\r\nHost: g\r\nVia: 1.1 jeton, 1.1 jeton, 1.1 jeton, 1.1 jeton\r\n"
            "Via: 1.1 jeton, 1.1 jeton, 1.1 jeton, 1.1 jeton\r\n\r\n",
            508}}) {
    RawPeer peer(proxy.port());
    peer.send(request);
    EXPECT_EQ(peer.answer().status, status) << request;
  }
  EXPECT_EQ(origin.connections(), 1U);
}

}  // namespace
}  // namespace jeton::gateway
