// What a request and an answer look like on the other side.
#include "gateway/proxy/rewrite.h"

#include <gtest/gtest.h>

namespace jeton::gateway {
namespace {

http::RequestHead parsed(std::string_view text) {
  auto head = http::parse_request_head(text, http::PathReading::raw);
  EXPECT_TRUE(head.has_value()) << text;
  head->request.peer_address = "192.0.2.7";
  head->request.scheme = "https";
  head->request.id = "made-1";
  if (const std::string* host = head->request.headers.find("Host")) head->request.host = *host;
  return *head;
}

std::string rewritten(std::string_view fields, Forward forward = {}, std::string_view line = "GET /a?b=c HTTP/1.1") {
  const auto head = parsed(std::string(line).append("\r\nHost: api.example.com\r\n").append(fields).append("\r\n"));
  if (forward.path.empty()) forward.path = "/a";
  auto text = upstream_head(head, forward, trace_of(head.request, {1, 2, 3}), "origin:9000");
  return text ? *text : "refused: " + std::string(text.error());
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Rewrite, WholeHeadIsWrittenFromWhatWasParsed) {
  EXPECT_EQ(rewritten("Accept:   text/html\r\nX-Empty:\r\n"),
            "GET /a?b=c HTTP/1.1\r\nHost: api.example.com\r\nAccept: text/html\r\nX-Empty: \r\n"
            "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example.com\r\n"
            "X-Request-Id: made-1\r\ntraceparent: 00-00000000000000010000000000000002-0000000000000003-00\r\n"
            "Via: 1.1 jeton\r\n\r\n");
}

TEST(Rewrite, WhatConcernsOneConnectionStaysThere) {
  const std::string text = rewritten(
      "Connection: close, X-Mine, Authorization\r\nX-Mine: 1\r\nAuthorization: Bearer t\r\nKeep-Alive: 5\r\n"
      "Proxy-Connection: x\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
      "Proxy-Authorization: x\r\nX-Kept: 1\r\n");
  for (const char* gone : {"close", "X-Mine", "Authorization", "Keep-Alive", "Proxy", "TE:", "Trailer", "h2c", "HTTP2"})
    EXPECT_EQ(text.find(gone), std::string::npos) << gone;
  EXPECT_NE(text.find("X-Kept: 1\r\n"), std::string::npos);
}

// Naming a field of ours in Connection does not take it away.
TEST(Rewrite, ClientCannotNameAwayWhatIsSetForTheUpstream) {
  const std::string text = rewritten("Connection: X-Auth-User, X-Forwarded-For, Host\r\nX-Auth-User: admin\r\n",
                                     {.remove = {"X-Auth-User"}, .set = {{"X-Auth-User", "dev_1"}}});
  EXPECT_NE(text.find("X-Auth-User: dev_1\r\n"), std::string::npos);
  EXPECT_NE(text.find("X-Forwarded-For: 192.0.2.7\r\n"), std::string::npos);
  EXPECT_NE(text.find("Host: api.example.com\r\n"), std::string::npos);
  EXPECT_EQ(text.find("admin"), std::string::npos);
}

// mission row 9: the claims are with the request, and nobody but the gateway can put them there.
TEST(Rewrite, HeadersOfThePolicyAndTheirTwinsAreRemoved) {
  for (const char* name : {"X-Auth-User", "x-auth-user", "X_Auth_User", "X_AUTH-USER", "X.Auth.User", "X-Auth_User"}) {
    const std::string field = std::string(name) + ": forged\r\n";
    EXPECT_EQ(rewritten(field, {.remove = {"X-Auth-User"}}).find("forged"), std::string::npos) << name;
    EXPECT_EQ(rewritten(field, {.set = {{"X-Auth-User", "dev_1"}}}).find("forged"), std::string::npos) << name;
    EXPECT_NE(rewritten(field).find("forged"), std::string::npos) << name;
  }
  EXPECT_NE(rewritten("X-Auth-Users: kept\r\n", {.remove = {"X-Auth-User"}}).find("kept"), std::string::npos);
}

TEST(Rewrite, TwinsOfFramingFieldsAreRemoved) {
  for (const char* name : {"Content_Length", "content.length", "Transfer_Encoding", "TRANSFER_ENCODING",
                           "X_Forwarded_For", "X-Forwarded-Anything", "Forwarded", "X-Real-IP", "X_Real_Ip",
                           "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Proxy", "Expect_"}) {
    const std::string text = rewritten(std::string(name) + ": forged\r\n");
    EXPECT_EQ(text.find("forged") != std::string::npos, std::string_view(name) == "Expect_") << name;
  }
}

TEST(Rewrite, LengthIsWhatWasParsed) {
  const auto with = [](std::string_view line, std::string_view fields) { return rewritten(fields, {}, line); };
  EXPECT_EQ(count(with("POST /a HTTP/1.1", "Content-Length: 007\r\n"), "Content-Length: 7\r\n"), 1U);
  EXPECT_EQ(count(with("POST /a HTTP/1.1", "Transfer-Encoding: CHUNKED\r\n"), "Transfer-Encoding: chunked\r\n"), 1U);
  EXPECT_EQ(count(with("POST /a HTTP/1.1", ""), "Content-Length: 0\r\n"), 1U);
  EXPECT_EQ(count(with("GET /a HTTP/1.1", ""), "Content-Length"), 0U);
  EXPECT_EQ(count(with("GET /a HTTP/1.0", ""), "Via: 1.0 jeton\r\n"), 1U);
}

TEST(Rewrite, AuthorizationIsKeptOrRemovedAsTheDecisionSays) {
  EXPECT_NE(rewritten("Authorization: Bearer t\r\n").find("Bearer t"), std::string::npos);
  EXPECT_EQ(rewritten("Authorization: Bearer t\r\n", {.passes_authorization = false}).find("Bearer"),
            std::string::npos);
}

// mission row 13: the refresh token is for the issuer alone.
TEST(Rewrite, RefreshTokensInCookiesNeverReachAnUpstream) {
  const char* cookies =
      "Cookie: a=1; __Host-jeton_refresh=jrt1.secret; b=2\r\nCookie: jeton_refresh=jrt1.secret\r\ncookie: "
      "c=3;JETON_REFRESH "
      "=secret\r\n";
  const std::string text = rewritten(cookies);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(count(text, "Cookie: a=1; b=2; c=3\r\n"), 1U);
  EXPECT_NE(rewritten(cookies, {.passes_refresh_cookies = true}).find("secret"), std::string::npos);
  EXPECT_EQ(rewritten("Cookie: jeton_refresh=secret\r\n").find("Cookie"), std::string::npos);
}

TEST(Rewrite, RequestIdAndTraceparentOfTheClientGoOnIfTheyAreWellFormed) {
  const std::string good =
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=b\r\n";
  EXPECT_NE(rewritten(good).find(good.substr(0, 70)), std::string::npos);
  EXPECT_NE(rewritten(good).find("tracestate: a=b"), std::string::npos);
  for (const char* bad : {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                          "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
                          "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", "", "junk",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
    const std::string text = rewritten(std::string("traceparent: ") + bad + "\r\ntracestate: a=b\r\n");
    if (*bad != '\0') EXPECT_EQ(text.find(bad), std::string::npos);
    EXPECT_EQ(text.find("tracestate"), std::string::npos);
    EXPECT_EQ(count(text, "traceparent: 00-"), 1U);
  }
  // Two of them are none; one of a later version goes on as what this one knows of it.
  const std::string twice = rewritten(good.substr(0, 70) + good);
  EXPECT_EQ(twice.find("0af765"), std::string::npos) << twice;
  EXPECT_EQ(count(twice, "traceparent: 00-"), 1U);
  const std::string parent = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-";
  for (const auto& [came, goes] : {std::pair{"0a", "00"}, {"0a-more", "00"}, {"05", "01"}}) {
    const std::string text = rewritten("traceparent: cc-" + parent + came + "\r\ntracestate: a=b\r\n");
    EXPECT_NE(text.find("traceparent: 00-" + parent + goes + "\r\n"), std::string::npos) << text;
    EXPECT_NE(text.find("tracestate: a=b"), std::string::npos);
  }
  EXPECT_NE(rewritten("X-Request-Id: abc-1.2_3\r\n").find("X-Request-Id: abc-1.2_3\r\n"), std::string::npos);
  EXPECT_NE(rewritten("X-Request-Id: eyJhbGciOiJub25lIn0.e30.\r\n").find("Id: made-1\r\n"), std::string::npos);
  for (const char* bad : {"a b", "a;b", "", "<x>"})
    EXPECT_NE(rewritten(std::string("X-Request-Id: ") + bad + "\r\n").find("X-Request-Id: made-1\r\n"),
              std::string::npos);
  EXPECT_NE(rewritten("X-Request-Id: a\r\nX-Request-Id: b\r\n").find("X-Request-Id: made-1\r\n"), std::string::npos);
}

// H16: whatever a claim holds, it is one value of one field, or the request does not go out.
TEST(Rewrite, ValueThatWouldBreakALineIsRefused) {
  for (const std::string& value : {std::string("a\r\nX-Admin: 1"), std::string("a\nb"), std::string("a\0b", 3),
                                   std::string("\x7f"), std::string("\x01")}) {
    EXPECT_TRUE(rewritten("", {.set = {{"X-Auth-User", value}}}).starts_with("refused")) << value;
  }
  EXPECT_TRUE(rewritten("", {.set = {{"X-Auth\r\nX", "a"}}}).starts_with("refused"));
  EXPECT_TRUE(rewritten("", {.path = "/a b"}).starts_with("refused"));
  EXPECT_TRUE(rewritten("", {.path = "/a\r\nX: y"}).starts_with("refused"));
  EXPECT_TRUE(rewritten("", {.path = "http://evil/"}).starts_with("refused"));
  EXPECT_TRUE(rewritten("", {.set = {{"X-Auth-User", "\xc3\xa9 fine"}}}).starts_with("GET"));
}

TEST(Rewrite, AnswerLosesWhatConcernsTheUpstreamsConnection) {
  const auto head = http::parse_response_head(
      "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nAlt-Svc: "
      "h3=\":443\"\r\n"
      "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Request-Id: theirs\r\nRateLimit: theirs\r\nContent-Length: 0\r\n\r\n",
      false);
  ASSERT_TRUE(head.has_value());
  const http::Response answer =
      client_answer(*head, {.answer = {{"RateLimit", "ours"}}}, {.request_id = "id", .traceparent = ""});
  EXPECT_EQ(answer.headers.all("Set-Cookie").size(), 2U);
  EXPECT_EQ(answer.headers.all("RateLimit"), std::vector<std::string_view>{"ours"});
  EXPECT_EQ(answer.headers.all("X-Request-Id"), std::vector<std::string_view>{"id"});
  for (const char* gone : {"Connection", "X-Hop", "Keep-Alive", "Alt-Svc"})
    EXPECT_EQ(answer.headers.find(gone), nullptr) << gone;
}

TEST(Rewrite, OnlyAWholeWebSocketHandshakeIsOne) {
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  EXPECT_TRUE(asks_for_websocket(
      parsed("GET / HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" + key + "\r\n")));
  for (const std::string& other :
       {"POST / HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key,
        "GET / HTTP/1.0\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key,
        "GET / HTTP/1.1\r\nHost: g\r\nUpgrade: websocket\r\n" + key,
        std::string("GET / HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBu;b25jZQ=\r\n"),
        "GET / HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n" + key,
        std::string("GET / HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
        "GET / HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key})
    EXPECT_FALSE(asks_for_websocket(parsed(other + "\r\n"))) << other;
}

}  // namespace
}  // namespace jeton::gateway
