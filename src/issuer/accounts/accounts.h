// Accounts: registering, logging in, and who am I.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "store/sessions.h"
#include "store/users.h"

#include <boost/asio/awaitable.hpp>

namespace jeton::issuer {

// POST /api/auth/register {"email","password"} → 201 {"sub","email"}; taken → 409; closed → 403.
boost::asio::awaitable<http::Response> answer_register(const Context& context, const http::Request& request);

// POST /api/auth/login {"email","password"} → 200 {"accessToken","refreshToken","tokenType","expiresIn"}; wrong → 401
// `{"error":"Invalid credentials"}`, which says and takes the same whether or not there is such a user.
boost::asio::awaitable<http::Response> answer_login(const Context& context, const http::Request& request);

// A new session of the user, who has shown all that is asked for: the answer of login.
boost::asio::awaitable<http::Response> sign_in(const Context& context, const http::Request& request,
                                               const store::User& user, store::Delivery delivery);

// POST /api/auth/password {"oldPassword","newPassword"} with an access token → 204. The user's other sessions end in
// the same transaction; this one goes on, and its client refreshes (the access token's claims are stale).
boost::asio::awaitable<http::Response> answer_change_password(const Context& context, const http::Request& request);

// GET /api/auth/me → the claims of the access token. The issuer has the store at hand, so it asks it, on each request,
// whether the session is still live and the claims are still those of the user: exact at once, also for what another
// process did.
boost::asio::awaitable<http::Response> answer_me(const Context& context, const http::Request& request);

}  // namespace jeton::issuer
