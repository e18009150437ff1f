#include "issuer/access_token.h"
#include "issuer/completion.h"
#include "issuer/devices/devices.h"
#include "issuer/devices/user_agent.h"
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

http::Response demand_login(const Context& context) {
  Value body = Value::object();
  body.set("error", "Invalid refresh token");
  body.set("reason", "login_required");
  return unauthorized(body, context.foundation.audience, "invalid_token");
}

void log_suspicion(const Context& context, const Rotation& rotation, const http::Request& request) {
  if (rotation.suspicion.action == store::SuspicionAction::none) return;
  context.metrics.suspicions.add();
  platform::log_warning("refresh from an unlike device", {{"score", rotation.suspicion.score},
                                                          {"signs", rotation.suspicion.signs()},
                                                          {"outcome", name_of(rotation.outcome)},
                                                          {"sid", oauth::sid_text(rotation.session.sid)},
                                                          {"sub", rotation.session.sub},
                                                          {"address", request.peer_address},
                                                          {"request", request.id}});
}

http::Response refresh_failed() { return try_again_later(500, "Token refresh failed"); }

void log_fault(const Context& context, std::string_view reason) {
  context.metrics.refresh_faults.add();
  platform::log_error("token refresh failed", {{"reason", reason}});
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

// For `rotated` and `repeated`: a fresh access token, and the session's one current refresh token. For a repeat that is
// the same text as before, made anew from the row's generation and key id.
boost::asio::awaitable<std::optional<TokenPair>> next_pair(const Context& context, const Rules& rules,
                                                           const Rotation& rotation, const RefreshAsk& ask,
                                                           Times times) {
  const store::Session& session = rotation.session;
  if (session.generation < 0 || session.generation > oauth::generation_max ||
      !context.foundation.refresh_tokens.knows(session.key_id)) {
    log_fault(context, "the session's refresh token cannot be made: unknown key or generation");
    co_return std::nullopt;
  }
  const auto signer = co_await signer_for(context, session.audience, ask.algorithm);
  if (!signer.has_value()) {
    log_fault(context, "no key can sign now");
    co_return std::nullopt;
  }
  const std::string& scope = ask.scope.empty() ? session.scope : ask.scope;
  const AccessTokenFacts facts{.user = rotation.user,
                               .client_id = session.client_id,
                               .sid = oauth::sid_text(session.sid),
                               .generation = session.generation,
                               .auth_time = std::chrono::floor<std::chrono::seconds>(session.auth_time),
                               .scope = scope};
  auto access = make_access_token(*signer, rules.claims, facts, times.now, times.expires_at);
  if (!access.has_value()) {
    log_fault(context, describe(access.error()));
    co_return std::nullopt;
  }
  co_return TokenPair{.access_token = *std::move(access),
                      .refresh_token = context.foundation.refresh_tokens.encode(
                          {.key_id = session.key_id,
                           .handle = ask.presented.handle,
                           .generation = static_cast<std::uint32_t>(session.generation)}),
                      .scope = scope,
                      .lifetime = rules.access_lifetime,
                      .delivery = session.delivery,
                      .cookie_lifetime = std::chrono::floor<std::chrono::seconds>(session.idle_expires_at) - times.now};
}

void log_outcome(const Rotation& rotation, const oauth::RefreshToken& presented, const http::Request& request) {
  using enum RotateOutcome;
  using platform::LogLevel;
  switch (rotation.outcome) {
    case rotated:
    case repeated:
    case login_demanded:
    case suspected: return;  // suspicion has a line of its own
    case key_reused:
    case reused:
    case other_client:
    case other_delivery: return log_refusal(LogLevel::warning, rotation, presented, request);
    case went_back:
      log_refusal(LogLevel::error, rotation, presented, request);
      return platform::log_error("the database went back in time", {{"sid", oauth::sid_text(rotation.session.sid)}});
    case superseded:
    case ended:
    case unknown:
    case wider_scope: return log_refusal(LogLevel::info, rotation, presented, request);
  }
  std::unreachable();
}

http::Response answer_for(const Context& context, RefreshResult result) {
  if (result.tokens.has_value()) {
    TokenPair& pair = *result.tokens;
    if (pair.delivery == store::Delivery::body)
      return token_answer(std::move(pair.access_token), std::move(pair.refresh_token), pair.lifetime);
    return cookie_token_answer(context, std::move(pair.access_token), pair.refresh_token, pair.lifetime,
                               pair.cookie_lifetime);
  }
  switch (result.outcome) {
    case RotateOutcome::superseded: return superseded_refresh_token(context);
    case RotateOutcome::login_demanded: return demand_login(context);
    case RotateOutcome::key_reused: return refusal(400, "Idempotency-Key reused");
    default: return invalid_refresh_token(context);
  }
}

boost::asio::awaitable<http::Response> refresh(const Context& context, const http::Request& request) {
  auto token = presented_refresh_token(context, request);
  if (!token.has_value()) co_return std::move(token.error());
  auto idempotency_key = idempotency_key_of(request);
  if (!idempotency_key.has_value()) co_return std::move(idempotency_key.error());
  const auto& presented = token->token;
  if (!presented.has_value()) co_return no_refresh_token(context, *token);
  const auto client = co_await context.clients.find(context.foundation.client_id);
  if (!client.has_value()) {
    log_fault(context, client.error().message);
    co_return refresh_failed();
  }
  if (!*client || (*client)->row.disabled) co_return invalid_refresh_token(context);
  const auto device = presented_device(context, request);
  if (!device.has_value()) co_return device.error();
  auto result = co_await refresh_session(context, request,
                                         {.presented = *presented,
                                          .client_id = context.foundation.client_id,
                                          .algorithm = std::string(algorithm_for_own_login((*client)->row)),
                                          .delivery = token->delivery,
                                          .idempotency_key = *idempotency_key,
                                          .fingerprint = device->fingerprint});
  if (!result.has_value()) co_return refresh_failed();
  co_return answer_for(context, *std::move(result));
}

}  // namespace

