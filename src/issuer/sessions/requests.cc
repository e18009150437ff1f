// What refresh, logout and login read from requests and write into answers.
#include "crypto/digest.h"
#include "http/cookies.h"
#include "issuer/browser/cross_site.h"
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

http::Response cookie_token_answer(const Context& context, std::string access_token, std::string_view refresh_token,
                                   std::chrono::seconds lifetime, std::chrono::seconds cookie_lifetime) {
  Value body = Value::object();
  body.set("accessToken", std::move(access_token));
  body.set("tokenType", "Bearer");
  body.set("expiresIn", static_cast<std::int64_t>(lifetime.count()));
  http::Response response = http::json_response(200, body.to_json());
  response.headers.set("Set-Cookie", context.refresh_cookie.set(refresh_token, cookie_lifetime));
  return response;
}

std::expected<store::Delivery, http::Response> wished_delivery(const Rules& rules, const Value& body,
                                                               const http::Request& request) {
  const Value* wish = body.find("delivery");
  if (wish == nullptr || *wish == Value("body")) return store::Delivery::body;
  if (*wish != Value("cookie")) return std::unexpected(refusal(400, "delivery must be body or cookie"));
  if (auto refused = refuse_cross_site(rules, request)) return std::unexpected(*std::move(refused));
  return store::Delivery::cookie;
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

namespace {

// One of ours, from before the database was restored.
bool is_of_former_history(const Context& context, std::string_view text) {
  return std::ranges::any_of(context.foundation.former_refresh_tokens,
                             [&](const auto& codec) { return codec.decode(text).has_value(); });
}

}  // namespace

http::Response no_refresh_token(const Context& context, const PresentedToken& presented) {
  if (presented.of_former_history) {
    return unauthorized(Value::object().set("error", "Invalid refresh token").set("reason", "restored"),
                        context.foundation.audience, "invalid_token");
  }
  if (!presented.absent) return invalid_refresh_token(context);
  return unauthorized(Value::object().set("error", "Invalid refresh token"), context.foundation.audience, "");
}

std::expected<PresentedToken, http::Response> presented_refresh_token(const Context& context,
                                                                      const http::Request& request) {
  const auto cookies = http::cookies_named(request.headers, context.refresh_cookie.name());
  // Two of one name: somebody else set one of them, and nothing says which.
  if (cookies.size() > 1) return std::unexpected(refusal(400, "Refresh cookie given more than once"));
  const bool by_cookie = !cookies.empty();
  auto body = by_cookie && request.body.empty() ? std::expected<Value, http::Response>(Value::object())
                                                : read_json_object(request);
  if (!body.has_value()) return std::unexpected(std::move(body.error()));
  if (by_cookie && body->find("refreshToken") != nullptr)
    return std::unexpected(refusal(400, "Refresh token in more than one place"));
  if (by_cookie) {
    if (auto refused = refuse_cross_site(*context.rules.get(), request)) return std::unexpected(*std::move(refused));
  }
  PresentedToken presented{.delivery = by_cookie ? store::Delivery::cookie : store::Delivery::body};
  const std::string* member = text_member(*body, "refreshToken");
  presented.absent = !by_cookie && member == nullptr;
  if (presented.absent) return presented;
  presented.token = opened_refresh_token(context, by_cookie ? cookies.front() : std::string_view(*member), request);
  if (!presented.token.has_value()) {
    presented.of_former_history =
        is_of_former_history(context, by_cookie ? cookies.front() : std::string_view(*member));
  }
  return presented;
}

std::optional<oauth::RefreshToken> opened_refresh_token(const Context& context, std::string_view text,
                                                        const http::Request& request) {
  const auto token = context.foundation.refresh_tokens.decode(text);
  if (token.has_value()) return *token;
  context.metrics.refresh_tokens_forged.add();
  platform::log_info("refresh token refused",
                     {{"reason", name_of(token.error())}, {"address", request.peer_address}, {"request", request.id}});
  return std::nullopt;
}

}  // namespace jeton::issuer
