// TokenSource: an access token for the service itself (RFC 6749 section 4.4), kept until it has nearly ended.
#pragma once

#include "agent/parts.h"

#include <jeton/secret.h>

#include <chrono>
#include <optional>
#include <string>

namespace jeton::agent {

struct TokenRequest {
  std::string endpoint;
  std::string client_id;
  std::string scope;
  const SecretBytes& client_secret;
};

class TokenSource {
 public:
  TokenSource(const Parts& parts, TokenRequest request) : parts_(parts), request_(std::move(request)) {}

  // One call at a time. The Fault names no secret.
  boost::asio::awaitable<platform::Outcome<std::string>> get();
  // The token was refused: ask for another the next time.
  void forget() noexcept { token_.clear(); }

 private:
  const Parts& parts_;
  TokenRequest request_;
  std::string token_{};
  std::chrono::milliseconds good_until_{0};
};

}  // namespace jeton::agent
