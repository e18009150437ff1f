#include "issuer/acting.h"
#include "issuer/completion.h"
#include "issuer/oauth/oauth.h"
#include "issuer/sessions/sessions.h"
#include "oauth/refresh_token.h"
#include "platform/log.h"
#include "store/revocations.h"

#include <jeton/revocation.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

using oauth::Fault;
using oauth::FaultCode;

Fault store_away() { return {FaultCode::temporarily_unavailable, "", "the store cannot be asked"}; }
Fault another_clients() { return {FaultCode::unauthorized_client, "the token is another client's"}; }

// The session ends, and its access tokens with it (RFC 7009 section 2.1).
boost::asio::awaitable<std::optional<Fault>> revoke_refresh_token(const Context& context, const http::Request& request,
                                                                  const std::string& client_id,
                                                                  const oauth::RefreshToken& token) {
  const store::Sid sid = oauth::sid_of(token.handle);
  const auto session = co_await completed<std::optional<store::Session>>(
      [&](auto done) { context.store.sessions().find_session(sid, std::move(done)); });
  if (!session.has_value()) co_return store_away();
  if (!session->has_value()) co_return std::nullopt;
  if ((*session)->client_id != client_id) co_return another_clients();
  const auto ended = co_await completed<bool>([&](auto done) {
    context.store.sessions().end_session(sid, store::EndReason::revoked, std::move(done),
                                         acting_client(client_id, request));
  });
  if (!ended.has_value()) co_return store_away();
  co_return std::nullopt;
}

boost::asio::awaitable<std::optional<Fault>> revoke_access_token(const Context& context, const std::string& client_id,
                                                                 const std::string& text) {
  const auto token =
      co_await context.own_tokens.verify(text, OwnTokens::Audience::anybody, context.clock.now_seconds());
  if (!token.has_value()) co_return std::nullopt;  // it opens nothing anyway
  if (token->client_id() != client_id) co_return another_clients();
  const auto number = co_await completed<std::uint64_t>([&](auto done) {
    context.store.revocations().revoke({.kind = RevocationKind::token,
                                        .reason = RevocationReason::revoked,
                                        .subject = std::string(token->token_id()),
                                        .expires_at = store::revocation_expiry(token->expires_at())},
                                       std::move(done));
  });
  if (!number.has_value()) co_return store_away();
  platform::log_info("access token revoked", {{"client", client_id}, {"sub", token->subject()}});
  co_return std::nullopt;
}

boost::asio::awaitable<std::optional<Fault>> revoke(const Context& context, const http::Request& request) {
  const auto form = read_form(request);
  if (!form.has_value()) co_return form.error();
  const std::string* text = form->find("token");
  if (text == nullptr) co_return Fault{FaultCode::invalid_request, "token is missing"};
  const auto client = co_await authenticate_client(context, request, *form);
  if (!client.has_value()) co_return client.error();
  // What it is can be seen, so that a wrong token_type_hint leads nobody astray.
  const std::string& client_id = (*client)->row.id;
  if (!text->starts_with(oauth::refresh_token_prefix))
    co_return co_await revoke_access_token(context, client_id, *text);
  const auto token = opened_refresh_token(context, *text, request);
  if (!token.has_value()) co_return std::nullopt;
  co_return co_await revoke_refresh_token(context, request, client_id, *token);
}

}  // namespace

boost::asio::awaitable<http::Response> answer_revocation(const Context& context, const http::Request& request) {
  if (const auto fault = co_await revoke(context, request)) co_return oauth_refusal(context, request, *fault);
  http::Response response;
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

}  // namespace jeton::issuer
