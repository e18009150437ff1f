// TOTP (RFC 6238) as a second step of login.
//
// A login with the right password of a user who has it gets no session but a challenge: a sealed statement, good for
// five minutes, that this password step was passed. It is taken back together with a code, or a recovery code.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "store/users.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace jeton::issuer {

inline constexpr std::chrono::seconds challenge_lifetime{300};
inline constexpr std::int64_t code_tries_max = 10;  // in code_tries_window, of a user; for recovery codes as well
inline constexpr std::chrono::minutes code_tries_window{15};
inline constexpr int recovery_codes_made = 10;

// What login answers to a user who has a second factor: 401 `{"error":"Second factor required","challenge","methods"}`;
// 503 if the store cannot say. Nothing for others.
boost::asio::awaitable<std::optional<http::Response>> second_step_of(const Context& context, const store::User& user);

// POST /api/auth/totp/login {"challenge","code"} or {"challenge","recoveryCode"} → as login.
boost::asio::awaitable<http::Response> answer_totp_login(const Context& context, const http::Request& request);

// POST /api/auth/totp/enrol {"password"} with an access token → 200 {"secret","otpauthUri"}; nothing is asked for yet.
boost::asio::awaitable<http::Response> answer_totp_enrol(const Context& context, const http::Request& request);

// POST /api/auth/totp/confirm {"code"} with an access token → 200 {"recoveryCodes"}; from now on login asks.
boost::asio::awaitable<http::Response> answer_totp_confirm(const Context& context, const http::Request& request);

// POST /api/auth/totp/disable {"password","code"} (or "recoveryCode") with an access token → 204.
boost::asio::awaitable<http::Response> answer_totp_disable(const Context& context, const http::Request& request);

}  // namespace jeton::issuer
