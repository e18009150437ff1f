#include "http/router.h"

#include "http/test_peer.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

Handler says(std::string what) {
  return [what = std::move(what)](const Request& request) -> boost::asio::awaitable<Response> {
    std::string body = what;
    for (const auto& [name, value] : request.parameters) body += " " + name + "=" + value;
    co_return json_response(200, body);
  };
}

Router router() {
  Router made;
  made.add(Method::del, "/sessions/{sid}", says("delete"));
  made.add(Method::get, "/sessions/{sid}", says("one"));
  made.add(Method::get, "/users/{sub}/sessions/{sid}", says("nested"));
  made.add(Method::get, "/sessions", says("all"));
  made.add(Method::post, "/sessions/revoke-others", says("others"));
  return made;
}

class Paths : public ::testing::Test {
 protected:
  RawAnswer ask(std::string_view method, std::string_view path) {
    RawPeer peer(server_.port());
    peer.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    return peer.answer(method == "HEAD");
  }
  RunningServer server_{{}, router()};
};

TEST_F(Paths, AParameterTakesOneWholeSegment) {
  EXPECT_EQ(ask("DELETE", "/sessions/abc").body, "delete sid=abc");
  EXPECT_EQ(ask("GET", "/sessions/abc?x=1").body, "one sid=abc");
  EXPECT_EQ(ask("GET", "/users/u1/sessions/s2").body, "nested sub=u1 sid=s2");
  EXPECT_EQ(ask("HEAD", "/sessions/abc").status, 200);
  for (const std::string_view path : {"/sessions/", "/sessions/a/b", "/users/u1/sessions/", "/users//sessions/s2",
                                      "/sessions/abc/", "/xsessions/abc"}) {
    const int status = ask("GET", path).status;
    EXPECT_TRUE(status == 404 || status == 400) << path << status;
  }
}

TEST_F(Paths, OneWithoutParametersGoesFirstWhateverTheOrder) {
  EXPECT_EQ(ask("POST", "/sessions/revoke-others").body, "others");
  const RawAnswer refused = ask("DELETE", "/sessions/revoke-others");
  EXPECT_EQ(refused.status, 405);
  EXPECT_TRUE(refused.has("Allow: POST"));
  EXPECT_EQ(ask("GET", "/sessions").body, "all");
}

TEST_F(Paths, OtherMethodsAreNamed) {
  const RawAnswer refused = ask("POST", "/sessions/abc");
  EXPECT_EQ(refused.status, 405);
  EXPECT_TRUE(refused.has("Allow: DELETE, GET, HEAD")) << refused.head;
}

TEST(Routes, AreAllNamed) {
  const auto all = router().routes();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all.front(), std::pair(Method::get, std::string("/sessions")));
  EXPECT_EQ(all.back(), std::pair(Method::get, std::string("/users/{sub}/sessions/{sid}")));
}

}  // namespace
}  // namespace jeton::http
