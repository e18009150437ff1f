#include "issuer/accounts/accounts.h"
#include "issuer/accounts/credentials.h"
#include "issuer/accounts/links.h"
#include "issuer/accounts/passwords.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "platform/log.h"

#include <jeton/secret.h>
#include <jeton/signer.h>

#include <expected>
#include <optional>
#include <string>
#include <utility>

namespace jeton::issuer {
namespace {

constexpr std::string_view first_claims = R"({"roles":["developer"],"plan":"free"})";

struct NewAccount {
  std::string email, email_key;
  SecretBytes password;
};

std::expected<NewAccount, http::Response> read_account(const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) return std::unexpected(std::move(body.error()));
  const std::string* email = text_member(*body, "email");
  const std::string* password = text_member(*body, "password");
  if (email == nullptr || password == nullptr) return std::unexpected(refusal(400, "email and password are required"));
  auto key = email_key(*email);
  if (!key.has_value()) return std::unexpected(refusal(400, "Invalid email address"));
  if (const auto objection = objection_to_password(*password); !objection.empty())
    return std::unexpected(refusal(400, objection));
  return NewAccount{.email = *email, .email_key = *std::move(key), .password = SecretBytes::from_text(*password)};
}

}  // namespace

boost::asio::awaitable<http::Response> answer_register(const Context& context, const http::Request& request) {
  const auto rules = context.rules.get();
  if (!rules->registration_open) co_return refusal(403, "Registration is closed");
  auto account = read_account(request);
  if (!account.has_value()) co_return std::move(account.error());

  // Hashed before the store is asked, so that a taken address takes as long as a free one.
  auto hash = co_await hash_of_new_password(context, std::move(account->password), rules->argon2);
  if (!hash.has_value()) co_return too_many_at_once();

  store::NewUser user{.sub = "usr_" + random_id(),
                      .email = account->email,
                      .email_key = account->email_key,
                      .password_hash = *std::move(hash),
                      .claims_json = std::string(first_claims)};
  const std::string sub = user.sub;
  const auto outcome = co_await completed<store::Registration>(
      [&](auto done) { context.store.users().register_user(std::move(user), std::move(done)); });
  if (!outcome.has_value()) {
    context.metrics.store_faults.add();
    platform::log_error("registration failed", {{"reason", outcome.error().message}});
    co_return store_unavailable();
  }
  if (*outcome == store::Registration::email_taken) co_return refusal(409, "Email already registered");
  context.metrics.registrations.add();
  platform::log_info("user registered", {{"sub", sub}, {"address", request.peer_address}});
  if (context.mail_link_base.has_value()) send_link(context, store::LinkPurpose::verify_email, account->email_key);
  Value answer = Value::object();
  answer.set("sub", sub);
  answer.set("email", account->email);
  co_return http::json_response(201, answer.to_json());
}

}  // namespace jeton::issuer
