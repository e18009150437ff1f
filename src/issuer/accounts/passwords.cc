#include "issuer/accounts/passwords.h"

#include "crypto/foreign/foreign_hash.h"
#include "issuer/accounts/credentials.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"
#include "platform/log.h"

#include <utility>

namespace jeton::issuer {

boost::asio::awaitable<std::optional<PasswordVerdict>> check_password(const Context& context, SecretBytes password,
                                                                      std::string hash, crypto::Argon2Cost cost) {
  co_return co_await awaited<PasswordVerdict>([&](auto done) {
    static_cast<void>(context.passwords.try_submit(
        [password = std::move(password), hash = std::move(hash), cost, call = std::move(done)]() mutable {
          PasswordVerdict verdict{.good = crypto::verify_any_password(text_of(password), hash)};
          const bool is_dear = hash.starts_with("$argon2");
          // An imported hash may be cheap. Right or wrong, its user's login costs an Argon2id like everybody's.
          if (verdict.good ? crypto::needs_rehash(hash, cost) : !is_dear) {
            std::string fresh = crypto::hash_password(text_of(password), cost);
            if (verdict.good) verdict.new_hash = std::move(fresh);
          }
          call(std::move(verdict));
        }));
  });
}

boost::asio::awaitable<std::optional<std::string>> hash_of_new_password(const Context& context, SecretBytes password,
                                                                        crypto::Argon2Cost cost) {
  auto hash = co_await awaited<std::string>([&](auto done) {
    static_cast<void>(
        context.passwords.try_submit([password = std::move(password), cost, call = std::move(done)]() mutable {
          call(crypto::hash_password(text_of(password), cost));
        }));
  });
  if (hash.has_value() && hash->empty()) hash.reset();  // no memory for it
  co_return hash;
}

boost::asio::awaitable<std::optional<http::Response>> refusal_of_own_password(const Context& context,
                                                                              const http::Request& request,
                                                                              const Caller& caller,
                                                                              SecretBytes password) {
  const auto rules = context.rules.get();
  const std::string session(caller.token.session_id());
  const Attempt attempt{.account = caller.user.sub, .address = request.peer_address, .device = session};
  if (const auto wait = context.limits.refuse(attempt, rules->attempts, context.clock.now()))
    co_return too_many_attempts(*wait);
  PasswordVerdict verdict;
  if (may_be_password(text_of(password))) {
    auto checked = co_await check_password(context, std::move(password), caller.user.password_hash, rules->argon2);
    if (!checked.has_value()) co_return too_many_at_once();
    verdict = *std::move(checked);
  }
  if (verdict.good) co_return std::nullopt;
  context.limits.count_failure(attempt, rules->attempts, context.clock.now());
  context.metrics.logins_refused.add();
  platform::log_info("own password refused",
                     {{"sub", caller.user.sub}, {"address", request.peer_address}, {"request", request.id}});
  co_return refusal(403, "Invalid credentials");
}

std::string_view objection_to_password(std::string_view password) noexcept {
  if (password.find('\0') != std::string_view::npos) return "Password must not contain NUL";
  if (!is_possible_password(password)) return "Password must have 8 to 1024 bytes";
  return {};
}

http::Response too_many_at_once() { return try_again_later(503, "Too many sign-ins at once"); }

}  // namespace jeton::issuer
