// Refreshing and ending sessions (design 4.3). The rule itself is the store's `rotate`; here the refresh token is
// opened before the database hears of it, and each outcome is given its answer.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "oauth/refresh_token.h"
#include "store/ids.h"

#include <jeton/value.h>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::issuer {

// POST /api/auth/refresh {"refreshToken"} → 200 as login; 401 `{"error":"Invalid refresh token"}`.
boost::asio::awaitable<http::Response> answer_refresh(const Context& context, const http::Request& request);

// POST /api/auth/logout {"refreshToken"} → 204 for any generation with a good MAC, however often; else 401.
boost::asio::awaitable<http::Response> answer_logout(const Context& context, const http::Request& request);

// {"accessToken","refreshToken","tokenType":"Bearer","expiresIn"}: what login and refresh answer.
http::Response token_answer(std::string access_token, std::string refresh_token, std::chrono::seconds lifetime);

// The refresh token of the body, if it is one of ours; the reason of a refusal is logged and not told.
std::optional<oauth::RefreshToken> presented_refresh_token(const Context& context, const Value& body,
                                                           const http::Request& request);

// 401 `{"error":"Invalid refresh token"}`.
http::Response invalid_refresh_token(const Context& context);
// The answer where presented_refresh_token gave nothing: the same, but without an `error` attribute where the body has
// no token at all (RFC 6750 section 3.1).
http::Response no_refresh_token(const Context& context, const Value& body);

inline constexpr std::size_t user_agent_bytes_max = 256;

// The User-Agent as it is kept with the session: cut, and without anything but visible ASCII and spaces.
std::string user_agent_of(const http::Request& request);

inline constexpr std::size_t idempotency_key_bytes_max = 255;

// The digest of the request's Idempotency-Key, if it has one: exactly one header, 1 to 255 visible ASCII characters.
// Else 400.
std::expected<std::optional<store::Digest>, http::Response> idempotency_key_of(const http::Request& request);

}  // namespace jeton::issuer
