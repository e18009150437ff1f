#include "requests.h"

#include "../measure.h"

#include <algorithm>
#include <fstream>
#include <random>

namespace jeton::bench {
namespace {

constexpr std::string_view before_token = R"({"refreshToken":")";
constexpr std::string_view after_token = R"("})";
constexpr std::size_t token_bytes = 59;  // "jrt1." and 40 bytes as base64url

std::string post(const std::string& path, const std::vector<std::string>& headers, const std::string& body) {
  std::string text = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: jeton-bench/1\r\n";
  for (const std::string& header : headers) text += header + "\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string_view token_in(std::string_view request) {
  return request.substr(request.size() - after_token.size() - token_bytes, token_bytes);
}

}  // namespace

SameRequest::SameRequest(const std::string& path, const std::vector<std::string>& headers, const std::string& body)
    : text_(post(path, headers, body)) {}

Refreshes Refreshes::read(const std::string& path) {
  std::ifstream file(path);
  Refreshes all;
  for (std::string token; std::getline(file, token);) {
    expect(token.size() == token_bytes, "a line is no refresh token");
    const std::string body = std::string(before_token) + token + std::string(after_token);
    all.texts_.push_back(post("/api/auth/refresh", {"Content-Type: application/json"}, body));
  }
  expect(!all.texts_.empty(), "no tokens to refresh");
  std::vector<std::size_t> order(all.texts_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::shuffle(order, std::mt19937_64{7});
  all.idle_.assign(order.begin(), order.end());
  return all;
}

void Refreshes::write(const std::string& path) const {
  std::ofstream file(path, std::ios::trunc);
  for (const std::string& text : texts_) file << token_in(text) << '\n';
  expect(file.flush().good(), "the tokens cannot be written");
}

std::optional<Requests::Next> Refreshes::next() {
  if (idle_.empty()) return std::nullopt;
  const std::size_t slot = idle_.front();
  idle_.pop_front();
  return Next{slot, texts_[slot]};
}

bool Refreshes::take(std::size_t slot, int status, std::string_view body) {
  const auto at = body.find(R"("refreshToken":")");
  if (status != 200 || at == std::string_view::npos) return false;  // not asked again
  const auto token = body.substr(at + 16, token_bytes);
  std::string& text = texts_[slot];
  text.replace(text.size() - after_token.size() - token_bytes, token_bytes, token);
  idle_.push_back(slot);
  return true;
}

}  // namespace jeton::bench
