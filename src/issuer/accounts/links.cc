#include "issuer/accounts/links.h"

#include "crypto/digest.h"
#include "crypto/random.h"
#include "issuer/accounts/credentials.h"
#include "issuer/accounts/passwords.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/limits/attempt_limits.h"
#include "issuer/mail/mail.h"
#include "jose/base64url.h"
#include "platform/log.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace jeton::issuer {
namespace {

using store::LinkPurpose;
using Found = std::optional<std::string>;  // the sub of a good link

constexpr std::size_t secret_bytes = 32;

std::string duration_words(std::chrono::seconds duration) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(duration);
  if (hours.count() == 1) return "one hour";
  if (hours.count() > 1) return fmt::format("{} hours", hours.count());
  return fmt::format("{} minutes", std::chrono::duration_cast<std::chrono::minutes>(duration).count());
}

Mail mail_of(LinkPurpose purpose, const std::string& to, const std::string& issuer, const std::string& link,
             std::chrono::seconds lifetime) {
  const bool is_reset = purpose == LinkPurpose::reset_password;
  return {.to = to,
          .subject = is_reset ? "Choose a new password" : "Confirm your e-mail address",
          .text = fmt::format("{}\n\nOpen this link {}:\n\n  {}\n\n"
                              "It is good for {}, and once. If it was not you, there is nothing to do.\n",
                              is_reset ? "A new password was asked for at " + issuer + "."
                                       : "This address was given at " + issuer + ".",
                              is_reset ? "to choose one" : "to confirm it", link, duration_words(lifetime))};
}

// The secret stands behind the `#`: browsers send it to nobody, and it is in no log.
std::string link_of(const Context& context, LinkPurpose purpose, const std::string& secret) {
  return fmt::format("{}/{}#{}", *context.mail_link_base,
                     purpose == LinkPurpose::reset_password ? "reset-password" : "verify-email", secret);
}

void make_link(const Context& context, LinkPurpose purpose, const std::string& email_key, const store::User& user) {
  if (user.disabled || (purpose == LinkPurpose::verify_email && user.email_verified)) return;
  if (!is_mailable(user.email)) {
    platform::log_warning("no mail", {{"sub", user.sub}, {"reason", "the address cannot be mailed to"}});
    return;
  }
  const auto rules = context.rules.get();
  const auto lifetime = purpose == LinkPurpose::reset_password ? rules->reset_lifetime : rules->verification_lifetime;
  std::array<std::byte, secret_bytes> random{};
  crypto::random_bytes(random);
  const std::string secret = jose::base64url::encode(random);
  const Mail mail =
      mail_of(purpose, user.email, context.foundation.issuer, link_of(context, purpose, secret), lifetime);
  store::NewLink link{.purpose = purpose,
                      .email_key = email_key,
                      .secret_hash = crypto::sha256(secret),
                      .lifetime = lifetime,
                      .pause = link_pause,
                      .sealed_mail = seal_mail(context.foundation.accounts_key, mail)};
  context.store.one_time_links().make_link(
      std::move(link), [&context, sub = user.sub](store::Result<store::LinkOutcome> outcome) {
        if (!outcome.has_value() || *outcome == store::LinkOutcome::no_room) {
          context.metrics.store_faults.add();
          platform::log_error("no mail", {{"sub", sub},
                                          {"reason", outcome.has_value() ? "the outbox is full"
                                                                         : std::string_view(outcome.error().message)}});
        } else if (*outcome == store::LinkOutcome::made) {
          context.metrics.links_made.add();
        }
      });
}

// The address that is asked about, or the refusal. Every request counts against its block of addresses.
std::expected<std::string, http::Response> read_address(const Context& context, const http::Request& request) {
  if (!context.mail_link_base.has_value()) return std::unexpected(refusal(501, "Mail is not configured"));
  auto body = read_json_object(request);
  if (!body.has_value()) return std::unexpected(std::move(body.error()));
  const std::string* email = text_member(*body, "email");
  if (email == nullptr) return std::unexpected(refusal(400, "email is required"));
  auto key = email_key(*email);
  if (!key.has_value()) return std::unexpected(refusal(400, "Invalid email address"));
  if (const auto wait =
          context.limits.take_request(request.peer_address, context.rules.get()->attempts, context.clock.now())) {
    return std::unexpected(too_many_attempts(*wait));
  }
  return *std::move(key);
}

