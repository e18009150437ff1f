// The proxy with a guard before it: what must not reach the origin does not, and the origin counts what it saw.
#include "gateway/proxy/test_origin.h"

#include <jeton/guard.h>
#include <jeton/path.h>
#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

class GuardedProxy : public testing::Test {
 protected:
  std::string token(const std::string& subject = "u1", const std::string& audience = "api") {
    const Signer signer{key_, {.issuer = "i", .audiences = {audience}, .lifetime = 900s}};
    return signer.sign(Claims{subject}.with("name", "a\r\nX-Admin: 1"), now).value();
  }
  Guard guard() {
    Policy open{.authentication = Authentication::optional, .audiences = {"api"}};
    open.pass = {{{"sub"}, *HeaderName::of("X-Auth-User")}, {{"name"}, *HeaderName::of("X-Auth-Name")}};
    Policy closed = open;
    closed.authentication = Authentication::required;
    auto routes = Routes::build({{.name = "all", .match = {.path = "/**"}, .policy = open},
                                 {.name = "admin", .match = {.path = "/admin/**"}, .policy = closed}});
    return Guard{
        Verifier{
            {.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet({key_.verification_key()})}},
        *routes};
  }
  boost::asio::awaitable<ProxyDecision> decide(const http::RequestHead& head) {
    const http::Request& request = head.request;
    const auto authorization = request.headers.all("Authorization");
    auto path = canonical_path(request.path);
    if (!path) co_return http::json_response(400, R"({"error":"Invalid path"})");
    const Decision decision = guard_.decide({.method = head.method_name(),
                                             .host = request.host,
                                             .path = *path,
                                             .query = request.query,
                                             .authorization = authorization},
                                            now);
    if (const Refused* const refused = decision.refused()) {
      http::Response response;
      response.status = refused->answer.status;
      for (const auto& [name, value] : refused->answer.headers) response.headers.add(name, value);
      response.body = refused->answer.body;
      co_return response;
    }
    Forward forward{.upstream = upstream_, .path = std::move(*path)};
    for (const HeaderName& name : guard_.routes().passed_headers()) forward.remove.push_back(name.text());
    for (const PassedHeader& one : decision.allowed()->pass)
      forward.set.emplace_back(one.name->text(), one.value.text());
    co_return forward;
  }
  static std::shared_ptr<http::Upstream> made(const std::string& url) {
    return *http::Upstream::create({.name = "origin", .servers = {url}});
  }
  static http::ServerOptions options() {
    http::ServerOptions options;
    options.paths = http::PathReading::raw;
    return options;
  }
  std::string last_head() {
    const std::lock_guard lock(mutex_);
    return last_head_;
  }

