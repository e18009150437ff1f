// What refresh, logout and login read from requests and write into answers.
#include "crypto/digest.h"
#include "issuer/json_body.h"
#include "issuer/sessions/sessions.h"
#include "platform/log.h"

#include <algorithm>
#include <utility>

namespace jeton::issuer {

http::Response token_answer(std::string access_token, std::string refresh_token, std::chrono::seconds lifetime) {
  Value body = Value::object();
  body.set("accessToken", std::move(access_token));
  body.set("refreshToken", std::move(refresh_token));
  body.set("tokenType", "Bearer");
  body.set("expiresIn", static_cast<std::int64_t>(lifetime.count()));
  return http::json_response(200, body.to_json());
}

std::string user_agent_of(const http::Request& request) {
  const std::string* header = request.headers.find("user-agent");
  if (header == nullptr) return {};
  std::string agent = header->substr(0, user_agent_bytes_max);
  std::ranges::replace_if(agent, [](char c) { return c < ' ' || c > '~'; }, '?');
  return agent;
}

std::expected<std::optional<store::Digest>, http::Response> idempotency_key_of(const http::Request& request) {
  const auto values = request.headers.all("idempotency-key");
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) return std::unexpected(refusal(400, "Idempotency-Key given more than once"));
  const std::string_view key = values.front();
  const bool is_visible = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  if (key.empty() || key.size() > idempotency_key_bytes_max || !is_visible) {
    return std::unexpected(refusal(400, "Idempotency-Key must have 1 to 255 visible characters"));
  }
  return crypto::sha256(key);
}

http::Response invalid_refresh_token(const Context& context) {
  return unauthorized(Value::object().set("error", "Invalid refresh token"), context.foundation.audience,
                      "invalid_token");
}

http::Response no_refresh_token(const Context& context, const Value& body) {
  if (text_member(body, "refreshToken") != nullptr) return invalid_refresh_token(context);
  return unauthorized(Value::object().set("error", "Invalid refresh token"), context.foundation.audience, "");
}

std::optional<oauth::RefreshToken> presented_refresh_token(const Context& context, const Value& body,
                                                           const http::Request& request) {
  const std::string* text = text_member(body, "refreshToken");
  if (text == nullptr) return std::nullopt;
  const auto token = context.foundation.refresh_tokens.decode(*text);
  if (token.has_value()) return *token;
  context.metrics.refresh_tokens_forged.add();
  platform::log_info("refresh token refused",
                     {{"reason", name_of(token.error())}, {"address", request.peer_address}, {"request", request.id}});
  return std::nullopt;
}

}  // namespace jeton::issuer
