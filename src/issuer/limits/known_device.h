// KnownDevice: what shows that a device has signed in to an account before: a value that login hands out as a cookie of
// a year, and finds again at the next one. It opens nothing; it only gives the device a budget of attempts of its own.
//
// The value is an HMAC over the account's sub, a random part and the time; the store keeps nothing.
#pragma once

#include <jeton/secret.h>
#include <jeton/time.h>

#include <chrono>
#include <string>
#include <string_view>

namespace jeton::issuer {

inline constexpr std::chrono::seconds known_device_lifetime = std::chrono::days{365};

std::string make_device_value(const SecretBytes& key, std::string_view sub, UnixTime now);
// True if `value` was made for `sub`, within the lifetime. The time it takes does not depend on who `sub` is.
bool is_device_of(const SecretBytes& key, std::string_view value, std::string_view sub, UnixTime now);

}  // namespace jeton::issuer
