#include "issuer/totp/totp.h"

#include "crypto/mac.h"
#include "crypto/random.h"
#include "crypto/sealed_box.h"
#include "crypto/totp.h"
#include "issuer/accounts/accounts.h"
#include "issuer/accounts/passwords.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "issuer/sessions/caller.h"
#include "issuer/sessions/sessions.h"
#include "issuer/totp/otpauth.h"
#include "jose/base64url.h"
#include "platform/log.h"

#include <jeton/secret.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

namespace base64url = jose::base64url;
using Factor = std::optional<store::SecondFactor>;
using Refusal = std::optional<http::Response>;  // nothing: go on

constexpr std::string_view challenge_context = "totp challenge";
constexpr std::size_t recovery_code_bytes = 10;  // 16 characters of base32

std::string secret_context(const std::string& sub) { return "totp secret " + sub; }

std::string_view text_in(const SecretBytes& secret) {
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

http::Response failed(const Context& context, std::string_view reason) {
  context.metrics.store_faults.add();
  platform::log_error("second factor not checked", {{"reason", reason}});
  return store_unavailable();
}

http::Response wrong_code(const Context& context, const http::Request& request, const std::string& sub, int status) {
  context.metrics.second_factors_refused.add();
  platform::log_info("second factor refused",
                     {{"sub", sub}, {"address", request.peer_address}, {"request", request.id}});
  if (status != 401) return refusal(status, "Invalid code");
  return unauthorized(Value::object().set("error", "Invalid code"), context.foundation.audience, "");
}

// Peppered: whoever has the database alone can test none.
store::Digest recovery_hash(const Context& context, const std::string& sub, std::string_view code) {
  std::string plain;
  for (const char c : code) {
    if (c != '-' && c != ' ') plain += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const std::string text = fmt::format("recovery code {} {}", sub, plain);
  return crypto::hmac_sha256(context.foundation.accounts_key, {std::as_bytes(std::span(text))});
}

std::string new_recovery_code() {
  std::array<std::byte, recovery_code_bytes> random{};
  crypto::random_bytes(random);
  std::string code = crypto::base32(random);
  for (const std::size_t place : {12, 8, 4}) code.insert(place, 1, '-');
  return code;
}

std::optional<SecretBytes> secret_of(const Context& context, const std::string& sub,
                                     const store::SecondFactor& factor) {
  return crypto::open(context.foundation.accounts_key, factor.sealed, secret_context(sub));
}

std::int64_t step_now(const Context& context) {
  return to_unix_seconds(context.clock.now_seconds()) / crypto::totp_step_seconds;
}

// {"code"} or {"recoveryCode"} of the body, used up: each is good once. `status` is that of a wrong one.
boost::asio::awaitable<Refusal> refusal_of_code(const Context& context, const http::Request& request, const Value& body,
                                                const std::string& sub, int status) {
  const std::string* code = text_member(body, "code");
  const std::string* recovery = text_member(body, "recoveryCode");
  if ((code == nullptr) == (recovery == nullptr)) co_return refusal(400, "code or recoveryCode is required");
  const auto taken = co_await completed<bool>([&](auto done) {
    context.store.second_factors().take_try(sub, code_tries_max, code_tries_window, std::move(done));
  });
  if (!taken.has_value()) co_return failed(context, taken.error().message);
  if (!*taken) co_return too_many_attempts(code_tries_window);
  store::Result<bool> used = false;
  if (recovery != nullptr) {
    used = co_await completed<bool>([&](auto done) {
      context.store.second_factors().use_recovery_code(sub, recovery_hash(context, sub, *recovery), std::move(done));
    });
  } else {
    const auto factor = co_await completed<Factor>(
        [&](auto done) { context.store.second_factors().find_factor(sub, std::move(done)); });
    if (!factor.has_value()) co_return failed(context, factor.error().message);
    const auto secret = factor->has_value() ? secret_of(context, sub, **factor) : std::nullopt;
    const auto step = secret ? crypto::totp_step_of(*secret, *code, step_now(context)) : std::nullopt;
    if (step.has_value()) {
      used = co_await completed<bool>(
          [&](auto done) { context.store.second_factors().use_step(sub, *step, std::move(done)); });
    }
  }
  if (!used.has_value()) co_return failed(context, used.error().message);
  if (!*used) co_return wrong_code(context, request, sub, status);
  co_return std::nullopt;
}

struct PassedStep {
  std::string sub;
  std::int64_t security_epoch = 0;
};

std::string challenge_of(const Context& context, const store::User& user) {
  Value value = Value::object();
  value.set("sub", user.sub);
  value.set("epoch", user.security_epoch);
  value.set("exp", to_unix_seconds(context.clock.now_seconds() + challenge_lifetime));
  return base64url::encode(
      crypto::seal(context.foundation.accounts_key, SecretBytes::from_text(value.to_json()), challenge_context));
}

// Nothing if it is none of ours, or over.
std::optional<PassedStep> read_challenge(const Context& context, std::string_view text) {
  constexpr std::size_t challenge_bytes_max = 1024;
  if (text.size() > challenge_bytes_max) return std::nullopt;
  const auto sealed = base64url::decode(text);
  if (!sealed.has_value()) return std::nullopt;
  const auto plain = crypto::open(context.foundation.accounts_key, *sealed, challenge_context);
  if (!plain.has_value()) return std::nullopt;
  const auto value = Value::parse(text_in(*plain));
  if (!value.has_value()) return std::nullopt;
  const std::string* sub = text_member(*value, "sub");
  const Value *epoch = value->find("epoch"), *exp = value->find("exp");
  if (sub == nullptr || epoch == nullptr || exp == nullptr) return std::nullopt;
  const std::int64_t *epoch_number = epoch->if_integer(), *exp_number = exp->if_integer();
  if (epoch_number == nullptr || exp_number == nullptr) return std::nullopt;
  if (to_unix_seconds(context.clock.now_seconds()) >= *exp_number) return std::nullopt;
  return PassedStep{.sub = *sub, .security_epoch = *epoch_number};
}

http::Response invalid_challenge(const Context& context) {
  return unauthorized(Value::object().set("error", "Invalid challenge"), context.foundation.audience, "");
}

}  // namespace

boost::asio::awaitable<std::optional<http::Response>> second_step_of(const Context& context, const store::User& user) {
  const auto factor = co_await completed<Factor>(
      [&](auto done) { context.store.second_factors().find_factor(user.sub, std::move(done)); });
  if (!factor.has_value()) co_return failed(context, factor.error().message);
  if (!factor->has_value() || !(*factor)->confirmed) co_return std::nullopt;
  Value methods = Value::array();
  methods.push("totp");
  if ((*factor)->recovery_codes > 0) methods.push("recovery_code");
  Value body = Value::object();
  body.set("error", "Second factor required");
  body.set("challenge", challenge_of(context, user));
  body.set("methods", std::move(methods));
  body.set("expiresIn", static_cast<std::int64_t>(challenge_lifetime.count()));
  co_return unauthorized(body, context.foundation.audience, "");
}

boost::asio::awaitable<http::Response> answer_totp_login(const Context& context, const http::Request& request) {
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* challenge = text_member(*body, "challenge");
  if (challenge == nullptr) co_return refusal(400, "challenge is required");
  const auto delivery = wished_delivery(*context.rules.get(), *body, request);
  if (!delivery.has_value()) co_return delivery.error();
  const auto passed = read_challenge(context, *challenge);
  if (!passed.has_value()) co_return invalid_challenge(context);
  const auto user = co_await completed<std::optional<store::User>>(
      [&](auto done) { context.store.users().find_by_sub(passed->sub, std::move(done)); });
  if (!user.has_value()) co_return failed(context, user.error().message);
  // A password that was changed, or a user that was disabled, since the first step.
  if (!user->has_value() || (*user)->disabled || (*user)->security_epoch != passed->security_epoch)
    co_return invalid_challenge(context);
  if (auto refused = co_await refusal_of_code(context, request, *body, passed->sub, 401)) co_return *std::move(refused);
  co_return co_await sign_in(context, request, **user, *delivery);
}

boost::asio::awaitable<http::Response> answer_totp_enrol(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* password = text_member(*body, "password");
  if (password == nullptr) co_return refusal(400, "password is required");
  if (auto refused = co_await refusal_of_own_password(context, request, *caller, SecretBytes::from_text(*password)))
    co_return *std::move(refused);
  const std::string& sub = caller->user.sub;
  const SecretBytes secret = SecretBytes::random(crypto::totp_secret_bytes);
  auto sealed = crypto::seal(context.foundation.accounts_key, secret, secret_context(sub));
  const auto begun = co_await completed<bool>([&](auto done) {
    context.store.second_factors().begin_factor(sub, {sealed.begin(), sealed.end()}, std::move(done));
  });
  if (!begun.has_value()) co_return failed(context, begun.error().message);
  if (!*begun) co_return refusal(409, "TOTP is already on");
  const std::string text = crypto::base32(secret.reveal(InsecureSecretAccess::get()));
  Value answer = Value::object();
  answer.set("secret", text);
  answer.set("otpauthUri", otpauth_uri(context.foundation.issuer, caller->user.email, text));
  co_return http::json_response(200, answer.to_json());
}

boost::asio::awaitable<http::Response> answer_totp_confirm(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* code = text_member(*body, "code");
  if (code == nullptr) co_return refusal(400, "code is required");
  const std::string& sub = caller->user.sub;
  const auto factor =
      co_await completed<Factor>([&](auto done) { context.store.second_factors().find_factor(sub, std::move(done)); });
  if (!factor.has_value()) co_return failed(context, factor.error().message);
  if (!factor->has_value() || (*factor)->confirmed) co_return refusal(409, "No enrolment to confirm");
  const auto taken = co_await completed<bool>([&](auto done) {
    context.store.second_factors().take_try(sub, code_tries_max, code_tries_window, std::move(done));
  });
  if (!taken.has_value()) co_return failed(context, taken.error().message);
  if (!*taken) co_return too_many_attempts(code_tries_window);
  const auto secret = secret_of(context, sub, **factor);
  const auto step = secret ? crypto::totp_step_of(*secret, *code, step_now(context)) : std::nullopt;
  if (!step.has_value()) co_return wrong_code(context, request, sub, 403);

  Value codes = Value::array();
  std::vector<store::Digest> hashes;
  for (int i = 0; i < recovery_codes_made; ++i) {
    const std::string recovery = new_recovery_code();
    codes.push(recovery);
    hashes.push_back(recovery_hash(context, sub, recovery));
  }
  const auto confirmed = co_await completed<bool>([&](auto done) {
    context.store.second_factors().confirm_factor(sub, (*factor)->sealed, *step, std::move(hashes), std::move(done));
  });
  if (!confirmed.has_value()) co_return failed(context, confirmed.error().message);
  if (!*confirmed) co_return refusal(409, "No enrolment to confirm");
  platform::log_info("totp enabled", {{"sub", sub}, {"request", request.id}});
  co_return http::json_response(200, Value::object().set("recoveryCodes", std::move(codes)).to_json());
}

boost::asio::awaitable<http::Response> answer_totp_disable(const Context& context, const http::Request& request) {
  auto caller = co_await caller_of(context, request);
  if (!caller.has_value()) co_return std::move(caller.error());
  auto body = read_json_object(request);
  if (!body.has_value()) co_return std::move(body.error());
  const std::string* password = text_member(*body, "password");
  if (password == nullptr) co_return refusal(400, "password is required");
  const std::string& sub = caller->user.sub;
  const auto factor =
      co_await completed<Factor>([&](auto done) { context.store.second_factors().find_factor(sub, std::move(done)); });
  if (!factor.has_value()) co_return failed(context, factor.error().message);
  if (!factor->has_value() || !(*factor)->confirmed) co_return refusal(409, "TOTP is not on");
  if (auto refused = co_await refusal_of_own_password(context, request, *caller, SecretBytes::from_text(*password)))
    co_return *std::move(refused);
  if (auto refused = co_await refusal_of_code(context, request, *body, sub, 403)) co_return *std::move(refused);
  const auto removed =
      co_await completed<bool>([&](auto done) { context.store.second_factors().remove_factor(sub, std::move(done)); });
  if (!removed.has_value()) co_return failed(context, removed.error().message);
  platform::log_info("totp disabled", {{"sub", sub}, {"request", request.id}});
  co_return no_content();
}

}  // namespace jeton::issuer
