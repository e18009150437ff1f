// Pages of other origins before the reverse proxy.
#include "gateway/proxy/decided_proxy.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::gateway {
namespace {

constexpr const char* policy = R"(
[defaults]
audience = "api"
[[issuer]]
url = "https://id.example.com"
profile = "access_token"
[[upstream]]
name = "origin"
servers = ["http://127.0.0.1:PORT"]
[[route]]
name = "tracks"
match = { path = "/v1/tracks/{id}", method = ["GET", "PUT"] }
cors = { origins = ["https://app.example.com"], credentials = true, expose = "X-Total" }
limit = { by = "sub", rate = "2/day" }
upstream = "origin"
[[route]]
name = "rest"
match = { path = "/rest/**" }
upstream = "origin"
[[route]]
name = "away"
match = { path = "/away" }
authentication = "forbidden"
cors = { origins = ["https://app.example.com"] }
upstream = "away"
[[upstream]]
name = "away"
servers = ["http://127.0.0.1:1"]
)";

// Somewhere in the head or the body.
bool holds(const http::RawAnswer& answer, std::string_view text) {
  return (answer.head + answer.body).find(text) != std::string::npos;
}

class CorsProxy : public DecidedProxy {
 protected:
  CorsProxy() { use(policy); }
  http::RawAnswer ask(const std::string& method, const std::string& path, const std::string& more) {
    return send(method + " " + path + " HTTP/1.1\r\nHost: api.example.com\r\n" + more);
  }
  std::string bearer() { return "Authorization: Bearer " + token() + "\r\n"; }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t times = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++times;
    return times;
  }
  const std::string page = "Origin: https://app.example.com\r\n";
  const std::string announces = "Access-Control-Request-Method: PUT\r\n";
};

TEST_F(CorsProxy, PreflightIsAnsweredHereAndNothingOfItGoesOn) {
  const auto answer =
      ask("OPTIONS", "/v1/tracks/7", page + announces + "Access-Control-Request-Headers: authorization\r\n");
  EXPECT_EQ(answer.status, 204);
  EXPECT_TRUE(holds(answer, "Access-Control-Allow-Origin: https://app.example.com\r\n")) << answer.head;
  EXPECT_TRUE(holds(answer, "Access-Control-Allow-Credentials: true\r\n"));
  EXPECT_TRUE(holds(answer, "Access-Control-Allow-Methods: GET, PUT\r\n"));
  EXPECT_TRUE(holds(answer, "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"));
  EXPECT_TRUE(holds(answer, "Access-Control-Max-Age: 600\r\n"));
  EXPECT_TRUE(holds(answer, "Vary: Origin"));
  const auto other = ask("OPTIONS", "/v1/tracks/7", "Origin: https://evil.example\r\n" + announces);
  EXPECT_EQ(other.status, 403);
  EXPECT_FALSE(holds(other, "Access-Control")) << other.head;
  EXPECT_TRUE(holds(other, "Vary: Origin\r\n"));
  // A body, a token, an override: it is answered all the same, and the origin sees nothing.
  EXPECT_EQ(ask("OPTIONS", "/v1/tracks/7",
                page + announces + bearer() + "X-HTTP-Method-Override: PUT\r\nContent-Length: 0\r\n")
                .status,
            204);
  EXPECT_TRUE(seen().empty());
}

TEST_F(CorsProxy, RouteWithoutARuleSeesOptionsLikeAnyMethod) {
  EXPECT_EQ(ask("OPTIONS", "/rest/x", page + announces).status, 401);
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(ask("OPTIONS", "/rest/x", page + announces + bearer()).status, 200);
  EXPECT_EQ(seen().size(), 1U);
  EXPECT_EQ(ask("OPTIONS", "/v1/tracks/7", page).status, 405);  // no preflight, and no method of the route
}

TEST_F(CorsProxy, RefusalsCanBeReadByPagesOfAllowedOriginsAlone) {
  const auto refused = ask("GET", "/v1/tracks/7", page);
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(holds(refused, "WWW-Authenticate: "));
  EXPECT_TRUE(holds(refused, "Access-Control-Allow-Origin: https://app.example.com\r\n")) << refused.head;
  EXPECT_TRUE(holds(refused,
                    "Access-Control-Expose-Headers: WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, "
                    "X-Request-Id, X-Total\r\n"));
  EXPECT_EQ(holds(ask("GET", "/v1/tracks/7", page + "Authorization: Bearer x\r\n"), "Access-Control-Allow-Origin"),
            true);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask("GET", "/v1/tracks/7", page + bearer()).status, 200);
  const auto over = ask("GET", "/v1/tracks/7", page + bearer());
  EXPECT_EQ(over.status, 429);
  EXPECT_TRUE(holds(over, "Access-Control-Allow-Origin: https://app.example.com\r\n"));
  EXPECT_TRUE(holds(over, "Retry-After: "));
  const auto other = ask("GET", "/v1/tracks/7", "Origin: null\r\n");
  EXPECT_FALSE(holds(other, "Access-Control"));
  EXPECT_TRUE(holds(other, "Vary: Origin\r\n"));
  EXPECT_TRUE(holds(ask("GET", "/v1/tracks/7", ""), "Vary: Origin\r\n"));  // a cache must not keep it for a page
  EXPECT_FALSE(holds(ask("GET", "/rest/x", page), "Vary: Origin"));
}

TEST_F(CorsProxy, AnswersOfTheGatewayInPlaceOfTheUpstreamCanBeReadToo) {
  const auto away = ask("GET", "/away", page);
  EXPECT_EQ(away.status, 502);
  EXPECT_TRUE(holds(away, "Access-Control-Allow-Origin: https://app.example.com\r\n")) << away.head;
}

TEST_F(CorsProxy, UpstreamsOwnFieldsAreReplacedAndNeverDoubled) {
  answer_ =
      "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-credentials: true\r\n"
      "Access_Control_Expose_Headers: X-Secret\r\nVary: Accept-Encoding\r\nContent-Length: 0\r\n\r\n";
  const auto mine = ask("GET", "/v1/tracks/7", page + bearer());
  EXPECT_EQ(count(mine.head, "Access-Control-Allow-Origin: "), 1U) << mine.head;
  EXPECT_TRUE(holds(mine, "Access-Control-Allow-Origin: https://app.example.com\r\n"));
  EXPECT_FALSE(holds(mine, "X-Secret"));
  EXPECT_TRUE(holds(mine, "Vary: Accept-Encoding\r\n"));
  EXPECT_TRUE(holds(mine, "Vary: Origin\r\n"));
  const auto other = ask("GET", "/v1/tracks/7", "Origin: https://evil.example\r\n" + bearer());
  EXPECT_EQ(other.status, 200);
  EXPECT_FALSE(holds(other, "llow-")) << other.head;
  // A route without a rule leaves it to its upstream.
  EXPECT_TRUE(holds(ask("GET", "/rest/x", page + bearer()), "Access-Control-Allow-Origin: *\r\n"));
}

}  // namespace
}  // namespace jeton::gateway
