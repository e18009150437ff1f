// Our reading of a request against another's: whatever ours accepts, Beast's parser must accept too and see the same
// method, target, fields and body, byte for byte. The reverse does not hold: ours refuses what Beast lets through.
#include "http/chunk_reader.h"
#include "http/request_head.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace jeton::http {
namespace {

namespace beast = boost::beast;

struct Seen {
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::size_t consumed = 0;
};

std::optional<Seen> seen_by_us(std::string_view bytes) {
  std::size_t scanned = 0;
  const auto end = find_head_end(bytes, scanned);
  if (!end || *end == 0) return std::nullopt;
  auto head = parse_request_head(bytes.substr(0, *end));
  if (!head) return std::nullopt;
  Seen seen{head->request.target, head->request.headers.fields(), {}, *end};
  if (head->framing == BodyFraming::counted) {
    if (bytes.size() - *end < head->body_bytes) return std::nullopt;
    seen.body = bytes.substr(*end, head->body_bytes);
    seen.consumed += head->body_bytes;
  } else if (head->framing == BodyFraming::chunked) {
    ChunkReader reader(10'000);
    const auto taken = reader.take(bytes.substr(*end), seen.body);
    if (!taken || !reader.complete()) return std::nullopt;
    seen.consumed += *taken;
  }
  return seen;
}

std::optional<Seen> seen_by_beast(std::string_view bytes) {
  beast::http::request_parser<beast::http::string_body> parser;
  parser.body_limit(10'000);
  Seen seen;
  const auto put = [&] {
    boost::system::error_code error;
    const std::size_t size = parser.put(boost::asio::buffer(bytes.substr(seen.consumed)), error);
    seen.consumed += size;
    return !error && size != 0;
  };
  while (!parser.is_header_done()) {
    if (!put()) return std::nullopt;
  }
  // Taken now: later it adds the trailer fields to the others.
  for (const auto& field : parser.get())
    seen.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  seen.target = parser.get().target();
  parser.eager(true);
  while (!parser.is_done()) {
    if (!put()) return std::nullopt;
  }
  seen.body = parser.get().body();
  return seen;
}

// It keeps the fields of one name together; we keep them in the order received.
std::multimap<std::string, std::string> by_name(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::multimap<std::string, std::string> sorted;
  for (auto [name, value] : fields) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    sorted.emplace(name, value);
  }
  return sorted;
}

std::string mutated(std::string bytes, std::mt19937& random) {
  static constexpr std::array<std::string_view, 30> pieces = {"\r\n",
                                                              "\n",
                                                              "\r",
                                                              " ",
                                                              "\t",
                                                              ":",
                                                              std::string_view("\0", 1),
                                                              "0",
                                                              "5",
                                                              "chunked",
                                                              "Content-Length: 3\r\n",
                                                              "Transfer-Encoding: chunked\r\n",
                                                              ";",
                                                              ",",
                                                              "/",
                                                              "..",
                                                              "%2e",
                                                              "?",
                                                              "#",
                                                              "\x0b",
                                                              "\x80",
                                                              "X: y\r\n",
                                                              "HTTP/1.1",
                                                              "Host: h\r\n",
                                                              "Connection: close\r\n",
                                                              "Expect: 100-continue\r\n",
                                                              "\"",
                                                              "=",
                                                              "a",
                                                              "\r\n\r\n"};
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  for (std::size_t changes = 1 + below(3); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = below(bytes.size());
    switch (below(4)) {
      case 0: bytes.erase(at, 1 + below(4)); break;
      case 1: bytes.insert(at, pieces[below(pieces.size())]); break;
      case 2: bytes[at] = static_cast<char>(below(256)); break;
      default: bytes.insert(at, bytes.substr(below(bytes.size()), below(20))); break;
    }
  }
  return bytes;
}

TEST(OtherParser, WhatWeAcceptIsSeenAlikeByAnother) {
  const std::array<std::string, 5> seeds = {
      "GET /a?b=c HTTP/1.1\r\nHost: g\r\nX-A: b c\r\nAccept: */*\r\n\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: id.example.com:8080\r\nContent-Type: application/json\r\nContent-Length: "
      "7\r\n\r\n{\"a\":1}",
      "POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX: t\r\n\r\n",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: [::1]\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: "
      "g\r\n\r\n",
  };
  std::mt19937 random(20'261'123);
  std::size_t accepted = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::string bytes = mutated(seeds[static_cast<std::size_t>(i) % seeds.size()], random);
    const auto ours = seen_by_us(bytes);
    if (!ours) continue;
    ++accepted;
    const auto theirs = seen_by_beast(bytes);
    ASSERT_TRUE(theirs.has_value()) << testing::PrintToString(bytes);
    EXPECT_EQ(ours->target, theirs->target) << testing::PrintToString(bytes);
    EXPECT_EQ(ours->body, theirs->body) << testing::PrintToString(bytes);
    EXPECT_EQ(ours->consumed, theirs->consumed) << testing::PrintToString(bytes);
    EXPECT_EQ(by_name(ours->fields), by_name(theirs->fields)) << testing::PrintToString(bytes);
  }
  EXPECT_GT(accepted, 5'000U);  // the comparison means something only if much is accepted
}

}  // namespace
}  // namespace jeton::http
