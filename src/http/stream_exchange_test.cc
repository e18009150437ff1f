// A handler that gets a request with its body unread, and answers piece by piece.
#include "http/stream_exchange.h"

#include "http/response_writer.h"
#include "http/test_peer.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

// Sends each piece of the body back as it comes; /refuse answers unread, /break ends in the middle, /throw throws.
class Echo : public StreamService {
 public:
  awaitable<void> serve(StreamExchange& exchange) override {
    const std::string& path = exchange.request().path;
    if (path == "/refuse") {
      co_await exchange.answer(error_response(401, "no"));
      co_return;
    }
    if (path == "/throw") throw std::runtime_error("on purpose");
    co_await exchange.invite_body();
    std::size_t pieces = 0;
    while (true) {
      const auto piece = co_await exchange.read_body();
      if (!piece) {
        if (!exchange.answer_begun() && piece.error().status != 0)
          co_await exchange.answer(error_response(piece.error().status, piece.error().error));
        co_return;
      }
      if (!exchange.answer_begun()) co_await exchange.begin_answer(Response{}, {.kind = AnswerLength::Kind::unknown});
      if (piece->empty()) break;
      if (path == "/break" && ++pieces == 2) co_return;
      co_await exchange.write_piece(*piece);
    }
    co_await exchange.end_answer();
  }
};

std::unique_ptr<StreamService> make_echo(boost::asio::io_context&) { return std::make_unique<Echo>(); }

ServerOptions options() {
  ServerOptions options;
  options.stream.body_bytes_max = 100;
  options.paths = PathReading::raw;
  return options;
}

TEST(StreamExchange, BodyComesBackInPiecesAndTheConnectionStays) {
  RunningServer server(options(), {}, {}, make_echo);
  RawPeer peer(server.port());
  peer.send(
      "POST /%61 HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: "
      "x\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_FALSE(peer.answer(true).has("Connection: close"));
  EXPECT_EQ(peer.received_until("0\r\n\r\n"), "7\r\nabcdefg\r\n0\r\n\r\n");
  EXPECT_FALSE(peer.answer(true).has("Connection: close"));
  EXPECT_EQ(peer.received_until("0\r\n\r\n"), "2\r\nhi\r\n0\r\n\r\n");
}

TEST(StreamExchange, AnswerBegunBeforeTheBodyHasEndedIsTheLastOne) {
  RunningServer server(options(), {}, {}, make_echo);
  RawPeer peer(server.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  EXPECT_TRUE(peer.answer(true).has("Connection: close"));
  EXPECT_EQ(peer.received_until("abc\r\n"), "3\r\nabc\r\n");
  peer.send("1\r\nd\r\n0\r\n\r\nGET /refuse HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(peer.received_until("0\r\n\r\n"), "1\r\nd\r\n0\r\n\r\n");
  peer.end_sending();
  EXPECT_TRUE(peer.sees_close());
}

TEST(StreamExchange, MalformedBodyIsRefusedAndTheConnectionCloses) {
  RunningServer server(options(), {}, {}, make_echo);
  const std::vector<std::pair<std::string_view, int>> rows = {
      {"Transfer-Encoding: chunked\r\n\r\n1\r\naX0\r\n\r\n", 400},
      {"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400},
      {"Transfer-Encoding: chunked\r\n\r\nFF\r\n", 413},
      {"Content-Length: 101\r\n\r\n", 413},
  };
  for (const auto& [rest, status] : rows) {
    RawPeer peer(server.port());
    peer.send(std::string("POST /a HTTP/1.1\r\nHost: g\r\n").append(rest));
    const RawAnswer answer = peer.answer();
    EXPECT_EQ(answer.status, status) << rest;
    EXPECT_TRUE(answer.has("Connection: close")) << rest;
    peer.end_sending();
    peer.sees_close();
    EXPECT_EQ(peer.received().find("0\r\n\r\n"), std::string::npos);
  }
}

TEST(StreamExchange, AnswerThatWasNotEndedIsCutAndOneThatWasNotBegunIsAnError) {
  RunningServer server(options(), {}, {}, make_echo);
  RawPeer cut(server.port());
  cut.send("POST /break HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  EXPECT_EQ(cut.answer(true).status, 200);
  cut.send("1\r\nb\r\n");
  cut.sees_close();
  EXPECT_EQ(cut.received().find("0\r\n\r\n"), std::string::npos);
  RawPeer thrown(server.port());
  thrown.send("GET /throw HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(thrown.answer().status, 500);
}

TEST(StreamExchange, BodyThatIsNotReadClosesTheConnectionUnlessItIsHere) {
  RunningServer server(options(), {}, {}, make_echo);
  RawPeer here(server.port());
  here.send("POST /refuse HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_FALSE(here.answer().has("Connection: close"));
  here.send("GET /refuse HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(here.answer().status, 401);
  RawPeer away(server.port());
  away.send("POST /refuse HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const RawAnswer answer = away.answer();
  EXPECT_EQ(answer.status, 401);
  EXPECT_TRUE(answer.has("Connection: close"));
}

TEST(StreamExchange, ClientThatWaitsForContinueIsToldToGoOn) {
  RunningServer server(options(), {}, {}, make_echo);
  RawPeer peer(server.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.answer(true).status, 100);
  peer.send("abc");
  EXPECT_EQ(peer.answer(true).status, 200);
}

TEST(StreamExchange, BodyThatStallsIsToldSo) {
  ServerOptions impatient = options();
  impatient.stream.body_idle_time_max = 50ms;
  RunningServer server(impatient, {}, {}, make_echo);
  RawPeer peer(server.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 408);
}

// A rate that no sender reaches, so that only the time the server waits decides; and the echo is taken, or the server
// would wait for that and not for the body.
TEST(StreamExchange, BodyThatTricklesIsToldSoThoughItNeverStalls) {
  ServerOptions impatient = options();
  impatient.stream.body_rate_grace = 200ms;
  impatient.stream.body_rate_min = 1'000'000'000;
  impatient.stream.body_bytes_max = 1'000'000;
  RunningServer server(impatient, {}, {}, make_echo);
  RawPeer peer(server.port());
  peer.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 1000000\r\n\r\n");
  bool taken = true;
  for (int i = 0; i < 10'000 && taken; ++i) taken = peer.send("x") && peer.is_quiet_for(1ms);
  EXPECT_FALSE(taken);
}

}  // namespace
}  // namespace jeton::http
