#include "http/request_head.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::http {
namespace {

// What a request answers to: 0 for accepted, else the status of the refusal.
int verdict(std::string_view bytes) {
  std::size_t scanned = 0;
  const auto end = find_head_end(bytes, scanned);
  if (!end) return end.error().status;
  if (*end == 0) return -1;  // incomplete
  const auto head = parse_request_head(bytes.substr(0, *end));
  return head ? 0 : head.error().status;
}

int verdict_of_target(std::string_view target) {
  return verdict("GET " + std::string(target) + " HTTP/1.1\r\nHost: g\r\n\r\n");
}
int verdict_of_fields(std::string_view fields) {
  return verdict("POST /a HTTP/1.1\r\nHost: g\r\n" + std::string(fields) + "\r\n");
}
int verdict_of_host(std::string_view host) {
  return verdict("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
}

RequestHead accepted(std::string_view bytes) {
  auto head = parse_request_head(bytes);
  EXPECT_TRUE(head.has_value()) << bytes;
  return head ? std::move(*head) : RequestHead{};
}

TEST(RequestHead, PlainRequestIsTakenApart) {
  const auto head =
      accepted("POST /api/auth/login?x=1&y=%20 HTTP/1.1\r\nHost: g:80\r\nX-A:  b c \t\r\ncontent-length: 12\r\n\r\n");
  EXPECT_EQ(head.request.method, Method::post);
  EXPECT_EQ(head.request.target, "/api/auth/login?x=1&y=%20");
  EXPECT_EQ(head.request.path, "/api/auth/login");
  EXPECT_EQ(head.request.query, "x=1&y=%20");
  ASSERT_NE(head.request.headers.find("x-a"), nullptr);
  EXPECT_EQ(*head.request.headers.find("x-a"), "b c");
  EXPECT_EQ(head.framing, BodyFraming::counted);
  EXPECT_EQ(head.body_bytes, 12U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHead, FieldNamesAreTheSameInAnyCaseAndInNothingElse) {
  const auto lower = [](int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
  for (const std::size_t size : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 20U}) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int a = 0; a < 256; ++a) {
        for (const int b : {a, a ^ 0x20, a ^ 0x80, 0x61, 0x5a, 0x40, 0x5b, 0x5f}) {
          std::string left(size, 'x'), right(size, 'X');
          left[place] = static_cast<char>(a);
          right[place] = static_cast<char>(b);
          ASSERT_EQ(same_field_name(left, right), lower(a) == lower(b & 0xff)) << a << " " << b << " " << place;
        }
      }
    }
  }
  EXPECT_FALSE(same_field_name("Host", "Hos"));
}

TEST(RequestHead, IncompleteHeadAsksForMore) {
  const std::string whole = "GET / HTTP/1.1\r\nHost: g\r\n\r\n";
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(find_head_end(std::string_view(whole).substr(0, size), scanned), 0U) << size;
  }
  EXPECT_EQ(find_head_end(whole, scanned), whole.size());
}

TEST(RequestHead, LineThatDoesNotEndInCrLfIsRefusedBeforeTheHeadIsWhole) {
  EXPECT_EQ(verdict("GET / HTTP/1.1\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: g\nX: y"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: g\rX: y"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\r\n"), 400);
  EXPECT_EQ(verdict("\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: g\r\n\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: g\r\n\r\n"), 0);
}

TEST(RequestHead, RequestLineOfAnotherFormIsRefused) {
  for (const char* line : {"GET /", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
                           "GET\t/ HTTP/1.1", "GET / HTTP/1.1x", "GET / HTTP/11", "GET / http/1.1", "GET / HTTPS/1.1",
                           "G@T / HTTP/1.1", "/ HTTP/1.1", "GET HTTP/1.1", "GET / a HTTP/1.1"}) {
    EXPECT_EQ(verdict(std::string(line) + "\r\nHost: g\r\n\r\n"), 400) << line;
  }
  EXPECT_EQ(verdict("PRI * HTTP/2.0\r\nHost: g\r\n\r\n"), 505);
  EXPECT_EQ(verdict("GET / HTTP/1.2\r\nHost: g\r\n\r\n"), 505);
  EXPECT_EQ(verdict("GET / HTTP/1.0\r\n\r\n"), 0);
}

TEST(RequestHead, TargetThatIsNotAPathIsRefused) {
  for (const char* target : {"http://g/a", "https://g/a", "g:80", "*", "a", "?a", "/a#b", "/a?b#c", "/a\\b", "\\a",
                             "/a\"b", "/<a>", "/a|b", "/\xc3\xa9", "/a?\xc3\xa9", "/a\x01"}) {
    EXPECT_EQ(verdict_of_target(target), 400) << target;
  }
}

TEST(RequestHead, PathThatAnotherReaderCouldTakeForAnotherIsRefused) {
  for (const char* target :
       {"//admin", "/a//b", "/a//", "/%61dmin", "/a/%2e%2e/admin", "/a/..", "/a/../admin", "/a/./b", "/.", "/..",
        "/a/..;/admin", "/a/.;x=1/b", "/admin%00", "/a%2fb", "/a%5cb", "/a%"}) {
    EXPECT_EQ(verdict_of_target(target), 400) << target;
  }
  for (const char* target : {"/", "/a", "/a/", "/ADMIN", "/.well-known/jwks.json", "/a..b/...", "/a;x=1",
                             "/a?b=../%2e%2e//", "/a/b?", "/a?b?c/d:@{|}"}) {
    EXPECT_EQ(verdict_of_target(target), 0) << target;
  }
}

