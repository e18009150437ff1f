// The issuer's management over HTTP: for trusted clients and operators, with tokens whose audience is the issuer.
//
// Answers are those of /api: `{"error":"Text"}`, with the challenge of RFC 6750.
#pragma once

#include "http/message.h"
#include "issuer/context.h"

#include <jeton/verified_token.h>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <expected>
#include <functional>
#include <string_view>

namespace jeton::issuer {

// POST /api/admin/sessions {"sub","claims"?,"device"?,"client_id"?}, by a trusted client with the scope
// `sessions:create`: begins a session for a user whose login is the client's own. 200, the shape of a login. The
// session belongs to our own applications, so that they refresh it by themselves, or with `client_id` to the caller.
boost::asio::awaitable<http::Response> answer_session_for(const Context& context, const http::Request& request);

// GET, POST /api/admin/users; GET, DELETE /api/admin/users/{sub}; GET …/export; PUT …/claims; POST …/disable, …/enable,
// …/end-sessions. Scopes `admin:users:read` and `admin:users`. A sub that cannot stand in a path: see sub_of.
boost::asio::awaitable<http::Response> answer_users(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_create_user(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_user(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_erase_user(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_user_export(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_set_claims(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_disable_user(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_enable_user(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_end_sessions_of(const Context& context, const http::Request& request);
// GET …/sessions, DELETE …/sessions/{sid}; PUT …/password {"newPassword"}.
boost::asio::awaitable<http::Response> answer_sessions_of(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_end_session_of(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_set_password(const Context& context, const http::Request& request);

// GET /api/admin/keys; POST /api/admin/keys/rotate {"algorithm"?}; POST /api/admin/keys/{kid}/revoke. Scopes
// `admin:keys:read` and `admin:keys`.
boost::asio::awaitable<http::Response> answer_keys(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_rotate_key(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_revoke_key(const Context& context, const http::Request& request);

// GET /api/admin/audit?before=&limit=&kind=&sub=&sid=, the newest first. Scope `admin:audit:read`.
boost::asio::awaitable<http::Response> answer_audit(const Context& context, const http::Request& request);

// GET, POST /api/admin/clients; GET, PATCH /api/admin/clients/{id}; POST …/rotate-secret, …/disable, …/enable. Scopes
// `admin:clients:read` and `admin:clients`; what gives rights over the issuer needs `admin` itself.
boost::asio::awaitable<http::Response> answer_clients(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_create_client(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_client(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_change_client(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_rotate_client_secret(const Context& context,
                                                                   const http::Request& request);
boost::asio::awaitable<http::Response> answer_disable_client(const Context& context, const http::Request& request);
boost::asio::awaitable<http::Response> answer_enable_client(const Context& context, const http::Request& request);

// GET /openapi.json: all that is served, described (OpenAPI 3.1).
boost::asio::awaitable<http::Response> answer_openapi(const Context& context, const http::Request& request);

// All of this folder.
using Endpoint = boost::asio::awaitable<http::Response> (*)(const Context&, const http::Request&);
using AddRoute = std::function<void(http::Method, const char* path, Endpoint)>;
void add_admin_routes(const AddRoute& add);

inline constexpr std::size_t sub_bytes_max = 255;
inline constexpr std::size_t user_claims_bytes_max = 4096;

struct Manager {
  VerifiedToken token;
  ClientPtr client;
  store::Actor actor;  // for the audit
};
// The client that a request comes from, with a token for the issuer that still stands and has that scope, or a wider
// one: `admin` holds `admin:users`, and that `admin:users:read`.
boost::asio::awaitable<std::expected<Manager, http::Response>> manager_of(const Context& context,
                                                                          const http::Request& request,
                                                                          std::string_view scope);

}  // namespace jeton::issuer
