#include "mutation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace jeton::smuggling {
namespace {

using namespace std::string_view_literals;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15U + 1) {}
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class List>
  const auto& any_of(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  std::mt19937_64 random_;
};

// Lines put among the fields; each has its line end.
constexpr std::array field_lines = {
    "Transfer-Encoding: chunked\r\n"sv,
    "Transfer-Encoding:chunked\r\n"sv,
    "Transfer-Encoding : chunked\r\n"sv,
    "Transfer-Encoding\t: chunked\r\n"sv,
    "Transfer-Encoding:\tchunked\r\n"sv,
    "Transfer-Encoding:\x0b"
    "chunked\r\n"sv,
    "Transfer-Encoding:\x0c"
    "chunked\r\n"sv,
    "Transfer-Encoding: chunked\x00\r\n"sv,
    "Transfer-Encoding: chunked \r\n"sv,
    "Transfer-Encoding: xchunked\r\n"sv,
    "Transfer-Encoding: chunked, identity\r\n"sv,
    "Transfer-Encoding: identity, chunked\r\n"sv,
    "Transfer-Encoding: identity\r\n"sv,
    "Transfer-Encoding: gzip, chunked\r\n"sv,
    "Transfer-Encoding: \"chunked\"\r\n"sv,
    "Transfer-Encoding: CHUNKED\r\n"sv,
    "Transfer-Encoding: chunked;q=1\r\n"sv,
    "Transfer-Encoding:\r\n chunked\r\n"sv,
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"sv,
    "Transfer-Encoding:\r\n"sv,
    " Transfer-Encoding: chunked\r\n"sv,
    "\tTransfer-Encoding: chunked\r\n"sv,
    "X: y\nTransfer-Encoding: chunked\r\n"sv,
    "X: y\rTransfer-Encoding: chunked\r\n"sv,
    "X: y\r\r\nTransfer-Encoding: chunked\r\n"sv,
    "Transfer_Encoding: chunked\r\n"sv,
    "Transfer-Encoding: chunked\n"sv,
    "Transfer\xad"
    "Encoding: chunked\r\n"sv,
    "Transfer-Encodin\xc4\xb1: chunked\r\n"sv,
    "transfer-encoding: chunked\r\n"sv,
    "TE: chunked\r\n"sv,
    "TE: trailers\r\nTrailer: Content-Length\r\n"sv,
    "Content-Length: 0\r\n"sv,
    "Content-Length: 5\r\n"sv,
    "Content-Length: 30\r\n"sv,
    "Content-Length: 1000\r\n"sv,
    "Content-Length: 05\r\n"sv,
    "Content-Length: +5\r\n"sv,
    "Content-Length: -5\r\n"sv,
    "Content-Length: 0x5\r\n"sv,
    "Content-Length: 5, 5\r\n"sv,
    "Content-Length: 5,6\r\n"sv,
    "Content-Length: 5 6\r\n"sv,
    "Content-Length: 5\r\nContent-Length: 5\r\n"sv,
    "Content-Length: 5\r\nContent-Length: 6\r\n"sv,
    "Content-Length:\r\n"sv,
    "Content-Length: 5\x00\r\n"sv,
    "Content-Length : 5\r\n"sv,
    "Content-Length: 5;\r\n"sv,
    "Content-Length: 5e0\r\n"sv,
    "Content-Length: 18446744073709551616\r\n"sv,
    "Content-Length: 4294967296\r\n"sv,
    "Content_Length: 5\r\n"sv,
    "Content-Length\xa0: 5\r\n"sv,
    "X: a\r\n Content-Length: 5\r\n"sv,
    "Expect: 100-continue\r\n"sv,
    "Expect: 100-Continue \r\n"sv,
    "Expect: y 100-continue\r\n"sv,
    "Expect:\r\n"sv,
    "Connection: close\r\n"sv,
    "Connection: keep-alive\r\n"sv,
    "Connection: Content-Length\r\n"sv,
    "Connection: Transfer-Encoding\r\n"sv,
    "Connection: Host\r\n"sv,
    "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"sv,
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"sv,
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"sv,
    "Host: other\r\n"sv,
    "Host: g:99999\r\n"sv,
    "Host: a@g\r\n"sv,
    "X-HTTP-Method-Override: DELETE\r\n"sv,
    "X-Original-URL: /smuggled\r\n"sv,
    "Keep-Alive: timeout=1\r\n"sv,
    "Proxy-Connection: keep-alive\r\n"sv,
    "X: a\x00"
    "b\r\n"sv,
    "X: \xff\xfe\r\n"sv,
    "X\r\n"sv,
    ": x\r\n"sv,
    "X Y: z\r\n"sv,
    "(X): z\r\n"sv,
    "\r\n"sv,
    "\n"sv,
    "\r"sv,
    "GET /smuggled HTTP/1.1\r\n"sv,
    "Cookie: a=b; jeton_refresh=x\r\n"sv,
    "Authorization: Bearer x\r\n"sv,
};

