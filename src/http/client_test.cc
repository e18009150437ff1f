#include "http/client.h"

#include "http/streaming_client.h"
#include "http/test_peer.h"

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <utility>

namespace jeton::http {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

awaitable<Response> echo(const Request& request) {
  Response response = json_response(201, request.body + "|" + request.query);
  for (const auto value : request.headers.all("X-A")) response.headers.add("X-B", std::string(value));
  co_return response;
}

awaitable<Response> redirect(const Request&) {
  Response response;
  response.status = 302;
  response.headers.add("Location", "/echo");
  co_return response;
}

Router router() {
  Router router;
  router.add(Method::get, "/echo", echo);
  router.add(Method::post, "/echo", echo);
  router.add(Method::get, "/redirect", redirect);
  return router;
}

std::string url_of(std::uint16_t port, std::string_view target) {
  return "http://127.0.0.1:" + std::to_string(port) + std::string(target);
}

// Holds a port of its own at which nobody listens.
class Unheard {
 public:
  Unheard() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Unheard() { ::close(fd_); }
  std::uint16_t port() const { return port_; }

 private:
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
};

// A listener that gives every peer the same bytes and closes.
class Scripted {
 public:
  explicit Scripted(std::string bytes, bool close_after = true) : bytes_(std::move(bytes)), close_after_(close_after) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 8);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Scripted() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::uint16_t port() const { return port_; }

 private:
  void run() {
    while (true) {
      const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      char request[4096];
      ::recv(peer, request, sizeof request, 0);
      ::send(peer, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
      if (close_after_) ::shutdown(peer, SHUT_WR);
      while (::recv(peer, request, sizeof request, 0) > 0) {  // until the client has gone
      }
      ::close(peer);
    }
  }

  std::string bytes_;
  bool close_after_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Both clients, by the same rules.
using Get = platform::Outcome<Response> (*)(const FetchRequest&);

platform::Outcome<Response> fetch_at_once(const FetchRequest& request) { return fetch(request); }

platform::Outcome<Response> fetch_streamed(const FetchRequest& request) {
  boost::asio::io_context loop;
  StreamingClient client(loop.get_executor(), request.ca_file);
  platform::Outcome<Response> result;
  boost::asio::co_spawn(loop, client.fetch(request),
                        [&](std::exception_ptr failure, platform::Outcome<Response> outcome) {
                          if (!failure) result = std::move(outcome);
                        });
  loop.run();
  return result;
}

class Fetch : public testing::TestWithParam<Get> {};

TEST_P(Fetch, RequestArrivesAndTheAnswerComesBack) {
  RunningServer server({}, router());
  FetchRequest request{.method = Method::post, .url = url_of(server.port(), "/echo?q=1"), .body = "hello"};
  request.headers.add("X-A", "a");
  request.headers.add("x-a", "b");
  const auto response = GetParam()(request);
  ASSERT_TRUE(response.has_value()) << response.error().text();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "hello|q=1");
  EXPECT_EQ(response->headers.all("x-b"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(GetParam()({.method = Method::post, .url = url_of(server.port(), "/echo")})->body, "|");
  EXPECT_EQ(GetParam()({.method = Method::head, .url = url_of(server.port(), "/echo")})->body, "");
  EXPECT_EQ(GetParam()({.url = "http://localhost:" + std::to_string(server.port()) + "/none"})->status, 404);
}

TEST_P(Fetch, RedirectIsNotFollowed) {
  RunningServer server({}, router());
  const auto response = GetParam()({.url = url_of(server.port(), "/redirect")});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->body, "");
}

TEST_P(Fetch, AnswerInAnyOfTheThreeFramingsIsRead) {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
                            "HTTP/1.0 200 OK\r\n\r\nabc",
                            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"}) {
    const Scripted server(bytes);
    const auto response = GetParam()({.url = url_of(server.port(), "/")});
    ASSERT_TRUE(response.has_value()) << response.error().text();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "abc");
  }
}

TEST_P(Fetch, AnswerThatIsTooLargeCutOffOrMalformedIsAFault) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'), "the answer is larger than 100 bytes"},
      {"HTTP/1.0 200 OK\r\n\r\n" + std::string(101, 'x'), "the answer is larger than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x'),
       "the answer is larger than 100 bytes"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "the answer's head is larger than 16384 bytes"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "the connection ended before the answer did"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "the connection ended before the answer did"},
      {"HTTP/1.1 2", "the connection ended before the answer did"},
      {"", "the connection ended before the answer did"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "malformed answer"},
  };
  for (const auto& [bytes, what] : rows) {
    const Scripted server(bytes);
    const auto response = GetParam()({.url = url_of(server.port(), "/x?secret=1"), .body_bytes_max = 100});
    ASSERT_FALSE(response.has_value()) << what;
    EXPECT_NE(response.error().what.find(what), std::string::npos) << response.error().what;
    EXPECT_EQ(response.error().what.find("secret"), std::string::npos);
  }
}

TEST_P(Fetch, ServerThatNeverAnswersIsGivenUp) {
  const Scripted server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false);
  const auto response = GetParam()({.url = url_of(server.port(), "/"), .time_max = 200ms});
  ASSERT_FALSE(response.has_value());
  EXPECT_NE(response.error().what.find("no whole answer within 200 ms"), std::string::npos) << response.error().what;
}

TEST_P(Fetch, NobodyThereIsSaidSo) {
  const Unheard taken;  // bound, so that nobody else comes to listen there meanwhile
  const std::uint16_t port = taken.port();
  const auto response = GetParam()({.url = url_of(port, "/jwks")});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().what, url_of(port, "/jwks") + ": nothing listens there (connection refused).");
}

TEST_P(Fetch, PlainHttpIsSpokenWithThisMachineAlone) {
  const auto response = GetParam()({.url = "http://192.0.2.1/", .time_max = 5s});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().text(), "http://192.0.2.1/: plain http is spoken with this machine alone. Use https.");
}

TEST_P(Fetch, FieldThatWouldForgeAnotherIsNotSent) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"X", "a\r\nY: b"}, {"X\r\nY", "a"}, {"Host", "h"}, {"content-length", "1"}}) {
    FetchRequest request{.url = "http://127.0.0.1:1/"};
    request.headers.add(name, value);
    EXPECT_EQ(GetParam()(request).error().what, "a header field cannot be sent.");
  }
}

// Of a body that never ends the pieces come as they are sent.
TEST(StreamingClient, PiecesComeAsTheyAreSent) {
  const Scripted server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n", false);
  boost::asio::io_context loop;
  StreamingClient client(loop.get_executor(), "");
  std::string first, error;
  const auto follow = [&]() -> awaitable<void> {
    auto answer = co_await client.open({.url = url_of(server.port(), "/")});
    first = (co_await (*answer)->next(20s)).value();
    error = (co_await (*answer)->next(20ms)).error().what;
  };
  boost::asio::co_spawn(loop, follow(), [](std::exception_ptr) {});
  loop.run();
  EXPECT_EQ(first, "one");
  EXPECT_NE(error.find("nothing came for 20 ms"), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(Clients, Fetch, testing::Values(&fetch_at_once, &fetch_streamed),
                         [](const auto& one) { return one.param == &fetch_at_once ? "AtOnce" : "Streamed"; });

}  // namespace
}  // namespace jeton::http
