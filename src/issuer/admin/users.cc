// Users, managed over HTTP.
#include "issuer/access_token.h"
#include "issuer/accounts/credentials.h"
#include "issuer/accounts/passwords.h"
#include "issuer/admin/admin.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "oauth/refresh_token.h"
#include "platform/log.h"

#include <jeton/claims.h>
#include <jeton/signer.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

constexpr std::string_view reading = "admin:users:read";
constexpr std::string_view writing = "admin:users";
using Awaited = boost::asio::awaitable<http::Response>;

http::Response unknown_user() { return refusal(404, "Unknown user"); }

boost::asio::awaitable<std::expected<store::User, http::Response>> user_of(const Context& context, std::string sub) {
  const auto user = co_await completed<std::optional<store::User>>(
      [&](auto done) { context.store.users().find_by_sub(std::move(sub), std::move(done)); });
  if (!user.has_value()) co_return std::unexpected(management_failed(context, user.error()));
  if (!user->has_value()) co_return std::unexpected(unknown_user());
  co_return **user;
}

// The claims of a body, if they are an object and none of them may not be set.
std::expected<std::string, http::Response> claims_in(const Value& body) {
  const Value* claims = body.find("claims");
  if (claims == nullptr) return std::string("{}");
  if (claims->if_object() == nullptr) return std::unexpected(refusal(400, "claims must be an object"));
  if (auto objection = objection_to_claims(*claims)) return std::unexpected(*std::move(objection));
  return claims->to_json();
}

// What a change of a user that is there or not came to.
http::Response done_or_unknown(const Context& context, const store::Result<bool>& done) {
  if (!done.has_value()) return management_failed(context, done.error());
  return *done ? no_content() : unknown_user();
}

}  // namespace

Awaited answer_users(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, reading);
  if (!manager.has_value()) co_return manager.error();
  const auto page = page_of(request);
  if (!page.has_value()) co_return page.error();
  const auto users = co_await completed<std::vector<store::User>>(
      [&](auto done) { context.store.users().list_users(page->after, page->limit, std::move(done)); });
  if (!users.has_value()) co_return management_failed(context, users.error());
  Value list = Value::array();
  for (const store::User& user : *users) list.push(as_json(user));
  Value body = Value::object().set("users", std::move(list));
  if (users->size() == page->limit) body.set("next", users->back().sub);
  co_return http::json_response(200, body.to_json());
}

Awaited answer_user(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, reading);
  if (!manager.has_value()) co_return manager.error();
  const auto user = co_await user_of(context, sub_of(request));
  if (!user.has_value()) co_return user.error();
  co_return http::json_response(200, as_json(*user).to_json());
}

Awaited answer_user_export(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto held = co_await completed<std::optional<store::HeldOfUser>>(
      [&](auto done) { context.store.users().read_all_of_user(sub_of(request), std::move(done)); });
  if (!held.has_value()) co_return management_failed(context, held.error());
  if (!held->has_value()) co_return unknown_user();
  co_return http::json_response(200, as_json(**held).to_json());
}

Awaited answer_create_user(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  const std::string* email = text_member(*body, "email");
  const std::string* password = text_member(*body, "password");
  const auto key = email == nullptr ? std::nullopt : email_key(*email);
  if (!key.has_value()) co_return refusal(400, "Invalid email address");
  if (password == nullptr || !is_possible_password(*password))
    co_return refusal(400, "Password must have 8 to 1024 bytes");
  const auto claims = claims_in(*body);
  if (!claims.has_value()) co_return claims.error();
  const auto hash =
      co_await hash_of_new_password(context, SecretBytes::from_text(*password), context.rules.get()->argon2);
  if (!hash.has_value() || hash->empty()) co_return too_many_at_once();
  store::NewUser user{
      .sub = "usr_" + random_id(), .email = *email, .email_key = *key, .password_hash = *hash, .claims_json = *claims};
  const std::string sub = user.sub;
  const auto outcome = co_await completed<store::Registration>(
      [&](auto done) { context.store.users().register_user(std::move(user), std::move(done), manager->actor); });
  if (!outcome.has_value()) co_return management_failed(context, outcome.error());
  if (*outcome == store::Registration::email_taken) co_return refusal(409, "Email already registered");
  context.metrics.registrations.add();
  const auto made = co_await user_of(context, sub);
  if (!made.has_value()) co_return made.error();
  co_return http::json_response(201, as_json(*made).to_json());
}

