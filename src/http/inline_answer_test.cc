#include "http/inline_answer.h"

#include "http/server.h"
#include "http/test_peer.h"
#include "platform/log.h"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace jeton::http {
namespace {

using boost::asio::awaitable;

awaitable<Response> from_router(const Request& request) {
  co_return json_response(200, "router " + request.path + request.body);
}

// Answers what lies under /now, and leaves the rest to the router.
void answer_now(const InlineRequest& request, InlineAnswer& answer) {
  const std::string_view path = request.head.path;
  if (!path.starts_with("/now")) return;
  if (path == "/now/throw") throw std::runtime_error("on purpose");
  if (path.starts_with("/now/later")) {
    return answer.later([text = std::string(path)](InlineAnswer& late) -> awaitable<void> {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(1));
      co_await timer.async_wait(boost::asio::use_awaitable);
      if (text.ends_with("silent")) co_return;
      late.status(203);
      if (text.ends_with("throw")) throw std::runtime_error("on purpose");
      late.body(text);
    });
  }
  answer.status(path == "/now/refused" ? 403 : 200);
  if (path == "/now/split") answer.field("X-User", "a\r\nSet-Cookie: stolen");
  if (path == "/now/late-throw") throw std::runtime_error("on purpose");
  if (const auto* user = request.head.find("x-user")) answer.field("X-Echo", user->value);
  if (path != "/now/empty") answer.body(path);
}

Router router() {
  Router router;
  router.add(Method::get, "/a", from_router);
  router.add(Method::post, "/a", from_router);
  router.add(Method::post, "/now", from_router);
  router.use_inline(answer_now);
  return router;
}

std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: g\r\n" + std::string(more) + "\r\n";
}

TEST(InlineAnswer, ThatIsWaitedForComesInItsTurn) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send(get("/now") + get("/now/later/1") + get("/now/2") + get("/now/later/3") + get("/a") + get("/now/later/4"));
  std::vector<std::string> bodies, ids;
  for (int i = 0; i < 6; ++i) {
    const auto answer = peer.answer();
    bodies.push_back(answer.body);
    const std::size_t at = answer.head.find("X-Request-Id: ");
    ids.push_back(answer.head.substr(at, answer.head.find("\r\n", at) - at));
    EXPECT_EQ(answer.status, bodies.back().starts_with("/now/later") ? 203 : 200);
  }
  EXPECT_EQ(bodies,
            (std::vector<std::string>{"/now", "/now/later/1", "/now/2", "/now/later/3", "router /a", "/now/later/4"}));
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(ids[i].ends_with("-" + std::to_string(i + 1))) << ids[i];
  peer.send("HEAD /now/later HTTP/1.1\r\nHost: g\r\n\r\n");
  const auto head = peer.answer(true);
  EXPECT_EQ(head.status, 203);
  EXPECT_TRUE(head.has("Content-Length: 10"));
  peer.send(get("/now/later", "Connection: close\r\n"));
  EXPECT_TRUE(peer.answer().has("Connection: close"));
  EXPECT_TRUE(peer.sees_close());
}

TEST(InlineAnswer, ThatIsWaitedForAndNeverMadeIs500) {
  RunningServer server({}, router());
  for (const char* path : {"/now/later/throw", "/now/later/silent"}) {
    RawPeer peer(server.port());
    peer.send(get(path) + get("/now"));
    EXPECT_EQ(peer.answer().status, 500) << path;
    EXPECT_EQ(peer.answer().body, "/now");
  }
}

TEST(InlineAnswer, ThatIsWaitedForIsGivenBeforeTheServerStops) {
  std::atomic<bool> asked = false;
  Router slow;
  slow.use_inline([&](const InlineRequest&, InlineAnswer& answer) {
    answer.later([&](InlineAnswer& late) -> awaitable<void> {
      asked = true;
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(50));
      co_await timer.async_wait(boost::asio::use_awaitable);
      late.status(200);
      late.body("whole");
    });
  });
  RunningServer server({}, std::move(slow));
  RawPeer peer(server.port());
  peer.send(get("/"));
  while (!asked) std::this_thread::yield();
  server.stop();
  EXPECT_EQ(peer.answer().body, "whole");
  EXPECT_TRUE(peer.sees_close());
}