constexpr std::array bytes_put_in = {
    "\0"sv, "\n"sv, "\r"sv, "\r\n"sv, " "sv, "\t"sv, "\x0b"sv, "\x0c"sv, "\x7f"sv,     "\x85"sv, "\xa0"sv,     "\xff"sv,
    ":"sv,  ","sv,  ";"sv,  "0"sv,    "a"sv, "%"sv,  "/"sv,    "\\"sv,   "\r\n\r\n"sv, "\n\n"sv, "0\r\n\r\n"sv};

constexpr std::array methods = {"GET"sv,    "GET"sv,     "POST"sv,  "POST"sv,     "POST"sv,  "PUT"sv, "HEAD"sv,
                                "DELETE"sv, "OPTIONS"sv, "PATCH"sv, "PROPFIND"sv, "TRACE"sv, "get"sv, "CONNECT"sv};
constexpr std::array versions = {"HTTP/1.1"sv, "HTTP/1.1"sv,  "HTTP/1.1"sv,  "HTTP/1.1"sv,  "HTTP/1.1"sv,
                                 "HTTP/1.1"sv, "HTTP/1.0"sv,  "HTTP/1.2"sv,  "HTTP/0.9"sv,  "HTTP/2.0"sv,
                                 "http/1.1"sv, "HTTP/1.1 "sv, "HTTP/1.10"sv, "HTTP/01.1"sv, ""sv};
constexpr std::array path_ends = {""sv,    ""sv,     ""sv,      ""sv,       "?q=1"sv,  "/%2e%2e/x"sv, "/../x"sv,
                                  "//x"sv, "/%41"sv, "/a%00"sv, "/..;/x"sv, "/%2fx"sv, "?a=%0d%0a"sv, "#x"sv,
                                  "\\x"sv, " x"sv,   "/%zz"sv,  "?"sv,      "/*"sv};
constexpr std::array chunk_sizes = {"5"sv,
                                    "05"sv,
                                    "0000000005"sv,
                                    "5 "sv,
                                    " 5"sv,
                                    "0x5"sv,
                                    "+5"sv,
                                    "-5"sv,
                                    "5;"sv,
                                    "5;a"sv,
                                    "5;a=b"sv,
                                    "5;a=\"b\""sv,
                                    "5;\n"sv,
                                    "5\x00"sv,
                                    "5,5"sv,
                                    "5\r"sv,
                                    "5;a=b\rx"sv,
                                    "100000005"sv,
                                    "FFFFFFFFFFFFFFFFF"sv,
                                    "g"sv,
                                    ""sv,
                                    "5 ;a"sv,
                                    "5\t"sv,
                                    "5;a\nx"sv,
                                    "5;\x0b"sv,
                                    "4"sv,
                                    "6"sv};

std::string path_of(std::uint64_t number, std::size_t part) {
  return "/c" + std::to_string(number) + "-" + std::to_string(part);
}

