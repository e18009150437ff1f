#include "issuer/accounts/passwords.h"

#include "issuer/accounts/credentials.h"
#include "issuer/completion.h"
#include "issuer/json_body.h"

#include <utility>

namespace jeton::issuer {

boost::asio::awaitable<std::optional<PasswordVerdict>> check_password(const Context& context, SecretBytes password,
                                                                      std::string hash, crypto::Argon2Cost cost) {
  co_return co_await awaited<PasswordVerdict>([&](auto done) {
    static_cast<void>(context.passwords.try_submit(
        [password = std::move(password), hash = std::move(hash), cost, call = std::move(done)]() mutable {
          PasswordVerdict verdict{.good = crypto::verify_password(text_of(password), hash)};
          if (verdict.good && crypto::needs_rehash(hash, cost))
            verdict.new_hash = crypto::hash_password(text_of(password), cost);
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

std::string_view objection_to_password(std::string_view password) noexcept {
  if (password.find('\0') != std::string_view::npos) return "Password must not contain NUL";
  if (!is_possible_password(password)) return "Password must have 8 to 1024 bytes";
  return {};
}

http::Response too_many_at_once() { return try_again_later(503, "Too many sign-ins at once"); }

}  // namespace jeton::issuer
