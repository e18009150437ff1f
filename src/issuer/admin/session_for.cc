#include "issuer/access_token.h"
#include "issuer/admin/admin.h"
#include "issuer/admin/records.h"
#include "issuer/completion.h"
#include "issuer/devices/devices.h"
#include "issuer/devices/user_agent.h"
#include "issuer/json_body.h"
#include "issuer/sessions/sessions.h"
#include "oauth/refresh_token.h"
#include "oauth/scope.h"
#include "oauth/token_request.h"
#include "platform/log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

// What the body asks for.
struct Wanted {
  std::string sub, email, claims_json, user_agent, address, client_id;
};

std::unexpected<http::Response> refused(std::string_view text) { return std::unexpected(refusal(400, text)); }

bool is_possible_sub(std::string_view sub) {
  return !sub.empty() && sub.size() <= sub_bytes_max && std::ranges::none_of(sub, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

std::string text_of(const Value* object, std::string_view name) {
  const Value* member = object == nullptr ? nullptr : object->find(name);
  return member == nullptr || member->if_string() == nullptr ? std::string() : *member->if_string();
}

std::string as_user_agent(std::string agent) {
  agent = agent.substr(0, user_agent_bytes_max);
  std::ranges::replace_if(agent, [](char c) { return c < ' ' || c > '~'; }, '?');
  return agent;
}

std::expected<Wanted, http::Response> read_wanted(const Context& context, const http::Request& request,
                                                  const std::string& caller_id) {
  auto body = read_json_object(request);
  if (!body.has_value()) return std::unexpected(std::move(body.error()));
  const std::string* sub = text_member(*body, "sub");
  if (sub == nullptr || !is_possible_sub(*sub)) return refused("sub must be a text of 1 to 255 bytes");
  const Value* claims = body->find("claims");
  const Value* device = body->find("device");
  const Value* client_id = body->find("client_id");
  if (claims != nullptr && claims->if_object() == nullptr) return refused("claims must be an object");
  if (device != nullptr && device->if_object() == nullptr) return refused("device must be an object");
  Wanted wanted{.sub = *sub, .claims_json = claims == nullptr ? "{}" : claims->to_json()};
  if (wanted.claims_json.size() > user_claims_bytes_max) return refused("claims must have 4096 bytes at most");
  if (claims != nullptr) {
    if (auto objection = objection_to_claims(*claims)) return std::unexpected(*std::move(objection));
  }
  wanted.email = text_of(claims, "email");
  wanted.user_agent = as_user_agent(text_of(device, "userAgent"));
  wanted.address = text_of(device, "address");
  wanted.client_id = client_id == nullptr ? context.foundation.client_id : text_of(&*body, "client_id");
  if (wanted.client_id != context.foundation.client_id && wanted.client_id != caller_id)
    return refused("client_id must be the caller's own");
  return wanted;
}

http::Response failed(const Context& context, std::string_view reason) {
  context.metrics.store_faults.add();
  platform::log_error("session not begun", {{"reason", reason}});
  return store_unavailable();
}

// The user's record, made or brought up to date; most often it is as it was, and then nothing is written.
boost::asio::awaitable<std::expected<store::User, http::Response>> kept_user(const Context& context,
                                                                             const Wanted& wanted,
                                                                             const std::string& home) {
  const auto kept = co_await completed<store::KeptElsewhere>([&](auto done) {
    context.store.users().keep_user_elsewhere(
        {.sub = wanted.sub, .home = home, .email = wanted.email, .claims_json = wanted.claims_json}, std::move(done));
  });
  if (!kept.has_value()) co_return std::unexpected(failed(context, kept.error().message));
  switch (kept->outcome) {
    case store::ElsewhereOutcome::kept: break;
    case store::ElsewhereOutcome::client_id: co_return std::unexpected(refusal(400, "sub is a client's id"));
    case store::ElsewhereOutcome::another_home:
      co_return std::unexpected(refusal(409, "sub belongs to another client or to the issuer"));
  }
  if (kept->user.disabled) co_return std::unexpected(refusal(403, "User is disabled"));
  co_return kept->user;
}

boost::asio::awaitable<http::Response> begin_session(const Context& context, const Wanted& wanted,
                                                     const store::Client& client, const store::User& user) {
  const auto rules = context.rules.get();
  const Foundation& foundation = context.foundation;
  const UnixTime now = context.clock.now_seconds();
  const UnixTime expires_at = now + rules->access_lifetime;
  const oauth::Handle handle = oauth::random_handle();
  const oauth::SessionId sid = oauth::sid_of(handle);
  const std::string scope = oauth::scopes_for_users(client.scopes);
  const std::string& audience = client.audiences.empty() ? foundation.audience : client.audiences;
  const AccessTokenFacts facts{.user = user,
                               .client_id = client.id,
                               .sid = oauth::sid_text(sid),
                               .generation = 0,
                               .auth_time = now,
                               .scope = scope};
  const auto signer = co_await signer_for(context, audience, client.algorithm);
  if (!signer.has_value()) co_return failed(context, "no key can sign now");
  auto access = make_access_token(*signer, rules->claims, facts, now, expires_at);
  if (!access.has_value()) co_return failed(context, describe(access.error()));
  store::SignIn sign_in{.sid = sid,
                        .key_id = foundation.refresh_key_id,
                        .sub = user.sub,
                        .client_id = client.id,
                        .scope = scope,
                        .audience = audience,
                        .delivery = store::Delivery::body,
                        .security_epoch = user.security_epoch,
                        .idle = rules->session_idle,
                        .absolute = rules->session_absolute,
                        .access_expires_at = expires_at,
                        .user_agent = parse_user_agent(wanted.user_agent).text(),
                        .address = wanted.address,
                        .sessions_max = sessions_max_of(*rules, user.claims_json),
                        .at_cap = rules->at_cap};
  const auto outcome = co_await completed<store::SignInOutcome>(
      [&](auto done) { context.store.sessions().sign_in(std::move(sign_in), std::move(done)); });
  if (!outcome.has_value()) co_return failed(context, outcome.error().message);
  if (*outcome == store::SignInOutcome::refused) co_return refusal(409, "User has just changed");
  if (*outcome == store::SignInOutcome::too_many) co_return refusal(409, "Too many sessions");
  context.metrics.logins.add();
  co_return token_answer(
      *std::move(access),
      foundation.refresh_tokens.encode({.key_id = foundation.refresh_key_id, .handle = handle, .generation = 0}),
      rules->access_lifetime);
}

}  // namespace

boost::asio::awaitable<http::Response> answer_session_for(const Context& context, const http::Request& request) {
  const auto manager = co_await manager_of(context, request, "sessions:create");
  if (!manager.has_value()) co_return manager.error();
  const store::Client& caller = manager->client->row;
  if (!caller.trusted) co_return refusal(403, "Client is not trusted");
  const auto wanted = read_wanted(context, request, caller.id);
  if (!wanted.has_value()) co_return wanted.error();
  const auto client = co_await context.clients.find(wanted->client_id);
  if (!client.has_value()) co_return failed(context, client.error().message);
  if (!*client || (*client)->row.disabled) co_return refusal(403, "Client is disabled");
  const auto user = co_await kept_user(context, *wanted, caller.id);
  if (!user.has_value()) co_return user.error();
  co_return co_await begin_session(context, *wanted, (*client)->row, *user);
}

}  // namespace jeton::issuer