TEST(RequestHead, HostMustBeThereOnceAndBeAHost) {
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: g\r\nHost: g\r\n\r\n"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: g\r\nhOST: h\r\n\r\n"), 400);
  for (const char* host : {"", "g,h", "u@g", "g h", "g/", "g:80x", "g:123456", ":80", "[::1", "[]", "[g]", "[::1]x",
                           "g:80:80", "g#", "g?"}) {
    EXPECT_EQ(verdict_of_host(host), 400) << host;
  }
  for (const char* host :
       {"g", "id.example.com", "id.example.com:8080", "127.0.0.1:80", "[::1]", "[::1]:8080", "a_b", "g:"}) {
    EXPECT_EQ(verdict_of_host(host), 0) << host;
  }
}

TEST(RequestHead, FieldOfAnotherFormIsRefused) {
  for (const char* fields : {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", " X: a\r\n", "X : a\r\n", "X\t: a\r\n", "X\r\n",
                             ": a\r\n", "X(: a\r\n", "X\x80: a\r\n",
                             "X: a\x01"
                             "b\r\n",
                             "X: \x7f\r\n", "X: a\x0b\r\n", "X Y: a\r\n", "\"X\": a\r\n"}) {
    EXPECT_EQ(verdict_of_fields(fields), 400) << fields;
  }
  EXPECT_EQ(verdict_of_fields(std::string_view("X: a\0b\r\n", 8)), 400);
  for (const char* fields :
       {"", "X:a\r\n", "X:\r\n", "X: \t \r\n", "X: a\tb\r\n", "X: \xc3\xa9\r\n", "!#$%&'*+-.^_`|~09Az: x\r\n",
        "X: a\r\nX: b\r\n", "Content-Type: a\r\nContent-Type: b\r\n"}) {
    EXPECT_EQ(verdict_of_fields(fields), 0) << fields;
  }
}

TEST(RequestHead, FirstLineThatIsFoldedIsRefused) {
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\n Host: g\r\nHost: g\r\n\r\n"), 400);
}

TEST(RequestHead, MoreFieldsThanTheLimitAre431) {
  std::string fields;
  for (std::size_t i = 1; i < header_fields_max; ++i) fields += "X: a\r\n";
  EXPECT_EQ(verdict_of_fields(fields), 0);
  EXPECT_EQ(verdict_of_fields(fields + "X: a\r\n"), 431);
}

TEST(RequestHead, AmbiguousBodyLengthIsRefused) {
  for (const char* fields : {"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
                             "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                             "Content-Length: 6\r\nContent-Length: 6\r\n",
                             "Content-Length: 6\r\ncontent-length: 7\r\n",
                             "Content-Length: 6, 6\r\n",
                             "Content-Length: +6\r\n",
                             "Content-Length: -6\r\n",
                             "Content-Length: 0x6\r\n",
                             "Content-Length: 6 6\r\n",
                             "Content-Length: \r\n",
                             "Content-Length: 6.0\r\n",
                             "Content-Length: 99999999999999999999\r\n",
                             "Transfer-Encoding: gzip\r\n",
                             "Transfer-Encoding: gzip, chunked\r\n",
                             "Transfer-Encoding: chunked, identity\r\n",
                             "Transfer-Encoding: xchunked\r\n",
                             "Transfer-Encoding: identity\r\n",
                             "Transfer-Encoding: \x0b"
                             "chunked\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: \r\n",
                             "Transfer-Encoding: \"chunked\"\r\n",
                             "Transfer-Encoding: chunked;q=1\r\n",
                             "Transfer-Encoding : chunked\r\n",
                             "Transfer-Encoding: chunked,\r\n"}) {
    EXPECT_EQ(verdict_of_fields(fields), 400) << fields;
  }
  EXPECT_EQ(verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  for (const char* fields : {"Content-Length: 6\r\n", "Content-Length: 0006\r\n", "Content-Length:\t6 \r\n",
                             "Transfer-Encoding: chunked\r\n", "transfer-encoding:Chunked\r\n", "TE: gzip\r\n"}) {
    EXPECT_EQ(verdict_of_fields(fields), 0) << fields;
  }
}

TEST(RequestHead, ConnectionOptionsDecideWhetherItStaysOpen) {
  EXPECT_TRUE(accepted("GET / HTTP/1.1\r\nHost: g\r\n\r\n").keep_alive);
  EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: g\r\nConnection: x , CLOSE\r\n\r\n").keep_alive);
  EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: g\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_TRUE(accepted("GET / HTTP/1.1\r\nHost: g\r\nConnection: closed\r\n\r\n").keep_alive);
  EXPECT_FALSE(accepted("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(accepted("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(RequestHead, ConnectionThatIsNoListOfTokensIsRefused) {
  EXPECT_EQ(verdict_of_fields("Connection: clo\xaese\r\n"), 400);
  EXPECT_EQ(verdict_of_fields("Connection: close x\r\n"), 400);
  EXPECT_EQ(verdict_of_fields("Connection: \"close\"\r\n"), 400);
  EXPECT_EQ(verdict_of_fields("Connection: , close,,Upgrade ,\r\n"), 0);
}

TEST(RequestHead, OnlyTheExpectationOfContinueIsKnown) {
  EXPECT_EQ(verdict_of_fields("Expect: 200-ok\r\n"), 417);
  EXPECT_TRUE(
      accepted("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n").expects_continue);
  EXPECT_FALSE(
      accepted("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

}  // namespace
}  // namespace jeton::http