boost::asio::awaitable<std::optional<RefreshResult>> refresh_session(const Context& context,
                                                                     const http::Request& request, RefreshAsk ask) {
  // `exp` is fixed here, before the database hears of it, and is what the token will say.
  const auto rules = context.rules.get();
  const UnixTime now = context.clock.now_seconds();
  const Times times{.now = now, .expires_at = now + rules->access_lifetime};
  store::RotateRequest rotate{
      .sid = oauth::sid_of(ask.presented.handle),
      .generation = ask.presented.generation,
      .client_id = ask.client_id,
      .scope = ask.scope,
      .key_id = context.foundation.refresh_key_id,
      .idempotency_key = ask.idempotency_key,
      .grace = rules->refresh_grace,
      .idle = rules->session_idle,
      .access_expires_at = times.expires_at,
      .user_agent = parse_user_agent(user_agent_of(request)).text(),
      .address = request.peer_address,
      .delivery = ask.delivery,
      .fingerprint = ask.fingerprint,
      .suspicion = rules->suspicion,
  };
  const auto rotation = co_await completed<Rotation>(
      [&](auto done) { context.store.sessions().rotate(std::move(rotate), std::move(done)); });
  if (!rotation.has_value()) {
    log_fault(context, rotation.error().message);
    co_return std::nullopt;
  }
  context.metrics.count_rotation(rotation->outcome);
  log_suspicion(context, *rotation, request);
  log_outcome(*rotation, ask.presented, request);
  RefreshResult result{.outcome = rotation->outcome};
  if (rotation->outcome == RotateOutcome::rotated || rotation->outcome == RotateOutcome::repeated) {
    result.tokens = co_await next_pair(context, *rules, *rotation, ask, times);
    if (!result.tokens.has_value()) co_return std::nullopt;
  }
  co_return result;
}

boost::asio::awaitable<http::Response> answer_refresh(const Context& context, const http::Request& request) {
  try {
    co_return co_await refresh(context, request);
  } catch (const std::exception&) {
    // Memory has ended, most likely. What was rotated is durable, and a retry gets it.
  }
  log_fault(context, "an exception");
  co_return refresh_failed();
}

}  // namespace jeton::issuer
