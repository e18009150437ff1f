// UnixTime: wall-clock time in whole seconds since 1970-01-01T00:00:00Z, as in the claims `exp`, `nbf` and `iat`
// (RFC 7519, section 2, NumericDate).
//
// It is a point in time and not a number: a bare integer does not convert, so that a duration, a count of
// milliseconds or an argument in the wrong place does not compile. Nothing in the library reads a clock; the
// caller hands `now` in.
#pragma once

#include <chrono>
#include <cstdint>

namespace jeton {

using UnixTime = std::chrono::sys_seconds;

// The largest NumericDate that is accepted: 9999-12-31T23:59:59Z.
inline constexpr std::int64_t numeric_date_max = 253'402'300'799;

constexpr UnixTime from_unix_seconds(std::int64_t seconds) noexcept { return UnixTime{std::chrono::seconds{seconds}}; }
constexpr std::int64_t to_unix_seconds(UnixTime time) noexcept { return time.time_since_epoch().count(); }

}  // namespace jeton