Awaited answer_set_claims(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  if (body->find("claims") == nullptr) co_return refusal(400, "claims must be an object");
  const auto claims = claims_in(*body);
  if (!claims.has_value()) co_return claims.error();
  const auto done = co_await completed<bool>(
      [&](auto call) { context.store.users().set_claims(sub_of(request), *claims, std::move(call), manager->actor); });
  co_return done_or_unknown(context, done);
}

Awaited answer_disable_user(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto done = co_await completed<bool>(
      [&](auto call) { context.store.users().set_disabled(sub_of(request), true, std::move(call), manager->actor); });
  co_return done_or_unknown(context, done);
}

Awaited answer_enable_user(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto done = co_await completed<bool>(
      [&](auto call) { context.store.users().set_disabled(sub_of(request), false, std::move(call), manager->actor); });
  co_return done_or_unknown(context, done);
}

Awaited answer_erase_user(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto done = co_await completed<bool>(
      [&](auto call) { context.store.users().erase_user(sub_of(request), std::move(call), manager->actor); });
  co_return done_or_unknown(context, done);
}

Awaited answer_sessions_of(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, reading);
  if (!manager.has_value()) co_return manager.error();
  const auto user = co_await user_of(context, sub_of(request));
  if (!user.has_value()) co_return user.error();
  const auto live = co_await completed<std::vector<store::Session>>(
      [&](auto done) { context.store.sessions().live_sessions_of(user->sub, std::move(done)); });
  if (!live.has_value()) co_return management_failed(context, live.error());
  Value list = Value::array();
  for (const store::Session& session : *live) list.push(as_json(session));
  co_return http::json_response(200, Value::object().set("sessions", std::move(list)).to_json());
}

Awaited answer_end_session_of(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto sid = oauth::sid_from_text(request.parameter("sid"));
  if (!sid) co_return refusal(404, "Unknown session");
  const auto ended = co_await completed<bool>([&](auto done) {
    context.store.sessions().end_own_session(sub_of(request), *sid, store::EndReason::revoked, std::move(done),
                                             manager->actor);
  });
  if (!ended.has_value()) co_return management_failed(context, ended.error());
  co_return *ended ? no_content() : refusal(404, "Unknown session");
}

// The operator's word for a password that is lost: all sessions end. Only where there is one, since that of a user that
// lives elsewhere is not ours to give.
Awaited answer_set_password(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto body = read_json_object(request);
  if (!body.has_value()) co_return body.error();
  const std::string* password = text_member(*body, "newPassword");
  if (password == nullptr) co_return refusal(400, "newPassword is required");
  if (const auto objection = objection_to_password(*password); !objection.empty()) co_return refusal(400, objection);
  const auto user = co_await user_of(context, sub_of(request));
  if (!user.has_value()) co_return user.error();
  if (user->password_hash.empty()) co_return refusal(409, "User has no password here");
  auto hash = co_await hash_of_new_password(context, SecretBytes::from_text(*password), context.rules.get()->argon2);
  if (!hash.has_value() || hash->empty()) co_return too_many_at_once();
  const auto done = co_await completed<bool>([&](auto call) {
    context.store.users().change_password(user->sub, *std::move(hash), std::nullopt, std::move(call), manager->actor);
  });
  if (done.has_value() && *done) {
    context.metrics.passwords_changed.add();
    platform::log_info("password set by an operator",
                       {{"sub", user->sub}, {"client", manager->token.client_id()}, {"request", request.id}});
  }
  co_return done_or_unknown(context, done);
}

Awaited answer_end_sessions_of(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, writing);
  if (!manager.has_value()) co_return manager.error();
  const auto user = co_await user_of(context, sub_of(request));
  if (!user.has_value()) co_return user.error();
  const auto ended = co_await completed<std::int64_t>([&](auto done) {
    context.store.sessions().end_all_sessions(user->sub, store::EndReason::revoked, std::move(done), manager->actor);
  });
  if (!ended.has_value()) co_return management_failed(context, ended.error());
  co_return http::json_response(200, Value::object().set("ended", *ended).to_json());
}

}  // namespace jeton::issuer
