// Links by mail: the secrets of OneTimeLinks, the mails that carry them, and the endpoints that take them back.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "store/one_time_links.h"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>

namespace jeton::issuer {

// Sends a link to the user with this address, if there is one and it makes sense, some time after the call: it waits
// for nothing, so that what it finds does not show in the time of an answer. At most one in link_pause of each kind.
void send_link(const Context& context, store::LinkPurpose purpose, const std::string& email_key);

inline constexpr std::chrono::seconds link_pause{60};

// POST /api/auth/verify-email {"token"} → 204, or 400 `{"error":"Invalid or expired link"}`.
boost::asio::awaitable<http::Response> answer_verify_email(const Context& context, const http::Request& request);

// POST /api/auth/verify-email/resend {"email"} → 202, whoever it is.
boost::asio::awaitable<http::Response> answer_resend_verification(const Context& context, const http::Request& request);

// POST /api/auth/forgot-password {"email"} → 202, whoever it is, in the same time.
boost::asio::awaitable<http::Response> answer_forgot_password(const Context& context, const http::Request& request);

// POST /api/auth/reset-password {"token","newPassword"} → 204, and every session of the user has ended; or 400.
boost::asio::awaitable<http::Response> answer_reset_password(const Context& context, const http::Request& request);

}  // namespace jeton::issuer