std::string smuggled(std::uint64_t number) {
  return "GET /smuggled-" + std::to_string(number) + " HTTP/1.1\r\nHost: g\r\n\r\n";
}

std::string chunked_body(Dice& dice, std::uint64_t number) {
  std::string body;
  const std::size_t chunks = dice.below(3) + 1;
  for (std::size_t i = 0; i < chunks; ++i) {
    const bool odd = dice.one_in(6);
    body.append(odd ? dice.any_of(chunk_sizes) : "5"sv).append(dice.one_in(12) ? "\n" : "\r\n");
    body.append("abcde").append(dice.one_in(12) ? "\n" : dice.one_in(20) ? "" : "\r\n");
  }
  if (dice.one_in(10)) return body;
  body.append(dice.one_in(12) ? "00" : dice.one_in(12) ? "0;x" : "0").append(dice.one_in(15) ? "\n" : "\r\n");
  if (dice.one_in(5)) body.append(dice.one_in(2) ? "X: y\r\n" : "Content-Length: 40\r\n");
  body.append(dice.one_in(12) ? "\n" : "\r\n");
  if (dice.one_in(4)) body.append(smuggled(number));
  return body;
}

std::string one_request(Dice& dice, std::uint64_t number, std::size_t part) {
  const std::string_view method = dice.any_of(methods);
  std::string text(method);
  text.append(dice.one_in(40) ? "  " : dice.one_in(60) ? "\t" : " ");
  if (dice.one_in(40)) text.append("http://g");
  text.append(path_of(number, part));
  if (dice.one_in(6)) text.append(dice.any_of(path_ends));
  text.append(" ").append(dice.one_in(12) ? dice.any_of(versions) : "HTTP/1.1"sv).append("\r\nHost: g\r\n");
  std::string body;
  const std::size_t kind = method == "GET" || method == "HEAD" ? dice.below(8) : dice.below(3) + 1;
  if (kind == 1) {
    body = dice.one_in(2) ? smuggled(number) : "hello";
    const std::size_t size = dice.one_in(6) ? dice.below(body.size() * 2 + 1) : body.size();
    text.append("Content-Length: ").append(std::to_string(size)).append("\r\n");
  } else if (kind == 2) {
    body = chunked_body(dice, number);
    text.append("Transfer-Encoding: chunked\r\n");
  }
  for (std::size_t extra = dice.below(3); extra > 0; --extra) {
    if (dice.one_in(4)) text.append(dice.any_of(field_lines));
  }
  return text.append("\r\n").append(body);
}

void change_bytes(Dice& dice, std::string& text) {
  const std::size_t at = dice.below(text.size());
  switch (dice.below(6)) {
    case 0: text.insert(at, dice.any_of(bytes_put_in)); break;
    case 1: text.erase(at, 1 + dice.below(3)); break;
    case 2: text[at] = static_cast<char>(dice.below(256)); break;
    case 3: text.insert(at, text.substr(at, dice.below(20))); break;
    case 4:  // another line end
      if (const std::size_t end = text.find("\r\n", at); end != std::string::npos)
        text.replace(end, 2,
                     dice.any_of(std::array{"\n"sv, "\r"sv, "\n\r"sv, "\r\r\n"sv, "\r\n "sv, "\r\n\t"sv, ""sv}));
      break;
    default: text.resize(at + 1); break;
  }
}

}  // namespace

std::string mutated_request(std::uint64_t number) {
  Dice dice(number);
  std::string text;
  if (dice.one_in(15)) text.append(dice.one_in(2) ? "\r\n" : "\n");
  const std::size_t requests = dice.one_in(3) ? 2 + dice.below(2) : 1;
  for (std::size_t part = 0; part < requests; ++part) text.append(one_request(dice, number, part));
  if (dice.one_in(3)) {
    for (std::size_t changes = 1 + dice.below(3); changes > 0 && !text.empty(); --changes) change_bytes(dice, text);
  }
  return text;
}

}  // namespace jeton::smuggling
