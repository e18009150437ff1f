#include "issuer/access_token.h"
#include "issuer/devices/devices.h"
#include "issuer/oauth/oauth.h"
#include "issuer/sessions/sessions.h"
#include "oauth/scope.h"
#include "oauth/token_request.h"
#include "platform/log.h"

#include <string>
#include <utility>
#include <variant>

namespace jeton::issuer {
namespace {

using oauth::Fault;
using oauth::FaultCode;

// RFC 6749 section 5.1.
Value token_body(std::string access_token, std::chrono::seconds lifetime, std::string_view scope) {
  Value body = Value::object();
  body.set("access_token", std::move(access_token));
  body.set("token_type", "Bearer");
  body.set("expires_in", static_cast<std::int64_t>(lifetime.count()));
  if (!scope.empty()) body.set("scope", scope);
  return body;
}

boost::asio::awaitable<std::expected<Value, Fault>> client_token(const Context& context, const RegisteredClient& client,
                                                                 const oauth::ClientCredentialsRequest& asked) {
  const store::Client& row = client.row;
  if (row.is_public || !oauth::has_word(row.grants, oauth::grant_client_credentials))
    co_return std::unexpected(Fault{FaultCode::unauthorized_client});
  const auto target = oauth::choose_target(
      asked, {.scopes = row.scopes, .audiences = row.audiences, .issuer = context.foundation.issuer});
  if (!target.has_value()) co_return std::unexpected(target.error());
  const auto rules = context.rules.get();
  const UnixTime now = context.clock.now_seconds();
  const std::string audiences = oauth::joined(target->audiences);
  const auto signer = co_await signer_for(context, audiences, row.algorithm);
  if (!signer.has_value()) {
    platform::log_error("access token not made", {{"client", row.id}, {"reason", "no key can sign now"}});
    co_return std::unexpected(Fault{FaultCode::server_error, "", "no key can sign now"});
  }
  auto token = make_client_token(*signer, rules->claims, {.client = row, .scope = target->scope}, now,
                                 now + rules->access_lifetime);
  if (!token.has_value()) {
    platform::log_error("access token not made", {{"client", row.id}, {"reason", describe(token.error())}});
    co_return std::unexpected(Fault{FaultCode::server_error, "", "the client's record makes no token"});
  }
  context.metrics.client_tokens.add();
  co_return token_body(*std::move(token), rules->access_lifetime, target->scope);
}

// Why a refresh token was refused, in the one word that the client may know (design 4.3).
Fault fault_of(store::RotateOutcome outcome) {
  switch (outcome) {
    case store::RotateOutcome::key_reused: return {FaultCode::invalid_request, "Idempotency-Key reused"};
    case store::RotateOutcome::wider_scope: return {FaultCode::invalid_scope};
    case store::RotateOutcome::superseded: return {FaultCode::invalid_grant, "superseded"};
    default: return {FaultCode::invalid_grant};
  }
}

boost::asio::awaitable<std::expected<Value, Fault>> refreshed_tokens(const Context& context,
                                                                     const http::Request& request,
                                                                     const RegisteredClient& client,
                                                                     const oauth::RefreshToken& presented,
                                                                     std::string scope) {
  if (!oauth::has_word(client.row.grants, oauth::grant_refresh_token))
    co_return std::unexpected(Fault{FaultCode::unauthorized_client});
  const auto idempotency_key = idempotency_key_of(request);
  if (!idempotency_key.has_value())
    co_return std::unexpected(Fault{FaultCode::invalid_request, "Idempotency-Key is malformed"});
  const auto device = presented_device(context, request);
  if (!device.has_value())
    co_return std::unexpected(Fault{FaultCode::invalid_request, "X-Jeton-Fingerprint is malformed"});
  auto result = co_await refresh_session(context, request,
                                         {.presented = presented,
                                          .client_id = client.row.id,
                                          .scope = std::move(scope),
                                          .algorithm = client.row.algorithm,
                                          .idempotency_key = *idempotency_key,
                                          .fingerprint = device->fingerprint});
  if (!result.has_value()) co_return std::unexpected(Fault{FaultCode::server_error, "", "the refresh failed"});
  if (!result->tokens.has_value()) co_return std::unexpected(fault_of(result->outcome));
  TokenPair& pair = *result->tokens;
  Value body = token_body(std::move(pair.access_token), pair.lifetime, pair.scope);
  body.set("refresh_token", std::move(pair.refresh_token));
  co_return body;
}

// The order of design 4.3: the refresh token's MAC, then the client, and only then the store.
boost::asio::awaitable<std::expected<Value, Fault>> token_for(const Context& context, const http::Request& request) {
  const auto form = read_form(request);
  if (!form.has_value()) co_return std::unexpected(form.error());
  auto asked = oauth::read_token_request(*form);
  if (!asked.has_value()) co_return std::unexpected(asked.error());
  std::optional<oauth::RefreshToken> presented;
  if (const auto* refresh = std::get_if<oauth::RefreshRequest>(&*asked)) {
    presented = opened_refresh_token(context, refresh->refresh_token, request);
    if (!presented.has_value()) co_return std::unexpected(Fault{FaultCode::invalid_grant});
  }
  const auto client = co_await authenticate_client(context, request, *form);
  if (!client.has_value()) co_return std::unexpected(client.error());
  if (const auto* service = std::get_if<oauth::ClientCredentialsRequest>(&*asked))
    co_return co_await client_token(context, **client, *service);
  co_return co_await refreshed_tokens(context, request, **client, *presented,
                                      std::move(std::get<oauth::RefreshRequest>(*asked).scope));
}

}  // namespace

boost::asio::awaitable<http::Response> answer_token(const Context& context, const http::Request& request) {
  const auto body = co_await token_for(context, request);
  if (!body.has_value()) co_return oauth_refusal(context, request, body.error());
  co_return oauth_answer(*body);
}

}  // namespace jeton::issuer
