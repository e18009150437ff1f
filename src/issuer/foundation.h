// Foundation: what is fixed when a store is first used and shared by every process on it: who the issuer is, which
// history of the database this is, and the keys that are derived from the master key.
//
// The store itself holds no key in clear: it has a salt and a check value, so that a wrong master key is noticed at
// the start instead of at the first login.
#pragma once

#include "oauth/refresh_token.h"
#include "platform/fault.h"
#include "store/store.h"

#include <jeton/secret.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace jeton::issuer {

inline constexpr std::size_t master_key_bytes = 32;

struct FoundationOptions {
  std::string issuer_url{};      // as configured; empty: whatever the store has, or the default at its first use
  std::string issuer_default{};  // "http://127.0.0.1:8080"
  std::string audience_default = "api";
  std::string client_default = "first-party";
  std::string store_name{};       // for messages: "data/jeton.db"
  std::string master_key_name{};  // for messages: "data/master.key"
};

struct Foundation {
  std::string issuer, audience, client_id, store_epoch;
  std::uint32_t refresh_key_id = 0;  // makes new refresh tokens
  oauth::RefreshTokenCodec refresh_tokens;
  // Of the histories before this one, newest first: their tokens are known, and good for nothing.
  std::vector<oauth::RefreshTokenCodec> former_refresh_tokens;
  SecretBytes sealing_key;      // of private signing keys at rest
  SecretBytes fingerprint_key;  // of what clients say of their devices
  SecretBytes accounts_key;     // of mails that wait, second factors and their challenges
  SecretBytes device_key;       // shows that a device is known
};

// Reads what is settled and settles what is not. Waits for the store: not for an event loop's thread. Faults: the
// store cannot be used, the master key is not the one that the store was made with, another issuer is configured than
// the store was made for.
platform::Outcome<Foundation> lay_foundation(store::Store& store, const SecretBytes& master_key,
                                             const FoundationOptions& options);

}  // namespace jeton::issuer
