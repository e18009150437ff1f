#include "issuer/accounts/accounts.h"
#include "issuer/accounts/passwords.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/sessions/caller.h"
#include "platform/log.h"

#include <jeton/secret.h>

#include <expected>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

struct PasswordPair {
  SecretBytes old_password, new_password;
};

std::expected<PasswordPair, http::Response> read_passwords(const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) return std::unexpected(std::move(body.error()));
  const std::string* old_password = text_member(*body, "oldPassword");
  const std::string* new_password = text_member(*body, "newPassword");
  if (old_password == nullptr || new_password == nullptr)
    return std::unexpected(refusal(400, "oldPassword and newPassword are required"));
  if (const auto objection = objection_to_password(*new_password); !objection.empty())
    return std::unexpected(refusal(400, objection));
  if (*old_password == *new_password) return std::unexpected(refusal(400, "newPassword must differ from oldPassword"));
  return PasswordPair{.old_password = SecretBytes::from_text(*old_password),
                      .new_password = SecretBytes::from_text(*new_password)};
}

http::Response changed(const Context& context, const Caller& caller, const http::Request& request) {
  context.metrics.passwords_changed.add();
  platform::log_info("password changed",
                     {{"sub", caller.user.sub}, {"address", request.peer_address}, {"request", request.id}});
  return no_content();
}

}  // namespace

boost::asio::awaitable<http::Response> answer_change_password(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  auto passwords = read_passwords(request);
  if (!passwords.has_value()) co_return std::move(passwords.error());
  if (auto refused = co_await refusal_of_own_password(context, request, *caller, std::move(passwords->old_password)))
    co_return *std::move(refused);
  const auto rules = context.rules.get();
  auto hash = co_await hash_of_new_password(context, std::move(passwords->new_password), rules->argon2);
  if (!hash.has_value()) co_return too_many_at_once();

  store::OwnPasswordChange change{.sub = caller->user.sub,
                                  .session = caller->session.sid,
                                  .security_epoch = caller->user.security_epoch,
                                  .new_hash = *std::move(hash)};
  const auto outcome = co_await completed<store::OwnPasswordOutcome>(
      [&](auto done) { context.store.users().change_own_password(std::move(change), std::move(done)); });
  if (!outcome.has_value()) {
    context.metrics.store_faults.add();
    platform::log_error("password not changed", {{"reason", outcome.error().message}});
    co_return store_unavailable();
  }
  switch (*outcome) {
    case store::OwnPasswordOutcome::changed: co_return changed(context, *caller, request);
    case store::OwnPasswordOutcome::session_over: co_return refused_token(context, Errc::revoked);
    case store::OwnPasswordOutcome::overtaken: co_return refusal(409, "Password changed meanwhile");
  }
  std::unreachable();
}

}  // namespace jeton::issuer
