#include "issuer/json_body.h"

#include <algorithm>
#include <utility>

namespace jeton::issuer {
namespace {

constexpr std::string_view retry_after_seconds = "1";

bool same_without_case(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(a, lower_case, [](char left, char right) {
    return (left >= 'A' && left <= 'Z' ? static_cast<char>(left - 'A' + 'a') : left) == right;
  });
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The media type alone; a charset says nothing about JSON (RFC 8259 section 11).
bool is_json(const http::Headers& headers) {
  const auto types = headers.all("content-type");
  if (types.size() != 1) return false;
  return same_without_case(trimmed(types.front().substr(0, types.front().find(';'))), "application/json");
}

std::string challenge(std::string_view realm, std::string_view error) {
  std::string text = "Bearer realm=\"" + std::string(realm) + '"';
  if (!error.empty()) text += ", error=\"" + std::string(error) + '"';
  return text;
}

}  // namespace

std::expected<Value, http::Response> read_json_object(const http::Request& request) {
  if (!is_json(request.headers)) return std::unexpected(refusal(400, "Content-Type must be application/json"));
  auto value = Value::parse(request.body);
  if (!value.has_value() || value->if_object() == nullptr) return std::unexpected(refusal(400, "Malformed JSON"));
  return *std::move(value);
}

const std::string* text_member(const Value& object, std::string_view name) noexcept {
  const Value* member = object.find(name);
  return member == nullptr ? nullptr : member->if_string();
}

http::Response no_content() {
  http::Response response;
  response.status = 204;
  response.headers.set("Cache-Control", "no-store");
  return response;
}

http::Response refusal(int status, std::string_view text) {
  return http::json_response(status, Value::object().set("error", text).to_json());
}

http::Response try_again_later(int status, std::string_view text) {
  http::Response response = refusal(status, text);
  response.headers.set("Retry-After", std::string(retry_after_seconds));
  return response;
}

http::Response too_many_attempts(std::chrono::seconds wait) {
  http::Response response = refusal(429, "Too many attempts");
  response.headers.set("Retry-After", std::to_string(wait.count()));
  return response;
}

http::Response unauthorized(const Value& body, std::string_view realm, std::string_view error) {
  http::Response response = http::json_response(401, body.to_json());
  response.headers.set("WWW-Authenticate", challenge(realm, error));
  return response;
}

http::Response with_challenge(http::Response response, std::string_view realm) {
  const bool is_refusal = response.status == 400 || response.status == 401 || response.status == 403;
  if (is_refusal && response.headers.find("WWW-Authenticate") == nullptr)
    response.headers.set("WWW-Authenticate", challenge(realm, ""));
  return response;
}

http::Response store_unavailable() { return try_again_later(503, "Service unavailable"); }

}  // namespace jeton::issuer
