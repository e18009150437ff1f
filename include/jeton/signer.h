// Signer: makes access tokens (RFC 9068) and other JWTs with one key, for one issuer.
//
// It sets `iss`, `aud`, `iat`, `exp` and a random `jti`, and takes the rest from Claims; it refuses registered claims
// that are its own (reserved_claim) and names that look like secrets (sensitive_claim). It reads no clock.
// Threads: const, immutable; share one among any number.
#pragma once

#include <jeton/claims.h>
#include <jeton/error.h>
#include <jeton/key.h>
#include <jeton/time.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {

struct SignerOptions {
  std::string issuer;
  std::vector<std::string> audiences{};  // `aud`; one is written as a text, several as an array, none leaves it out
  std::chrono::seconds lifetime{std::chrono::minutes{15}};  // 1 s to 24 h
  std::string typ = "at+jwt";
  std::vector<std::string> permitted_names{};  // harmless claims whose names look secret: "password_changed_at"
};

class Signer {
 public:
  Signer(SigningKey key, SignerOptions options);

  // A compact token that is good from `now` until `now + lifetime`. Errors: reserved_claim, sensitive_claim,
  // lifetime_too_long, token_too_large.
  [[nodiscard]] Result<std::string> sign(const Claims& claims, UnixTime now) const;
  // The same with an expiry fixed beforehand, at most 24 h after `now`.
  [[nodiscard]] Result<std::string> sign_until(const Claims& claims, UnixTime now, UnixTime expires_at) const;

  const SigningKey& key() const noexcept;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// `count` random bytes as base64url: for `jti` and other ids.
std::string random_id(std::size_t count = 16);

}  // namespace jeton
