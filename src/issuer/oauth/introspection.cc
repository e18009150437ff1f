#include "issuer/completion.h"
#include "issuer/oauth/oauth.h"
#include "issuer/oauth/standing.h"
#include "issuer/sessions/sessions.h"
#include "oauth/refresh_token.h"
#include "oauth/scope.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

using oauth::Fault;
using oauth::FaultCode;
using Answer = std::expected<Value, Fault>;

Value inactive() { return Value::object().set("active", false); }
std::unexpected<Fault> store_away() {
  return std::unexpected(Fault{FaultCode::temporarily_unavailable, "", "the store cannot be asked"});
}

// A client hears of tokens that are its own, or meant for an audience that it has (RFC 7662 section 4).
bool may_hear_of(const store::Client& client, const VerifiedToken& token) {
  if (token.client_id() == client.id) return true;
  const auto audiences = oauth::words_of(client.audiences).value_or(std::vector<std::string>{});
  return std::ranges::any_of(audiences,
                             [&](const std::string& audience) { return token.claim_holds("aud", audience); });
}

boost::asio::awaitable<Answer> look_into_access_token(const Context& context, const store::Client& client,
                                                      const std::string& text) {
  const auto token =
      co_await context.own_tokens.verify(text, OwnTokens::Audience::anybody, context.clock.now_seconds());
  if (!token.has_value() || !may_hear_of(client, *token)) co_return inactive();
  const auto objection = co_await objection_to(context, *token);
  if (!objection.has_value()) co_return store_away();
  if (objection->has_value()) co_return inactive();
  Value body = Value::object();
  body.set("active", true).set("token_type", "Bearer");
  const Value payload = token->payload();
  for (const Value::Member& member : *payload.if_object()) {
    if (member.name != "active" && member.name != "token_type") body.set(member.name, member.value);
  }
  co_return body;
}

std::int64_t seconds_of(store::StoreTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

boost::asio::awaitable<Answer> look_into_refresh_token(const Context& context, const store::Client& client,
                                                       const oauth::RefreshToken& token) {
  const auto found = co_await completed<std::optional<store::Session>>(
      [&](auto done) { context.store.sessions().find_session(oauth::sid_of(token.handle), std::move(done)); });
  if (!found.has_value()) co_return store_away();
  if (!found->has_value() || (*found)->client_id != client.id) co_return inactive();
  const store::Session& session = **found;
  const auto user = co_await completed<std::optional<store::User>>(
      [&](auto done) { context.store.users().find_by_sub(session.sub, std::move(done)); });
  if (!user.has_value()) co_return store_away();
  const store::StoreTime now = context.clock.now();
  const store::StoreTime end = std::min(session.idle_expires_at, session.absolute_expires_at);
  const bool lives = !session.ended_at.has_value() && now < end && user->has_value() && !(*user)->disabled &&
                     session.security_epoch == (*user)->security_epoch;
  // An older generation may still be repeated for some seconds; what counts is the one that is current.
  if (!lives || session.generation != token.generation) co_return inactive();
  Value body = Value::object();
  body.set("active", true).set("client_id", session.client_id).set("sub", session.sub);
  if (!session.scope.empty()) body.set("scope", session.scope);
  body.set("iss", context.foundation.issuer).set("exp", seconds_of(end)).set("iat", seconds_of(session.rotated_at));
  body.set("sid", oauth::sid_text(session.sid));
  co_return body;
}

boost::asio::awaitable<Answer> look_into(const Context& context, const http::Request& request) {
  const auto form = read_form(request);
  if (!form.has_value()) co_return std::unexpected(form.error());
  const auto client = co_await authenticate_client(context, request, *form);
  if (!client.has_value()) co_return std::unexpected(client.error());
  if ((*client)->row.is_public)
    co_return std::unexpected(Fault{FaultCode::invalid_client, "client authentication failed", "the client is public"});
  const std::string* text = form->find("token");
  if (text == nullptr) co_return std::unexpected(Fault{FaultCode::invalid_request, "token is missing"});
  if (!text->starts_with(oauth::refresh_token_prefix))
    co_return co_await look_into_access_token(context, (*client)->row, *text);
  const auto token = opened_refresh_token(context, *text, request);
  if (!token.has_value()) co_return inactive();
  co_return co_await look_into_refresh_token(context, (*client)->row, *token);
}

}  // namespace

boost::asio::awaitable<http::Response> answer_introspection(const Context& context, const http::Request& request) {
  const auto body = co_await look_into(context, request);
  if (!body.has_value()) co_return oauth_refusal(context, request, body.error());
  co_return oauth_answer(*body);
}

}  // namespace jeton::issuer
