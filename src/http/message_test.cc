#include "http/message.h"
#include "http/response_writer.h"

#include <gtest/gtest.h>

namespace jeton::http {
namespace {

TEST(Headers, NamesCompareWithoutCaseAndOrderIsKept) {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  headers.add("X-AB", "3");
  EXPECT_EQ(*headers.find("X-a"), "1");
  EXPECT_EQ(headers.all("x-A"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_EQ(headers.find("X"), nullptr);
}

TEST(Headers, SetLeavesExactlyOne) {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  headers.set("a", "4");
  headers.set("C", "5");
  EXPECT_EQ(headers.fields(), (std::vector<std::pair<std::string, std::string>>{{"A", "4"}, {"B", "2"}, {"C", "5"}}));
}

TEST(JsonResponse, IsNeitherStoredNorSniffed) {
  const auto response = json_response(201, "{}");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(*response.headers.find("Content-Type"), "application/json");
  EXPECT_EQ(*response.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(*response.headers.find("X-Content-Type-Options"), "nosniff");
}

TEST(ResponseWriter, AnswerThatWouldSplitInTwoCannotBeSent) {
  Response response = json_response(200, "{}");
  EXPECT_TRUE(is_sendable(response));
  response.headers.set("X-User", "a\r\nSet-Cookie: b");
  EXPECT_FALSE(is_sendable(response));
  response.headers.set("X-User", "a");
  response.headers.add("X\r\nY", "a");
  EXPECT_FALSE(is_sendable(response));
  EXPECT_FALSE(is_sendable({.status = 99, .headers = {}, .body = {}}));
}

TEST(ResponseWriter, FramingIsNotTheHandlersAffair) {
  Response response;
  response.body = "abc";
  response.headers.add("Content-Length", "5");
  response.headers.add("transfer-encoding", "chunked");
  response.headers.add("Connection", "keep-alive");
  EXPECT_EQ(head_of(response, {.keep_alive = false}),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriter, StatusWithoutBodyHasNoLength) {
  Response response;
  response.status = 204;
  EXPECT_EQ(head_of(response, {}), "HTTP/1.1 204 No Content\r\n\r\n");
}

}  // namespace
}  // namespace jeton::http
