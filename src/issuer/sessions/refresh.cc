#include "issuer/access_token.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/sessions/sessions.h"
#include "oauth/refresh_token.h"
#include "platform/log.h"

#include <algorithm>
#include <utility>

namespace jeton::issuer {
namespace {

using store::RotateOutcome;
using store::Rotation;

http::Response superseded_refresh_token(const Context& context) {
  Value body = Value::object();
  body.set("error", "Invalid refresh token");
  body.set("reason", "superseded");
  return unauthorized(body, context.foundation.audience, "invalid_token");
}

http::Response refresh_failed(const Context& context, std::string_view reason) {
  context.metrics.refresh_faults.add();
  platform::log_error("token refresh failed", {{"reason", reason}});
  return try_again_later(500, "Token refresh failed");
}

// What was presented beside what is stored: the exact reason, for the operator alone.
void log_refusal(platform::LogLevel level, const Rotation& rotation, const oauth::RefreshToken& presented,
                 const http::Request& request) {
  platform::log(level, "refresh token refused",
                {{"reason", name_of(rotation.outcome)},
                 {"sid", oauth::sid_text(oauth::sid_of(presented.handle))},
                 {"sub", rotation.session.sub},
                 {"generation_presented", presented.generation},
                 {"generation_stored", rotation.session.generation},
                 {"address", request.peer_address},
                 {"request", request.id}});
}

struct Times {
  UnixTime now, expires_at;
};

// The answer for `rotated` and `repeated`: a fresh access token, and the session's one current refresh token. For a
// repeat that is the same text as before, made anew from the row's generation and key id.
http::Response refreshed(const Context& context, const Rules& rules, const Rotation& rotation,
                         const oauth::Handle& handle, Times times) {
  const store::Session& session = rotation.session;
  if (session.generation < 0 || session.generation > oauth::generation_max ||
      !context.foundation.refresh_tokens.knows(session.key_id)) {
    return refresh_failed(context, "the session's refresh token cannot be made: unknown key or generation");
  }
  const AccessTokenFacts facts{.user = rotation.user,
                               .client_id = session.client_id,
                               .sid = oauth::sid_text(session.sid),
                               .generation = session.generation,
                               .auth_time = std::chrono::floor<std::chrono::seconds>(session.auth_time)};
  auto access = make_access_token(context.keyring.current()->signer, rules.claims, facts, times.now, times.expires_at);
  if (!access.has_value()) return refresh_failed(context, describe(access.error()));
  std::string refresh_token = context.foundation.refresh_tokens.encode(
      {.key_id = session.key_id, .handle = handle, .generation = static_cast<std::uint32_t>(session.generation)});
  if (session.delivery == store::Delivery::body)
    return token_answer(*std::move(access), std::move(refresh_token), rules.access_lifetime);
  const auto cookie_lifetime = std::chrono::floor<std::chrono::seconds>(session.idle_expires_at) - times.now;
  return cookie_token_answer(context, *std::move(access), refresh_token, rules.access_lifetime, cookie_lifetime);
}

http::Response answer_for(const Context& context, const Rules& rules, const Rotation& rotation,
                          const oauth::RefreshToken& presented, const http::Request& request, Times times) {
  using enum RotateOutcome;
  switch (rotation.outcome) {
    case rotated:
    case repeated: return refreshed(context, rules, rotation, presented.handle, times);
    case superseded:
      log_refusal(platform::LogLevel::info, rotation, presented, request);
      return superseded_refresh_token(context);
    case key_reused:
      log_refusal(platform::LogLevel::warning, rotation, presented, request);
      return refusal(400, "Idempotency-Key reused");
    case reused:
    case other_client:
    case other_delivery:
      log_refusal(platform::LogLevel::warning, rotation, presented, request);
      return invalid_refresh_token(context);
    case went_back:
      log_refusal(platform::LogLevel::error, rotation, presented, request);
      platform::log_error("the database went back in time", {{"sid", oauth::sid_text(rotation.session.sid)}});
      return invalid_refresh_token(context);
    case ended:
    case unknown:
    case wider_scope:
      log_refusal(platform::LogLevel::info, rotation, presented, request);
      return invalid_refresh_token(context);
  }
  std::unreachable();
}

boost::asio::awaitable<http::Response> refresh(const Context& context, const http::Request& request) {
  auto token = presented_refresh_token(context, request);
  if (!token.has_value()) co_return std::move(token.error());
  auto idempotency_key = idempotency_key_of(request);
  if (!idempotency_key.has_value()) co_return std::move(idempotency_key.error());
  const auto& presented = token->token;
  if (!presented.has_value()) co_return no_refresh_token(context, *token);

  // `exp` is fixed here, before the database hears of it, and is what the token will say.
  const auto rules = context.rules.get();
  const UnixTime now = context.clock.now_seconds();
  const Times times{.now = now, .expires_at = now + rules->access_lifetime};
  store::RotateRequest rotate{
      .sid = oauth::sid_of(presented->handle),
      .generation = presented->generation,
      .client_id = context.foundation.client_id,
      .scope = {},
      .key_id = context.foundation.refresh_key_id,
      .idempotency_key = *idempotency_key,
      .grace = rules->refresh_grace,
      .idle = rules->session_idle,
      .access_expires_at = times.expires_at,
      .user_agent = user_agent_of(request),
      .address = request.peer_address,
      .delivery = token->delivery,
  };
  const auto rotation = co_await completed<Rotation>(
      [&](auto done) { context.store.sessions().rotate(std::move(rotate), std::move(done)); });
  if (!rotation.has_value()) co_return refresh_failed(context, rotation.error().message);
  context.metrics.count_rotation(rotation->outcome);
  co_return answer_for(context, *rules, *rotation, *presented, request, times);
}

}  // namespace

boost::asio::awaitable<http::Response> answer_refresh(const Context& context, const http::Request& request) {
  try {
    co_return co_await refresh(context, request);
  } catch (const std::exception&) {
    // Memory has ended, most likely. What was rotated is durable, and a retry gets it.
  }
  co_return refresh_failed(context, "an exception");
}

}  // namespace jeton::issuer
