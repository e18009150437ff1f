// Tokens signed with a key that is known to everyone who reads this file: so that fuzzers get behind the signature.
#pragma once

#include "jose/base64url.h"

#include "crypto/mac.h"

#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/secret.h>
#include <jeton/verifier.h>

#include <span>
#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr UnixTime now = from_unix_seconds(1'700'000'000);
inline constexpr std::string_view secret_text =
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
    "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20";

inline const KeySet& keys() {
  static const KeySet set{
      {SigningKey::from_secret(SecretBytes::from_text(secret_text), Algorithm::hs256, "k").value().verification_key()}};
  return set;
}

inline const Verifier& verifier() {
  static const Verifier shared{
      {.issuer = "https://as.example", .audience = AudienceRule::must_include("api"), .keys = keys()}};
  return shared;
}

inline std::string signed_token(std::string_view header, std::string_view payload) {
  static const SecretBytes secret = SecretBytes::from_text(secret_text);
  const std::string input = jose::base64url::encode(header) + "." + jose::base64url::encode(payload);
  const auto mac = crypto::hmac_sha256(secret, {std::as_bytes(std::span(input))});
  return input + "." + jose::base64url::encode(mac);
}

}  // namespace jeton::fuzz