http::Response send_and_say_nothing(const Context& context, LinkPurpose purpose, const http::Request& request) {
  const auto key = read_address(context, request);
  if (!key.has_value()) return key.error();
  send_link(context, purpose, *key);
  http::Response accepted = no_content();
  accepted.status = 202;
  return accepted;
}

http::Response invalid_link(const http::Request& request) {
  platform::log_info("link refused", {{"address", request.peer_address}, {"request", request.id}});
  return refusal(400, "Invalid or expired link");
}

http::Response link_failed(const Context& context, std::string_view reason) {
  context.metrics.store_faults.add();
  platform::log_error("link not used", {{"reason", reason}});
  return store_unavailable();
}

}  // namespace

void send_link(const Context& context, LinkPurpose purpose, const std::string& email_key) {
  context.store.users().find_by_email(
      email_key, [&context, purpose, email_key](store::Result<std::optional<store::User>> found) {
        if (!found.has_value()) {
          context.metrics.store_faults.add();
          platform::log_error("no mail", {{"reason", found.error().message}});
          return;
        }
        try {
          if (found->has_value()) make_link(context, purpose, email_key, **found);
        } catch (const std::exception& error) {  // memory; nothing may leave a completion
          platform::log_error("no mail", {{"reason", error.what()}});
        }
      });
}

boost::asio::awaitable<http::Response> answer_resend_verification(const Context& context,
                                                                  const http::Request& request) {
  co_return send_and_say_nothing(context, LinkPurpose::verify_email, request);
}

boost::asio::awaitable<http::Response> answer_forgot_password(const Context& context, const http::Request& request) {
  co_return send_and_say_nothing(context, LinkPurpose::reset_password, request);
}

boost::asio::awaitable<http::Response> answer_verify_email(const Context& context, const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* secret = text_member(*body, "token");
  if (secret == nullptr) co_return refusal(400, "token is required");
  const auto used = co_await completed<Found>(
      [&](auto done) { context.store.one_time_links().verify_email(crypto::sha256(*secret), std::move(done)); });
  if (!used.has_value()) co_return link_failed(context, used.error().message);
  if (!used->has_value()) co_return invalid_link(request);
  platform::log_info("email verified", {{"sub", **used}, {"address", request.peer_address}, {"request", request.id}});
  co_return no_content();
}

boost::asio::awaitable<http::Response> answer_reset_password(const Context& context, const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* secret = text_member(*body, "token");
  const std::string* password = text_member(*body, "newPassword");
  if (secret == nullptr || password == nullptr) co_return refusal(400, "token and newPassword are required");
  if (const auto objection = objection_to_password(*password); !objection.empty()) co_return refusal(400, objection);
  const store::Digest hash = crypto::sha256(*secret);
  // Looked for before the password is hashed: a made-up link costs a read and no Argon2.
  const auto found = co_await completed<Found>(
      [&](auto done) { context.store.one_time_links().find_link(LinkPurpose::reset_password, hash, std::move(done)); });
  if (!found.has_value()) co_return link_failed(context, found.error().message);
  if (!found->has_value()) co_return invalid_link(request);
  auto new_hash =
      co_await hash_of_new_password(context, SecretBytes::from_text(*password), context.rules.get()->argon2);
  if (!new_hash.has_value()) co_return too_many_at_once();
  const auto used = co_await completed<Found>(
      [&](auto done) { context.store.one_time_links().reset_password(hash, *std::move(new_hash), std::move(done)); });
  if (!used.has_value()) co_return link_failed(context, used.error().message);
  if (!used->has_value()) co_return invalid_link(request);
  context.metrics.passwords_changed.add();
  platform::log_info("password reset", {{"sub", **used}, {"address", request.peer_address}, {"request", request.id}});
  co_return no_content();
}

}  // namespace jeton::issuer
