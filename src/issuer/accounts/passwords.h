// Passwords checked and hashed on the threads made for it. What comes back empty found no room there: 503, see
// too_many_at_once.
#pragma once

#include "crypto/password_hash.h"
#include "http/message.h"
#include "issuer/context.h"
#include "issuer/sessions/caller.h"

#include <jeton/secret.h>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

namespace jeton::issuer {

struct PasswordVerdict {
  bool good = false;
  std::string new_hash{};  // where the stored one was made with another cost than today's
};

boost::asio::awaitable<std::optional<PasswordVerdict>> check_password(const Context& context, SecretBytes password,
                                                                      std::string hash, crypto::Argon2Cost cost);

boost::asio::awaitable<std::optional<std::string>> hash_of_new_password(const Context& context, SecretBytes password,
                                                                        crypto::Argon2Cost cost);

// The caller's own password, asked for once more. Nothing if it is right; else 403, 429 or 503. Failures count in a
// budget of that session alone.
boost::asio::awaitable<std::optional<http::Response>> refusal_of_own_password(const Context& context,
                                                                              const http::Request& request,
                                                                              const Caller& caller,
                                                                              SecretBytes password);

// Why a text cannot be an account's password, for the person who chose it; empty if it can.
std::string_view objection_to_password(std::string_view password) noexcept;

http::Response too_many_at_once();

}  // namespace jeton::issuer