TEST(InlineAnswer, IsWholeAndTheConnectionStaysOpen) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  for (int i = 0; i < 3; ++i) {
    peer.send(get("/now", "X-User: ann\r\n"));
    const auto answer = peer.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "/now");
    EXPECT_TRUE(answer.has("X-Echo: ann"));
    EXPECT_TRUE(answer.has("Content-Length: 4"));
    EXPECT_NE(answer.head.find("-" + std::to_string(i + 1) + "\r\n"), std::string::npos) << answer.head;
  }
  peer.send(get("/now/refused"));
  EXPECT_EQ(peer.answer().status, 403);
  peer.send(get("/now/empty"));
  EXPECT_TRUE(peer.answer().has("Content-Length: 0"));
}

TEST(InlineAnswer, PipelinedRequestsOfBothKindsAreAnsweredInOrder) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send(get("/now/1") + get("/now/2") + get("/a") + "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nhi" +
            get("/now/3") + "POST /now HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nho" + get("/now/4"));
  for (const char* body : {"/now/1", "/now/2", "router /a", "router /ahi", "/now/3", "router /nowho", "/now/4"}) {
    EXPECT_EQ(peer.answer().body, body);
  }
}

TEST(InlineAnswer, ThousandsOfPipelinedRequestsAreAllAnswered) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  constexpr int requests = 5'000;
  std::thread sender([&] {
    for (int i = 0; i < requests; ++i) peer.send(get("/now/" + std::to_string(i)));
  });
  int in_order = 0;
  for (int i = 0; i < requests; ++i) in_order += peer.answer().body == "/now/" + std::to_string(i) ? 1 : 0;
  sender.join();
  EXPECT_EQ(in_order, requests);
}

TEST(InlineAnswer, RequestThatComesByteByByteIsAnswered) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  for (int i = 0; i < 2; ++i) {
    for (const char c : get("/now")) peer.send({&c, 1});
    EXPECT_EQ(peer.answer().body, "/now");
  }
}

TEST(InlineAnswer, HeadOfHostileFormIsRefusedAsByTheRouter) {
  RunningServer server({}, router());
  for (const char* bytes : {"GET /now HTTP/1.1\r\n\r\n", "GET /now HTTP/1.1\r\nHost: g\r\nX: a\r\n b\r\n\r\n",
                            "GET /now HTTP/1.1\nHost: g\n\n", "GET /now/../a HTTP/1.1\r\nHost: g\r\n\r\n",
                            "GET /now HTTP/1.1\r\nHost: g\r\nX: a\x01\r\n\r\n"}) {
    RawPeer peer(server.port());
    peer.send(get("/now") + bytes + get("/now"));
    EXPECT_EQ(peer.answer().status, 200);
    EXPECT_EQ(peer.answer().status, 400) << bytes;
    peer.end_sending();
    EXPECT_TRUE(peer.sees_close());
  }
}

TEST(InlineAnswer, ConnectionCloseAndHttp10AreKept) {
  RunningServer server({}, router());
  RawPeer closing(server.port());
  closing.send(get("/now", "Connection: close\r\n") + get("/now"));
  EXPECT_TRUE(closing.answer().has("Connection: close"));
  closing.end_sending();
  EXPECT_TRUE(closing.sees_close());
  RawPeer old(server.port());
  old.send("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(old.answer().has("Connection: keep-alive"));
  old.send("GET /now HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.answer().body, "/now");
  EXPECT_TRUE(old.sees_close());
}

TEST(InlineAnswer, HeadHasTheLengthAndNoBody) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send("HEAD /now HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_TRUE(peer.answer(true).has("Content-Length: 4"));
  peer.send(get("/now"));
  EXPECT_EQ(peer.answer().body, "/now");
}

TEST(InlineAnswer, ThatCannotBeSentIs500AndSaysNothingOfWhatItHeld) {
  platform::set_log_sink([](std::string_view) {});
  RunningServer server({}, router());
  RawPeer peer(server.port());
  for (const char* path : {"/now/split", "/now/throw", "/now/late-throw"}) {
    peer.send(get(path));
    const auto answer = peer.answer();
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_EQ(answer.head.find("stolen"), std::string::npos);
  }
  peer.send(get("/now"));
  EXPECT_EQ(peer.answer().status, 200);
  server.stop();
  platform::set_log_sink({});
}

TEST(InlineAnswer, IdleConnectionClosesWhenTheServerStops) {
  RunningServer server({}, router());
  RawPeer peer(server.port());
  peer.send(get("/now"));
  EXPECT_EQ(peer.answer().status, 200);
  server.stop();
  EXPECT_TRUE(peer.sees_close());
}

}  // namespace
}  // namespace jeton::http
