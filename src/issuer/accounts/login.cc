#include "issuer/access_token.h"
#include "issuer/accounts/accounts.h"
#include "issuer/accounts/credentials.h"
#include "issuer/accounts/passwords.h"
#include "issuer/completion.h"
#include "issuer/devices/devices.h"
#include "issuer/json_body.h"
#include "issuer/limits/device_cookie.h"
#include "issuer/limits/known_device.h"
#include "issuer/sessions/sessions.h"
#include "issuer/totp/totp.h"
#include "oauth/refresh_token.h"
#include "oauth/token_request.h"
#include "platform/log.h"

#include <jeton/secret.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

http::Response invalid_credentials(const Context& context, const http::Request& request) {
  context.metrics.logins_refused.add();
  platform::log_info("login refused",
                     {{"reason", "wrong credentials"}, {"address", request.peer_address}, {"request", request.id}});
  return unauthorized(Value::object().set("error", "Invalid credentials"), context.foundation.audience, "");
}

http::Response login_failed(const Context& context, std::string_view reason) {
  context.metrics.store_faults.add();
  platform::log_error("login failed", {{"reason", reason}});
  return store_unavailable();
}

void upgrade_hash(const Context& context, const store::User& user, std::string new_hash) {
  context.store.users().upgrade_password_hash(
      user.sub, user.password_hash, std::move(new_hash), [](store::Result<bool> done) {
        if (!done.has_value()) platform::log_warning("password hash not upgraded", {{"reason", done.error().message}});
      });
}

// What this attempt counts against: whether the device is known is decided for whoever is asked about, in one way.
std::string proven_device(const Context& context, const http::Request& request,
                          const std::optional<store::User>& user) {
  const std::string value = device_cookie_of(context, request);
  const std::string_view sub = user.has_value() ? std::string_view(user->sub) : std::string_view();
  return is_device_of(context.foundation.device_key, value, sub, context.clock.now_seconds()) ? value : std::string();
}

}  // namespace

// The token is made before the session, so that no session begins without one; the store compares the security epoch
// that was read with the password hash.
boost::asio::awaitable<http::Response> sign_in(const Context& context, const http::Request& request,
                                               const store::User& user, store::Delivery delivery) {
  const auto rules = context.rules.get();
  const Foundation& foundation = context.foundation;
  const UnixTime now = context.clock.now_seconds();
  const UnixTime expires_at = now + rules->access_lifetime;
  const oauth::Handle handle = oauth::random_handle();
  const oauth::SessionId sid = oauth::sid_of(handle);
  auto device = presented_device(context, request);
  if (!device.has_value()) co_return std::move(device.error());
  const auto client = co_await context.clients.find(foundation.client_id);
  if (!client.has_value()) co_return login_failed(context, client.error().message);
  if (!*client || (*client)->row.disabled) co_return login_failed(context, "the client of our own login is disabled");
  const store::Client& row = (*client)->row;
  const std::string scope = oauth::scopes_for_users(row.scopes);
  const std::string& audience = row.audiences.empty() ? foundation.audience : row.audiences;
  const AccessTokenFacts facts{.user = user,
                               .client_id = foundation.client_id,
                               .sid = oauth::sid_text(sid),
                               .generation = 0,
                               .auth_time = now,
                               .scope = scope};
  const auto signer = co_await signer_for(context, audience, algorithm_for_own_login(row));
  if (!signer.has_value()) co_return login_failed(context, "no key can sign now");
  auto access = make_access_token(*signer, rules->claims, facts, now, expires_at);
  if (!access.has_value()) co_return login_failed(context, describe(access.error()));

  store::SignIn sign_in{.sid = sid,
                        .key_id = foundation.refresh_key_id,
                        .sub = user.sub,
                        .client_id = foundation.client_id,
                        .scope = scope,
                        .audience = audience,
                        .delivery = delivery,
                        .security_epoch = user.security_epoch,
                        .idle = rules->session_idle,
                        .absolute = rules->session_absolute,
                        .access_expires_at = expires_at,
                        .user_agent = std::move(device->agent),
                        .address = request.peer_address,
                        .fingerprint = device->fingerprint,
                        .sessions_max = sessions_max_of(*rules, user.claims_json),
                        .at_cap = rules->at_cap};
  const auto outcome = co_await completed<store::SignInOutcome>(
      [&](auto done) { context.store.sessions().sign_in(std::move(sign_in), std::move(done)); });
  if (!outcome.has_value()) co_return login_failed(context, outcome.error().message);
  if (*outcome == store::SignInOutcome::refused) co_return invalid_credentials(context, request);
  if (*outcome == store::SignInOutcome::too_many) co_return refusal(409, "Too many sessions");
  context.metrics.logins.add();
  std::string refresh_token =
      foundation.refresh_tokens.encode({.key_id = foundation.refresh_key_id, .handle = handle, .generation = 0});
  http::Response answer = delivery == store::Delivery::body
                              ? token_answer(*std::move(access), std::move(refresh_token), rules->access_lifetime)
                              : cookie_token_answer(context, *std::move(access), refresh_token, rules->access_lifetime,
                                                    std::min(rules->session_idle, rules->session_absolute));
  answer.headers.add("Set-Cookie", device_cookie(context, user.sub));
  co_return answer;
}

boost::asio::awaitable<http::Response> answer_login(const Context& context, const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* email = text_member(*body, "email");
  const std::string* password = text_member(*body, "password");
  if (email == nullptr || password == nullptr) co_return refusal(400, "email and password are required");
  const auto delivery = wished_delivery(*context.rules.get(), *body, request);
  if (!delivery.has_value()) co_return delivery.error();
  // What no account can have is refused at once: that says nothing about who has one.
  const auto key = email_key(*email);
  if (!key.has_value() || !may_be_password(*password)) co_return invalid_credentials(context, request);

  const auto found = co_await completed<std::optional<store::User>>(
      [&](auto done) { context.store.users().find_by_email(*key, std::move(done)); });
  if (!found.has_value()) co_return login_failed(context, found.error().message);
  const std::optional<store::User>& user = *found;
  const auto rules = context.rules.get();
  const std::string device = proven_device(context, request, user);
  const Attempt attempt{.account = *key, .address = request.peer_address, .device = device};
  if (const auto wait = context.limits.refuse(attempt, rules->attempts, context.clock.now()))
    co_return too_many_attempts(*wait);
  auto verdict =
      co_await check_password(context, SecretBytes::from_text(*password),
                              user.has_value() ? user->password_hash : *context.decoy_hash.get(), rules->argon2);
  if (!verdict.has_value()) co_return too_many_at_once();
  if (!user.has_value() || !verdict->good || user->disabled) {
    context.limits.count_failure(attempt, rules->attempts, context.clock.now());
    co_return invalid_credentials(context, request);
  }
  if (!verdict->new_hash.empty()) upgrade_hash(context, *user, std::move(verdict->new_hash));
  if (rules->verified_email_only && !user->email_verified) co_return refusal(403, "Email not verified");
  auto second = co_await second_step_of(context, *user);
  if (second.has_value()) co_return *std::move(second);
  co_return co_await sign_in(context, request, *user, *delivery);
}

}  // namespace jeton::issuer
