// Origins and clients that do all they can think of, many at once: whatever goes wrong, an answer that a client gets
// whole is the one to its own request.
#include "gateway/proxy/test_origin.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace jeton::gateway {
namespace {

using http::RawAnswer;
using http::RawPeer;
using namespace std::chrono_literals;

std::string chunk(std::string_view text) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return std::string(size.data()).append(text).append("\r\n");
}

std::string counted(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

constexpr std::string_view chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr int deeds = 14;

// Does what the path says with one request; false: it has done with the connection. "/DEED/MARK".
bool misbehave(OriginPeer& peer, const std::string& head) {
  const std::size_t deed_at = head.find('/') + 1, mark_at = head.find('/', deed_at) + 1;
  const int deed = std::stoi(head.substr(deed_at));
  const std::string mark = head.substr(mark_at, head.find(' ', mark_at) - mark_at);
  if (deed == 9) return peer.send(counted(mark)) && false;  // early: the body is never read
  if (const std::size_t length = head.find("Content-Length: "); length != std::string::npos) {
    const std::size_t size = std::stoul(head.substr(length + 16));
    if (peer.bytes(size).size() < size) return false;
  } else if (head.find("chunked") != std::string::npos && peer.until("0\r\n\r\n").empty()) {
    return false;
  }
  const std::string_view half = std::string_view(mark).substr(0, mark.size() / 2);
  switch (deed) {
    case 0: return peer.send(counted(mark));
    case 1: return peer.send(std::string(chunked_head) + chunk(mark) + "0\r\n\r\n");
    case 2: return peer.send("HTTP/1.0 200 OK\r\n\r\n" + mark) && false;
    case 3: peer.reset(); return false;
    case 4: return false;
    case 5: return peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + mark) && false;
    case 6:
      peer.send(std::string(chunked_head) + chunk(half));
      peer.reset();
      return false;
    case 7: return peer.send("what is this?\r\n\r\n");
    case 8: return peer.send(counted(mark) + counted("poison"));
    case 10: return peer.send("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + counted(mark));
    case 11: return peer.send(counted(mark)) && false;
    case 12:
      peer.send(std::string(chunked_head) + chunk(half));
      std::this_thread::yield();
      return peer.send(chunk(std::string_view(mark).substr(half.size())) + "0\r\nX: y\r\n\r\n");
    default: return peer.send(counted(mark, "Connection: close\r\n")) && false;
  }
}

// The body of an answer that came whole; empty if it did not.
std::string whole_body(RawPeer& peer, RawAnswer answer) {
  while (answer.status == 103) answer = peer.answer();
  if (answer.status != 200) return {};
  if (answer.head.find("Transfer-Encoding: chunked") == std::string::npos) {
    const std::size_t size = std::stoul(answer.head.substr(answer.head.find("Content-Length: ") + 16));
    return answer.body.size() == size ? answer.body : std::string();
  }
  const std::string chunks = peer.received_until("0\r\n\r\n");
  if (!chunks.ends_with("0\r\n\r\n")) return {};
  std::string body;
  for (std::size_t at = 0;;) {
    const std::size_t size = std::stoul(chunks.substr(at), nullptr, 16);
    if (size == 0) return body;
    at = chunks.find("\r\n", at) + 2;
    body += chunks.substr(at, size);
    at += size + 2;
  }
}

std::string request(std::mt19937& random, int deed, const std::string& mark) {
  const std::string path = " /" + std::to_string(deed) + "/" + mark + " HTTP/1.1\r\nHost: g\r\n";
  switch (random() % 4) {
    case 0: return "POST" + path + "Content-Length: 5\r\n\r\nhello";
    case 1: return "POST" + path + "Transfer-Encoding: chunked\r\n\r\n" + chunk("hello") + "0\r\n\r\n";
    default: return "GET" + path + "\r\n";
  }
}

TEST(Chaos, WholeAnswersAreTheOnesThatWereAskedFor) {
  const auto script = [](OriginPeer& peer, unsigned) {
    for (std::string head; !(head = peer.head()).empty() && misbehave(peer, head);) {
    }
  };
  Origin one(script), other(script);
  RunningProxy proxy({.servers = {one.url(), other.url()}, .passive_rest_time = 0ms, .first_byte_time_max = 5s},
                     {.threads = 2});
  std::atomic<int> whole = 0, wrong = 0;
  const auto client = [&](unsigned number) {
    std::mt19937 random(number);
    for (int round = 0; round < 100; ++round) {
      RawPeer peer(proxy.port());
      for (int i = 0; i < 8; ++i) {
        const int deed = static_cast<int>(random() % deeds);
        const std::string mark =
            "mark-" + std::to_string(number) + "-" + std::to_string(round) + "-" + std::to_string(i) + "!";
        const std::string bytes = request(random, deed, mark);
        if (random() % 12 == 0) {  // leaves in the middle
          peer.send(std::string_view(bytes).substr(0, random() % bytes.size()));
          break;
        }
        const std::size_t cut = random() % bytes.size();
        if (!peer.send(std::string_view(bytes).substr(0, cut)) || !peer.send(std::string_view(bytes).substr(cut)))
          break;
        const RawAnswer answer = peer.answer();
        if (answer.status == 0) break;
        const std::string body = whole_body(peer, answer);
        if (!body.empty()) ++(body == mark ? whole : wrong);
        if (body.empty() && answer.status == 200) break;
        if (answer.has("Connection: close")) break;
      }
    }
  };
  {
    std::vector<std::jthread> clients;
    for (unsigned number = 0; number < 8; ++number) clients.emplace_back(client, number);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(whole, 100);
  // And after all that it serves as ever.
  RawPeer peer(proxy.port());
  peer.send("GET /0/fine HTTP/1.1\r\nHost: g\r\n\r\n");
  EXPECT_EQ(peer.answer().body, "fine");
}

}  // namespace
}  // namespace jeton::gateway
