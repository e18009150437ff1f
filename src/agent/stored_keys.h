// The last good key set of an issuer, as it lies on disk: a JSON object of one spelling. Pure.
//
// What is read is not trusted: it must be of the issuer and the source that are asked for, not from the future, and no
// older than the agent lets a set become; its keys are then parsed like any answer.
#pragma once

#include <jeton/time.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::agent {

struct StoredKeys {
  std::string issuer;
  std::string source;  // the address that gave them, or "discovery"
  UnixTime confirmed_at;
  std::string epoch{};  // of the issuer's feed, if one was heard when they were fetched
  std::string jwks;     // as it was published
  friend bool operator==(const StoredKeys&, const StoredKeys&) = default;
};

inline constexpr std::chrono::seconds stored_from_future_max{30};

std::string text_of(const StoredKeys& keys);
// Nothing: not readable, of another issuer or source, or its time cannot be.
std::optional<StoredKeys> read_stored_keys(std::string_view text, std::string_view issuer, std::string_view source,
                                           UnixTime now, std::chrono::seconds age_max);

}  // namespace jeton::agent
