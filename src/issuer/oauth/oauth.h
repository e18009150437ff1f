// The OAuth endpoints: services get tokens with client credentials, clients refresh, revoke and look into tokens, and
// find out what this issuer can. The grammar is oauth/'s; here it meets the store.
//
// Answers follow the RFCs (6749, 7009, 7662, 8414), not the `{"error":"Text"}` of /api. What else OAuth has
// (authorization code, PKCE, DPoP, …) gets its endpoints and grants here.
#pragma once

#include "http/message.h"
#include "issuer/context.h"
#include "issuer/oauth/client_directory.h"
#include "oauth/client_credentials.h"
#include "oauth/fault.h"
#include "oauth/form.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <expected>

namespace jeton::issuer {

// POST /oauth2/token: grants `client_credentials` and `refresh_token`.
boost::asio::awaitable<http::Response> answer_token(const Context& context, const http::Request& request);

// POST /oauth2/revoke (RFC 7009): a refresh token ends its session, an access token is refused from now on; 200 also
// for what is no token.
boost::asio::awaitable<http::Response> answer_revocation(const Context& context, const http::Request& request);

// POST /oauth2/introspect (RFC 7662), for confidential clients: what a token of theirs, or one for their audience,
// says, if it still stands; {"active":false} for anything else.
boost::asio::awaitable<http::Response> answer_introspection(const Context& context, const http::Request& request);

// GET /.well-known/oauth-authorization-server (RFC 8414).
boost::asio::awaitable<http::Response> answer_oauth_metadata(const Context& context, const http::Request& request);

// How many used assertions are remembered, over all clients and nodes.
inline constexpr std::size_t assertion_uses_max = 1'000'000;

// The form in the body. Fault: invalid_request, also for another Content-Type.
std::expected<oauth::Form, oauth::Fault> read_form(const http::Request& request);

// The client that the request shows itself to be: an enabled one, a public one by its name alone. What it was that
// failed is logged and not told: the fault is invalid_client, whatever it was.
boost::asio::awaitable<std::expected<ClientPtr, oauth::Fault>> authenticate_client(const Context& context,
                                                                                   const http::Request& request,
                                                                                   const oauth::Form& form);

// The answer, counted and logged.
http::Response oauth_refusal(const Context& context, const http::Request& request, const oauth::Fault& fault);
http::Response oauth_answer(const Value& body);

}  // namespace jeton::issuer
