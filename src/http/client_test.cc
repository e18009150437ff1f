#include "http/client.h"

#include "http/test_peer.h"

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <future>

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

TEST(Fetch, RequestArrivesAndTheAnswerComesBack) {
  RunningServer server({}, router());
  FetchRequest request{.method = Method::post, .url = url_of(server.port(), "/echo?q=1"), .body = "hello"};
  request.headers.add("X-A", "a");
  request.headers.add("x-a", "b");
  const auto response = fetch(request);
  ASSERT_TRUE(response.has_value()) << response.error().text();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "hello|q=1");
  EXPECT_EQ(response->headers.all("x-b"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(fetch({.method = Method::post, .url = url_of(server.port(), "/echo")})->body, "|");
  EXPECT_EQ(fetch({.method = Method::head, .url = url_of(server.port(), "/echo")})->body, "");
  EXPECT_EQ(fetch({.url = "http://localhost:" + std::to_string(server.port()) + "/none"})->status, 404);
}

TEST(Fetch, RedirectIsNotFollowed) {
  RunningServer server({}, router());
  const auto response = fetch({.url = url_of(server.port(), "/redirect")});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->body, "");
}

TEST(Fetch, AnswerInAnyOfTheThreeFramingsIsRead) {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
                            "HTTP/1.0 200 OK\r\n\r\nabc",
                            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"}) {
    const Scripted server(bytes);
    const auto response = fetch({.url = url_of(server.port(), "/")});
    ASSERT_TRUE(response.has_value()) << response.error().text();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "abc");
  }
}

TEST(Fetch, AnswerThatIsTooLargeCutOffOrMalformedIsAFault) {
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
    const auto response = fetch({.url = url_of(server.port(), "/x?secret=1"), .body_bytes_max = 100});
    ASSERT_FALSE(response.has_value()) << what;
    EXPECT_NE(response.error().what.find(what), std::string::npos) << response.error().what;
    EXPECT_EQ(response.error().what.find("secret"), std::string::npos);
  }
}

TEST(Fetch, ServerThatNeverAnswersIsGivenUp) {
  const Scripted server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false);
  const auto response = fetch({.url = url_of(server.port(), "/"), .time_max = 200ms});
  ASSERT_FALSE(response.has_value());
  EXPECT_NE(response.error().what.find("no whole answer within 200 ms"), std::string::npos) << response.error().what;
}

TEST(Fetch, NobodyThereIsSaidSo) {
  std::uint16_t port = 0;
  {
    const Scripted gone("");
    port = gone.port();
  }
  const auto response = fetch({.url = url_of(port, "/jwks")});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().what, url_of(port, "/jwks") + ": nothing listens there (connection refused).");
}

TEST(Fetch, PlainHttpIsSpokenWithThisMachineAlone) {
  const auto response = fetch({.url = "http://192.0.2.1/", .time_max = 5s});
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().text(), "http://192.0.2.1/: plain http is spoken with this machine alone. Use https.");
}

TEST(Fetch, FieldThatWouldForgeAnotherIsNotSent) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"X", "a\r\nY: b"}, {"X\r\nY", "a"}, {"Host", "h"}, {"content-length", "1"}}) {
    FetchRequest request{.url = "http://127.0.0.1:1/"};
    request.headers.add(name, value);
    EXPECT_EQ(fetch(request).error().what, "a header field cannot be sent.");
  }
}

}  // namespace
}  // namespace jeton::http
