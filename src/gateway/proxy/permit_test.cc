// What lasts ends with its token: the proxy with a guard, a clock that tests set, and a table of revocations.
#include "gateway/proxy/proxy_decision.h"
#include "gateway/proxy/test_origin.h"
#include "guard/feed/reader.h"
#include "platform/log.h"

#include <jeton/agent.h>
#include <jeton/jws.h>
#include <jeton/revocation_table.h>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;
using http::UpstreamError;
using namespace std::chrono_literals;

constexpr UnixTime noon = from_unix_seconds(1'700'000'000);
constexpr char issuer[] = "https://id.example.com";
constexpr std::chrono::seconds leeway{30};
constexpr std::string_view switched =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
constexpr std::string_view events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
constexpr std::string_view close_1008 = "\x88\x09\x03\xf0";  // and "expired", or "revoked"

struct SetClock final : platform::ClockSource {
  std::atomic<UnixTime> at = noon;
  std::chrono::sys_time<std::chrono::milliseconds> now() const override { return at.load(); }
};

class LastingExchange : public testing::Test {
 protected:
  LastingExchange() {
    platform::set_log_sink([this](std::string_view line) {
      const std::scoped_lock lock(mutex_);
      lines_.emplace_back(line);
    });
  }
  ~LastingExchange() override {
    go_on_ = true;  // also after a test that has failed
    go_on_.notify_all();
    proxy_.reset();
    origin_.reset();
    platform::set_log_sink({});
  }

  void begin(Origin::Script script, StreamsUntil until = StreamsUntil::expiry, WhenStale when_stale = WhenStale::allow,
             http::ServerOptions options = {}) {
    origin_ = std::make_unique<Origin>(std::move(script));
    upstream_ = *http::Upstream::create({.name = "origin", .servers = {origin_->url()}});
    until_ = until;
    when_stale_ = when_stale;
    take({key_.verification_key()});
    options.paths = http::PathReading::raw;
    const auto decide = [this](const http::RequestHead& head, const Trace& trace) {
      return decider_.decide(head, trace);
    };
    proxy_ = std::make_unique<http::RunningServer>(
        std::move(options), http::Router(), http::Observer(),
        proxy_service({.decide = decide,
                       .observer =
                           [this](const Relayed& relayed) {
                             if (relayed.permit_ended) decider_.record_end(relayed);
                             ++told_;
                             told_.notify_all();
                           },
                       .objection = [this](const Permit& permit) { return decider_.objection_later(permit); }}));
  }
  // The rulebook is written with these keys, as after a change at the issuer.
  void take(std::vector<VerificationKey> keys) {
    Verifier verifier{{.issuer = issuer,
                       .audience = AudienceRule::must_include("api"),
                       .keys = KeySet(std::move(keys)),
                       .leeway = leeway}};
    Policy policy{.authentication = Authentication::optional, .audiences = {"api"}, .when_stale = when_stale_};
    auto routes = Routes::build(
        {{.name = "all", .match = {.path = "/**"}, .policy = policy, .upstream = "origin", .streams_until = until_}});
    Guard guard(verifier, *routes,
                {.revocations = &table_, .can_introspect = when_stale_ == WhenStale::introspect});
    DecisionCounters counters(metrics_, guard.routes());
    Rulebook book{guard, verifier, std::move(counters)};
    book.upstreams.emplace("origin", upstream_);
    rulebook_.replace(std::make_shared<const Rulebook>(std::move(book)));
  }
  // Good until noon and ten minutes.
  RawPeer ask(const std::string& token_id, const std::string& more = "") {
    Value payload = Value::object();
    payload.set("iss", issuer).set("aud", "api").set("sub", "u1").set("jti", token_id);
    payload.set("exp", to_unix_seconds(noon) + 600);
    const std::string token = jws_sign(key_, payload.to_json(), {.typ = "at+jwt"}).value();
    RawPeer peer(proxy_->port());
    peer.send("GET /a HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer " + token + "\r\n" + more + "\r\n");
    return peer;
  }
  RawPeer ask_websocket(const std::string& token_id) {
    return ask(token_id,
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "Sec-WebSocket-Version: 13\r\n");
  }
  void hear(std::vector<feed::Entry> entries) {
    const std::int64_t seconds = to_unix_seconds(clock_.at.load());
    table_.apply(issuer,
                 {.head = {.issuer = issuer, .epoch = "first", .time = seconds * 1000}, .entries = std::move(entries)},
                 clock_.at.load(), Agent::monotonic());
  }
  void revoke(const std::string& token_id, RevocationReason reason = RevocationReason::revoked) {
    hear({{.number = ++number_,
           .revocation = {.kind = RevocationKind::token,
                          .reason = reason,
                          .subject = token_id,
                          .expires_at = to_unix_seconds(noon) + 100'000}}});
  }
  // A stream begins while the feed is heard, which then falls silent.
  void end_unheard(WhenStale when_stale);
  // Of an exchange that ended by itself.
  void wait_until_told(unsigned exchanges) {
    for (unsigned told = told_; told < exchanges; told = told_) told_.wait(told);
  }
  std::string lines() {
    const std::scoped_lock lock(mutex_);
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }
  bool counted(std::string_view stage, std::string_view reason) {
    return metrics_.text().find("jeton_gateway_exchanges_ended_total{stage=\"" + std::string(stage) + "\",reason=\"" +
                                std::string(reason) + "\"} 1") != std::string::npos;
  }

  SetClock clock_;
  SigningKey key_ = SigningKey::generate(Algorithm::es256);
  platform::Metrics metrics_;
  RevocationTable table_{{.issuers = {{issuer}}}};
  CurrentRulebook rulebook_;
  DecisionRecorder recorder_{metrics_, {}};
  ProxyDecider decider_{rulebook_, recorder_, clock_};
  StreamsUntil until_ = StreamsUntil::expiry;
  WhenStale when_stale_ = WhenStale::allow;
  std::shared_ptr<http::Upstream> upstream_;
  std::atomic<unsigned> told_ = 0;
  // For the origin's scripts, which go on until the fixture ends and must name nothing that ends before.
  std::atomic<bool> go_on_ = false;
  std::atomic<unsigned> arrived_ = 0;
  std::atomic<std::size_t> received_ = 0;
  std::uint64_t number_ = 0;
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::unique_ptr<Origin> origin_;
  std::unique_ptr<http::RunningServer> proxy_;
};

// Says `first` and then nothing; what the proxy sends after the head is counted until it ends the connection.
Origin::Script says(std::string first, std::atomic<std::size_t>* received = nullptr) {
  return [first = std::move(first), received](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send(first);
    while (true) {
      const std::size_t size = peer.bytes(1).size();
      if (size == 0) break;
      if (received != nullptr) *received += size;
    }
  };
}

void LastingExchange::end_unheard(WhenStale when_stale) {
  hear({});
  begin(says(std::string(events)), StreamsUntil::expiry, when_stale);
  RawPeer peer = ask("a");
  EXPECT_EQ(peer.answer(true).status, 200);
  peer.received_until("1\n\n\r\n");
  table_.apply(issuer,
               {.head = {.issuer = issuer, .epoch = "first", .time = to_unix_seconds(noon) * 1000 + 86'400'000}}, noon,
               Agent::monotonic());  // from a clock that is ahead: it says nothing of freshness
  ASSERT_TRUE(peer.closed_within(20s));
  wait_until_told(1);
  EXPECT_TRUE(counted("events", "stale_revocations")) << metrics_.text();
}

TEST_F(LastingExchange, WebSocketIsClosedWhenItsTokenExpires) {
  begin(says(std::string(switched), &received_));
  RawPeer peer = ask_websocket("a");
  EXPECT_EQ(peer.answer(true).status, 101);
  clock_.at = noon + 600s + leeway;
  EXPECT_EQ(peer.received_until("expired"), std::string(close_1008) + "expired");
  peer.send("what is said now goes nowhere");
  peer.end_sending();
  EXPECT_TRUE(peer.sees_close());
  origin_->stop();
  EXPECT_EQ(received_, 0U);
  wait_until_told(1);
  EXPECT_TRUE(counted("websocket", "expired")) << metrics_.text();
  const std::string log = lines();
  for (const std::string_view part : {"exchange ended", R"("stage":"websocket")", R"("reason":"expired")",
                                      R"("route":"all")", R"("subject":"u1")", R"("path":"/a")"})
    EXPECT_NE(log.find(part), std::string::npos) << part << log;
  EXPECT_EQ(log.find("eyJ"), std::string::npos);
}

// mission row 15: revocation is brought to what lasts too.
TEST_F(LastingExchange, ThatIsRevokedEndsAndItsNeighbourGoesOn) {
  begin([this](OriginPeer& peer, unsigned) {
    const std::string head = peer.head();
    const bool upgrades = head.find("Upgrade: websocket") != std::string::npos;
    peer.send(upgrades ? switched : events);
    if (upgrades) {
      while (peer.send(peer.bytes(1)) && !peer.bytes(1).empty()) {
      }
      return;
    }
    go_on_.wait(false);
    peer.send("data: 2\n\n");
    peer.bytes(1);
  });
  RawPeer revoked_socket = ask_websocket("a"), good_socket = ask_websocket("b");
  RawPeer revoked_events = ask("c"), good_events = ask("d");
  for (RawPeer* const peer : {&revoked_socket, &good_socket}) EXPECT_EQ(peer->answer(true).status, 101);
  for (RawPeer* const peer : {&revoked_events, &good_events}) {
    EXPECT_EQ(peer->answer(true).status, 200);
    EXPECT_EQ(peer->received_until("1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  }
  revoke("a");
  revoke("c", RevocationReason::stale_claims);
  EXPECT_EQ(revoked_socket.received_until("revoked"), std::string(close_1008) + "revoked");
  revoked_socket.end_sending();
  EXPECT_TRUE(revoked_socket.sees_close());
  EXPECT_FALSE(revoked_events.sees_close());  // reset: it cannot pass for the end
  EXPECT_EQ(revoked_events.received(), "");
  go_on_ = true;
  go_on_.notify_all();
  EXPECT_EQ(good_events.received_until("2\n\n\r\n"), "9\r\ndata: 2\n\n\r\n");
  good_socket.send("x");
  EXPECT_EQ(good_socket.received_until("x"), "x");
  wait_until_told(2);
  EXPECT_TRUE(counted("websocket", "revoked")) << metrics_.text();
  EXPECT_TRUE(counted("events", "stale_claims")) << metrics_.text();
}

TEST_F(LastingExchange, AnswerThatIsCutNeverPassesForAWholeOne) {
  const std::vector<std::string> rows = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",  // in the middle of a chunk
      "HTTP/1.1 200 OK\r\n\r\nok",                                     // until the connection closes
  };
  for (const std::string& answer : rows) {
    clock_.at = noon;
    begin(says(answer));
    RawPeer peer = ask("a");
    EXPECT_EQ(peer.answer(true).status, 200);
    peer.received_until("ok");
    clock_.at = noon + 600s + leeway;
    EXPECT_FALSE(peer.sees_close()) << answer;
    EXPECT_EQ(peer.received().find("0\r\n\r\n"), std::string::npos) << answer;
    wait_until_told(1);
    proxy_.reset();
    told_ = 0;
  }
}

TEST_F(LastingExchange, WhatHasNoAnswerYetIsRefusedAsANewRequestWouldBe) {
  begin([this](OriginPeer& peer, unsigned) {
    if (peer.head().find("chunked") != std::string::npos) peer.until("hi\r\n");
    ++arrived_;
    arrived_.notify_all();
    while (!peer.bytes(1).empty()) {
    }
  });
  RawPeer waits = ask("a");
  RawPeer uploads = ask("b", "Transfer-Encoding: chunked\r\n");
  uploads.send("2\r\nhi\r\n");
  for (unsigned seen = arrived_; seen < 2; seen = arrived_) arrived_.wait(seen);
  revoke("a");
  clock_.at = noon + 1s;
  const RawAnswer revoked = waits.answer();
  EXPECT_EQ(revoked.status, 401);
  EXPECT_EQ(revoked.body, R"({"error":"Token revoked"})");
  EXPECT_NE(revoked.head.find("WWW-Authenticate: Bearer"), std::string::npos);
  clock_.at = noon + 600s + leeway;
  const RawAnswer expired = uploads.answer();
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.body, R"({"error":"Token expired"})");
  EXPECT_TRUE(expired.has("Connection: close"));
  wait_until_told(2);
  EXPECT_TRUE(counted("request", "revoked") && counted("request", "expired")) << metrics_.text();
}

TEST_F(LastingExchange, GoesOnUntilTheLeewayHasPassed) {
  begin([this](OriginPeer& peer, unsigned) {
    peer.head();
    peer.send(events);
    go_on_.wait(false);
    peer.send("data: 2\n\n");
    peer.bytes(1);
  });
  RawPeer peer = ask("a");
  EXPECT_EQ(peer.answer(true).status, 200);
  clock_.at = noon + 600s + leeway - 1s;
  RawPeer witness = ask("b");  // whose end shows that there was a look
  EXPECT_EQ(witness.answer(true).status, 200);
  revoke("b");
  witness.received_until("1\n\n\r\n");
  EXPECT_FALSE(witness.sees_close());
  go_on_ = true;
  go_on_.notify_all();
  EXPECT_EQ(peer.received_until("2\n\n\r\n"), "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n");
  clock_.at = noon + 600s + leeway;
  EXPECT_FALSE(peer.sees_close());
}

// Beside witnesses of the usual kind, whose ends show that there was a look.
TEST_F(LastingExchange, OfARouteThatLetsItLastUntilClosedOutlivesExpiryAndRevocation) {
  begin(says(std::string(events)), StreamsUntil::closed);
  RawPeer peer = ask("closed");
  EXPECT_EQ(peer.answer(true).status, 200);
  peer.received_until("1\n\n\r\n");
  until_ = StreamsUntil::expiry;
  take({key_.verification_key()});  // a new policy is for new requests
  RawPeer witness = ask("witness");
  EXPECT_EQ(witness.answer(true).status, 200);
  witness.received_until("1\n\n\r\n");
  clock_.at = noon + 86'400s;
  EXPECT_FALSE(witness.sees_close());
  EXPECT_FALSE(peer.closed_within(0ms));
  clock_.at = noon;
  revoke("closed");
  RawPeer second = ask("second");
  EXPECT_EQ(second.answer(true).status, 200);
  second.received_until("1\n\n\r\n");
  revoke("second");
  EXPECT_FALSE(second.sees_close());  // two looks after the first was revoked
  EXPECT_FALSE(peer.closed_within(0ms));
}

TEST_F(LastingExchange, EndsWithItsKey) {
  begin(says(std::string(events)));
  const SigningKey other = SigningKey::generate(Algorithm::es256);
  RawPeer peer = ask("a");
  EXPECT_EQ(peer.answer(true).status, 200);
  peer.received_until("1\n\n\r\n");
  take({other.verification_key(), key_.verification_key()});
  take({other.verification_key()});
  EXPECT_FALSE(peer.sees_close());
  wait_until_told(1);
  EXPECT_TRUE(counted("events", "unknown_key")) << metrics_.text();
}

TEST_F(LastingExchange, OfARouteThatDeniesWhenStaleEndsWhenTheFeedIsNotHeard) { end_unheard(WhenStale::deny); }

// A new request would be asked about; what lasts is not asked about again, and so may not outlast a revocation.
TEST_F(LastingExchange, OfARouteThatAsksWhenStaleEndsWhenTheFeedIsNotHeard) { end_unheard(WhenStale::introspect); }

TEST_F(LastingExchange, WithoutATokenEndsByItselfAlone) {
  begin(says(std::string(events)));
  RawPeer peer(proxy_->port());
  peer.send("GET /a HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(peer.answer(true).status, 200);
  peer.received_until("1\n\n\r\n");
  RawPeer witness = ask("a");
  EXPECT_EQ(witness.answer(true).status, 200);
  witness.received_until("1\n\n\r\n");
  clock_.at = noon + 86'400s;
  EXPECT_FALSE(witness.sees_close());
  EXPECT_FALSE(peer.closed_within(0ms));
}

// A Close frame in the middle of another would be taken for what that one says.
TEST_F(LastingExchange, WebSocketInTheMiddleOfAFrameIsReset) {
  const std::string huge = std::string(switched) + std::string("\x82\x7f\0\0\0\1\0\0\0\0", 10) + "begun";  // 4 GiB
  begin(says(huge));
  RawPeer peer = ask_websocket("a");
  EXPECT_EQ(peer.answer(true).status, 101);
  peer.received_until("begun");
  clock_.at = noon + 600s + leeway;
  EXPECT_FALSE(peer.sees_close());
  EXPECT_EQ(peer.received(), "");
}

TEST_F(LastingExchange, WebSocketThatWasClosedByItsServerGetsNoSecondClose) {
  const std::string closed = std::string(switched) + std::string("\x88\x02\x03\xe8", 4);
  begin(says(closed));
  RawPeer peer = ask_websocket("a");
  EXPECT_EQ(peer.answer(true).status, 101);
  EXPECT_EQ(peer.received_until("\x03\xe8"), closed.substr(switched.size()));
  clock_.at = noon + 600s + leeway;
  EXPECT_FALSE(peer.sees_close());
  EXPECT_EQ(peer.received(), "");
}

// Who reads nothing cannot keep what is being written to it open.
TEST_F(LastingExchange, EndsForAClientThatDoesNotRead) {
  begin([](OriginPeer& peer, unsigned) {
    const bool upgrades = peer.head().find("Upgrade: websocket") != std::string::npos;
    peer.send(upgrades ? std::string(switched) + std::string("\x82\x7f\0\0\1\0\0\0\0\0", 10)
                       : std::string("HTTP/1.1 200 OK\r\n\r\n"));
    const std::string piece(64 * 1024, 'x');
    while (peer.send(piece)) {
    }
  });
  RawPeer socket = ask_websocket("a"), download = ask("b");
  EXPECT_EQ(socket.answer(true).status, 101);
  EXPECT_EQ(download.answer(true).status, 200);
  clock_.at = noon + 600s + leeway;
  wait_until_told(2);
  EXPECT_FALSE(socket.sees_close());
  EXPECT_FALSE(download.sees_close());
}

// Half-closed, either way, and a client that talks on.
TEST_F(LastingExchange, WebSocketThatIsHalfClosedEndsToo) {
  begin([](OriginPeer& peer, unsigned connection) {
    peer.head();
    peer.send(switched);
    if (connection == 1) peer.end_sending();
    while (!peer.bytes(1).empty()) {
    }
    peer.sees_close();
  });
  RawPeer by_server = ask_websocket("a");
  EXPECT_EQ(by_server.answer(true).status, 101);
  EXPECT_EQ(by_server.received_until("x"), "");
  RawPeer by_client = ask_websocket("b");
  EXPECT_EQ(by_client.answer(true).status, 101);
  by_client.end_sending();
  clock_.at = noon + 600s + leeway;
  while (by_server.send("y")) std::this_thread::sleep_for(10ms);
  by_client.received_until("expired");
  by_client.sees_close();
  wait_until_told(2);
}

TEST_F(LastingExchange, ProxyStopsWhileWhatLastsEnds) {
  begin(says(std::string(switched)));
  std::vector<RawPeer> peers;
  for (int i = 0; i < 50; ++i) {
    peers.push_back(ask_websocket("a"));
    EXPECT_EQ(peers.back().answer(true).status, 101);
  }
  clock_.at = noon + 600s + leeway;
  peers.front().received_until("expired");
  proxy_->stop();
  EXPECT_EQ(told_, 50U);
}

}  // namespace
}  // namespace jeton::gateway