  SigningKey key_ = SigningKey::generate(Algorithm::es256);
  Guard guard_ = guard();
  std::atomic<unsigned> seen_ = 0;
  std::mutex mutex_;
  std::string last_head_;
  Origin origin_{[this](OriginPeer& peer, unsigned) {
    for (std::string head; !(head = peer.head()).empty();) {
      ++seen_;
      {
        const std::lock_guard lock(mutex_);
        last_head_ = head;
      }
      if (head.find("chunked") != std::string::npos) peer.until("0\r\n\r\n");
      if (head.find("Content-Length: 6") != std::string::npos) peer.bytes(6);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  }};
  std::shared_ptr<http::Upstream> upstream_ = made(origin_.url());
  http::RunningServer proxy_{
      options(), {}, {}, proxy_service({.decide = [this](const http::RequestHead& head, const Trace&) {
        return decide(head);
      }})};
};

struct Row {
  const char* id;
  std::string bytes;
  int status;
  unsigned up;  // requests that the origin may see
};

// The raw requests of the list of hostile inputs, with their near relations and their twins.
TEST_F(GuardedProxy, HostileRequestsNeverReachTheOrigin) {
  const std::string good = "Authorization: Bearer " + token() + "\r\n";
  const std::string bad = "Authorization: Bearer " + token("u1", "other") + "\r\n";
  const std::string post = "POST /a HTTP/1.1\r\nHost: g\r\n";
  const std::vector<Row> rows = {
      {"H00 control", "GET /a HTTP/1.1\r\nHost: g\r\n\r\n", 200, 1},
      {"H01", "POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400,
       0},
      {"H01 other order", post + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG", 400, 0},
      {"H01 twin: length", post + "Content-Length: 6\r\n\r\n0\r\n\r\nG", 200, 1},
      {"two lengths", post + "Content-Length: 6\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG", 400, 0},
      {"H06",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\n",
       400, 0},
      {"H06 xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, 0},
      {"H06 identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, 0},
      {"H06 twin", post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, 1},
      {"H11", post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400, 0},
      {"H12", post + "Transfer-Encoding: chunked\r\n\r\n1\r\naX0\r\n\r\n", 400, 0},
      {"H12 twin", post + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n", 200, 1},
      {"H07", "GET /a HTTP/1.1\r\nHost: g\r\nX: a\r\n b\r\n\r\n", 400, 0},
      {"H08", "GET / HTTP/1.1\nHost: g\n\n", 400, 0},
      {"two hosts", "GET /a HTTP/1.1\r\nHost: g\r\nHost: h\r\n\r\n", 400, 0},
      {"no host", "GET /a HTTP/1.1\r\n\r\n", 400, 0},
      {"absolute form", "GET http://h/a HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"NUL", std::string("GET /a HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n"sv), 400, 0},
      {"H15", "GET /a HTTP/1.1\r\nHost: g\r\n" + good + bad + "\r\n", 400, 0},
      {"H15 twice the same", "GET /a HTTP/1.1\r\nHost: g\r\n" + good + good + "\r\n", 400, 0},
      {"H15 twin", "GET /a HTTP/1.1\r\nHost: g\r\n" + good + "\r\n", 200, 1},
      {"wrong audience", "GET /a HTTP/1.1\r\nHost: g\r\n" + bad + "\r\n", 403, 0},
      {"H17", "GET /a/%2e%2e/admin HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"H17 slashes", "GET //admin HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"H17 encoded letter", "GET /%61dmin HTTP/1.1\r\nHost: g\r\n\r\n", 401, 0},
      {"H17 encoded letter, allowed", "GET /%61dmin HTTP/1.1\r\nHost: g\r\n" + good + "\r\n", 200, 1},
      {"H17 parameter", "GET /a/..;/admin HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"H17 NUL", "GET /admin%00 HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"H17 backslash", "GET /a\\..\\admin HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"H17 encoded slash", "GET /a%2f..%2fadmin HTTP/1.1\r\nHost: g\r\n\r\n", 400, 0},
      {"H17 slash behind", "GET /admin/ HTTP/1.1\r\nHost: g\r\n\r\n", 401, 0},
      {"H20",
       "POST /a?access_token=" + token() +
           " HTTP/1.1\r\nHost: g\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
       400, 0},
  };
  for (const Row& row : rows) {
    const unsigned before = seen_;
    RawPeer peer(proxy_.port());
    peer.send(row.bytes);
    const RawAnswer answer = peer.answer();
    EXPECT_EQ(answer.status, row.status) << row.id;
    peer.end_sending();
    peer.sees_close();
    EXPECT_EQ(seen_ - before, row.up) << row.id;
  }
}

// Whose body begins well has begun to go on when it is refused; what the origin saw of it is a request without an end.
TEST_F(GuardedProxy, MalformedChunksAreRefusedAndNothingBehindThemIsARequest) {
  for (const char* body :
       {"FFFFFFFFFFFFFFFFF\r\n", "1\r\naX0\r\n\r\n", "1\naX0\r\n\r\n", "-1\r\na\r\n", "0x1\r\na\r\n"}) {
    RawPeer peer(proxy_.port());
    peer.send(std::string("POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n") + body +
              "GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n");
    const RawAnswer answer = peer.answer();
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_TRUE(answer.has("Connection: close")) << body;
    peer.end_sending();
    EXPECT_TRUE(peer.sees_close()) << body;
    EXPECT_EQ(last_head().find("smuggled"), std::string::npos);
  }
}

// mission row 9: the claims are with the request, and nobody else's word is.
TEST_F(GuardedProxy, ClaimsArriveAndForgedOnesDoNot) {
  RawPeer peer(proxy_.port());
  peer.send(
      "GET /a HTTP/1.1\r\nHost: g\r\nX-Auth-User: admin\r\nx_auth_user: admin\r\nX-Auth-Name: admin\r\n"
      "Connection: X-Auth-User\r\nAuthorization: Bearer " +
      token("u1") + "\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 200);
  EXPECT_NE(last_head().find("X-Auth-User: u1\r\n"), std::string::npos);
  EXPECT_EQ(last_head().find("admin"), std::string::npos);
  // H16: a claim with a line end in it stays one value of one field.
  EXPECT_EQ(last_head().find("\r\nX-Admin"), std::string::npos);
  EXPECT_NE(last_head().find("X-Auth-Name: a%0D%0AX-Admin: 1\r\n"), std::string::npos) << last_head();
  peer.send("GET /a HTTP/1.1\r\nHost: g\r\nX-Auth-User: admin\r\n\r\n");  // nobody signed in: nobody's name
  EXPECT_EQ(peer.answer().status, 200);
  EXPECT_EQ(last_head().find("X-Auth-User"), std::string::npos);
}

// The path that was decided on is the path that goes on, in one spelling.
TEST_F(GuardedProxy, PathGoesOnAsItWasDecidedOn) {
  RawPeer peer(proxy_.port());
  peer.send("GET /%7euser/%c3%a9?q=%2e%2e HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(peer.answer().status, 200);
  EXPECT_TRUE(last_head().starts_with("GET /~user/%C3%A9?q=%2e%2e HTTP/1.1\r\n")) << last_head();
}

}  // namespace
}  // namespace jeton::gateway
