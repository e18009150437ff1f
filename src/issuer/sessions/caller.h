// Caller: who stands behind an access token that was presented to one of the issuer's own endpoints.
//
// The issuer has the store at hand, so it asks it, on each request, whether the session is still live and the claims
// are still those of the user: exact at once, also for what another process did (docs/decisions/0005).
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "store/sessions.h"
#include "store/users.h"

#include <jeton/error.h>
#include <jeton/verified_token.h>

#include <boost/asio/awaitable.hpp>

#include <expected>
#include <optional>

namespace jeton::issuer {

struct Caller {
  VerifiedToken token;
  store::Session session;  // live when it was read
  store::User user;        // enabled when it was read, of the session's security epoch
};

// The caller of `request`, or the answer that refuses it: those of design 4.7, and 503 where the store cannot say.
boost::asio::awaitable<std::expected<Caller, http::Response>> caller_of(const Context& context,
                                                                        const http::Request& request);

// The session that a user's token names; nothing if its `sid` is none.
std::optional<store::Sid> session_named_by(const VerifiedToken& token);

// What the store knows and a user's token cannot: nothing if it still stands, else revoked or stale_claims.
std::optional<Errc> objection_to_user_token(const VerifiedToken& token, const std::optional<store::Session>& session,
                                            const std::optional<store::User>& user, store::StoreTime now);

// The answer to an access token for this reason, as the guard gives it.
http::Response refused_token(const Context& context, Errc code);

}  // namespace jeton::issuer
