#include "http/cors.h"

#include "http/test_peer.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

TEST(Origin, IsAcceptedAsBrowsersSpellItAndOtherwiseCorrected) {
  for (const std::string_view good : {"https://app.example.com", "http://localhost:5173", "https://[2001:db8::1]:8443"})
    EXPECT_EQ(objection_to_origin(good), "") << good;
  for (const std::string_view bad : {"*", "null", "", "app.example.com", "https://app.example.com/",
                                     "https://*.example.com", "https://App.example.com", "https://app.example.com:443",
                                     "http://localhost:80", "ftp://app.example.com", "https://user@app.example.com"}) {
    EXPECT_NE(objection_to_origin(bad), "") << bad;
  }
  EXPECT_EQ(objection_to_origin("https://App.example.com:443/x"),
            "must be spelled as browsers send it: \"https://app.example.com\"");
}

class Cors : public ::testing::Test {
 protected:
  Router router() {
    Router made;
    made.add(Method::get, "/data", [this](const Request&) -> boost::asio::awaitable<Response> {
      ++calls_;
      Response answer = json_response(200, "{}");
      answer.headers.add("Vary", "Accept");
      co_return answer;
    });
    made.add(Method::post, "/data", [this](const Request&) -> boost::asio::awaitable<Response> {
      ++calls_;
      co_return json_response(401, "{}");
    });
    made.use_cors([this] { return policy_; });
    return made;
  }
  RawAnswer ask(std::string_view head) {
    RawPeer peer(server_.port());
    peer.send(std::string(head) + "Host: id.example.com\r\nContent-Length: 0\r\n\r\n");
    return peer.answer();
  }

  std::shared_ptr<const CorsPolicy> policy_ =
      std::make_shared<const CorsPolicy>(CorsPolicy{.origins = {"https://app.example.com"},
                                                    .request_headers = {"Authorization", "Content-Type"},
                                                    .exposed_headers = {"Retry-After"}});
  std::atomic<int> calls_ = 0;
  RunningServer server_{{}, router()};
};

TEST_F(Cors, APreflightIsAnsweredBeforeAnyHandler) {
  const RawAnswer answer =
      ask("OPTIONS /data HTTP/1.1\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: POST\r\n");
  EXPECT_EQ(answer.status, 204);
  EXPECT_TRUE(answer.has("Access-Control-Allow-Origin: https://app.example.com")) << answer.head;
  EXPECT_TRUE(answer.has("Access-Control-Allow-Credentials: true"));
  EXPECT_TRUE(answer.has("Access-Control-Allow-Methods: GET, HEAD, POST"));
  EXPECT_TRUE(answer.has("Access-Control-Allow-Headers: Authorization, Content-Type"));
  EXPECT_TRUE(answer.has("Access-Control-Max-Age: 600"));
  EXPECT_EQ(calls_, 0);
}

TEST_F(Cors, APreflightOfAnotherOriginIsRefused) {
  for (const std::string origin :
       {"https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com",
        "https://app.example.com:444", "https://APP.example.com"}) {
    const RawAnswer answer =
        ask("OPTIONS /data HTTP/1.1\r\nOrigin: " + origin + "\r\nAccess-Control-Request-Method: POST\r\n");
    EXPECT_EQ(answer.status, 403) << origin;
    EXPECT_EQ(answer.head.find("Access-Control-"), std::string::npos) << answer.head;
    EXPECT_TRUE(answer.has("Vary: Origin"));
  }
}

// OPTIONS alone is no preflight, and what only looks like one goes its ordinary way.
TEST_F(Cors, OptionsAloneIsAnOrdinaryRequest) {
  EXPECT_EQ(ask("OPTIONS /data HTTP/1.1\r\n").status, 405);
  EXPECT_EQ(ask("OPTIONS /data HTTP/1.1\r\nOrigin: https://app.example.com\r\n").status, 405);
  EXPECT_EQ(ask("OPTIONS /data HTTP/1.1\r\nAccess-Control-Request-Method: POST\r\n").status, 405);
  EXPECT_EQ(ask("OPTIONS /data HTTP/1.1\r\nOrigin: https://app.example.com\r\nOrigin: https://app.example.com\r\n"
                "Access-Control-Request-Method: POST\r\n")
                .status,
            405);
  EXPECT_EQ(
      ask("POST /data HTTP/1.1\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: GET\r\n").status,
      401)
      << "a preflight's headers on another method gain nothing";
  EXPECT_EQ(calls_, 1);
}

TEST_F(Cors, AnswersMayBeReadByTheNamedOriginAloneRefusalsToo) {
  for (const std::string_view method : {"GET", "POST"}) {
    const RawAnswer ours = ask(std::string(method) + " /data HTTP/1.1\r\nOrigin: https://app.example.com\r\n");
    EXPECT_TRUE(ours.has("Access-Control-Allow-Origin: https://app.example.com")) << ours.head;
    EXPECT_TRUE(ours.has("Access-Control-Expose-Headers: Retry-After"));
    EXPECT_TRUE(ours.has("Vary: Origin"));
    const RawAnswer other = ask(std::string(method) + " /data HTTP/1.1\r\nOrigin: https://evil.example\r\n");
    EXPECT_EQ(other.head.find("Access-Control-"), std::string::npos) << other.head;
    EXPECT_TRUE(other.has("Vary: Origin")) << "the other answer must not be kept for this one";
  }
  EXPECT_TRUE(ask("GET /data HTTP/1.1\r\n").has("Vary: Accept")) << "what the handler said stays";
  EXPECT_TRUE(ask("GET /nowhere HTTP/1.1\r\nOrigin: https://app.example.com\r\n").has("Vary: Origin"));
}

TEST_F(Cors, WithNoOriginNamedNothingIsSaidOfOrigins) {
  policy_ = std::make_shared<const CorsPolicy>();
  EXPECT_EQ(ask("GET /data HTTP/1.1\r\nOrigin: https://app.example.com\r\n").head.find("Vary: Origin"),
            std::string::npos);
  EXPECT_EQ(
      ask("OPTIONS /data HTTP/1.1\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: GET\r\n").status,
      403);
}

}  // namespace
}  // namespace jeton::http
