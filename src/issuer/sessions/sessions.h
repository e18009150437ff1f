// Refreshing and ending sessions (design 4.3). The rule itself is the store's `rotate`; here the refresh token is
// opened before the database hears of it, and each outcome is given its answer.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "oauth/refresh_token.h"
#include "store/ids.h"
#include "store/sessions.h"

#include <jeton/value.h>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::issuer {

// POST /api/auth/refresh {"refreshToken"}, or the cookie → 200 as login; 401 `{"error":"Invalid refresh token"}`.
boost::asio::awaitable<http::Response> answer_refresh(const Context& context, const http::Request& request);

// POST /api/auth/logout {"refreshToken"}, or the cookie → 204 for any generation with a good MAC, however
// often; else 401.
boost::asio::awaitable<http::Response> answer_logout(const Context& context, const http::Request& request);

// A refresh token as it was presented, and for whom.
struct RefreshAsk {
  oauth::RefreshToken presented;
  std::string client_id;                             // as authenticated
  std::string scope{};                               // a subset of the session's; empty: all of it
  std::string algorithm{};                           // the client's choice; empty: the issuer's own
  store::Delivery delivery = store::Delivery::body;  // how it was presented
  std::optional<store::Digest> idempotency_key{};
  std::optional<store::Fingerprint> fingerprint{};
};
struct TokenPair {
  std::string access_token, refresh_token, scope;
  std::chrono::seconds lifetime;
  store::Delivery delivery;
  std::chrono::seconds cookie_lifetime;
};
// What became of it: the next pair, or the outcome that refuses it.
struct RefreshResult {
  store::RotateOutcome outcome;
  std::optional<TokenPair> tokens{};
};
// One rotation, logged and counted. Nothing where the fault is ours.
boost::asio::awaitable<std::optional<RefreshResult>> refresh_session(const Context& context,
                                                                     const http::Request& request, RefreshAsk ask);

// {"accessToken","refreshToken","tokenType":"Bearer","expiresIn"}: what login and refresh answer.
http::Response token_answer(std::string access_token, std::string refresh_token, std::chrono::seconds lifetime);

// The same for a session that began with a cookie: the refresh token is in the cookie and nowhere else.
http::Response cookie_token_answer(const Context& context, std::string access_token, std::string_view refresh_token,
                                   std::chrono::seconds lifetime, std::chrono::seconds cookie_lifetime);

// How a login wishes its refresh token to be delivered (`"delivery"`, "body" if it does not say), for the session's
// whole life. 400 for anything else; 403 for a cookie asked for by another site's page.
std::expected<store::Delivery, http::Response> wished_delivery(const Rules& rules, const Value& body,
                                                               const http::Request& request);

struct PresentedToken {
  std::optional<oauth::RefreshToken> token{};  // none: not one of ours; the reason is logged and not told
  bool absent = false;                         // there was none, good or bad
  bool of_former_history = false;              // one of ours, from before the database was restored
  store::Delivery delivery = store::Delivery::body;
};

// The refresh token of the body or of the cookie. 400 where there are two of them, 403 where another site's page sent
// the cookie.
std::expected<PresentedToken, http::Response> presented_refresh_token(const Context& context,
                                                                      const http::Request& request);

// The same for a token that came in another way.
std::optional<oauth::RefreshToken> opened_refresh_token(const Context& context, std::string_view text,
                                                        const http::Request& request);

// 401 `{"error":"Invalid refresh token"}`.
http::Response invalid_refresh_token(const Context& context);
// The answer where presented_refresh_token gave nothing: the same, but without an `error` attribute where the body has
// no token at all (RFC 6750 section 3.1).
http::Response no_refresh_token(const Context& context, const PresentedToken& presented);

inline constexpr std::size_t user_agent_bytes_max = 256;

// The User-Agent as it is kept with the session: cut, and without anything but visible ASCII and spaces.
std::string user_agent_of(const http::Request& request);

inline constexpr std::size_t idempotency_key_bytes_max = 255;

// The digest of the request's Idempotency-Key, if it has one: exactly one header, 1 to 255 visible ASCII characters.
// Else 400.
std::expected<std::optional<store::Digest>, http::Response> idempotency_key_of(const http::Request& request);

}  // namespace jeton::issuer
