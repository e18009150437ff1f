// GCRA (generic cell rate algorithm): a token bucket kept as one time, that at which all is regained.
#pragma once

#include <jeton/rate_limit.h>

#include <algorithm>
#include <cstdint>

namespace jeton::guard {

inline constexpr std::int64_t monotonic_max = std::int64_t{1} << 62;
// Threads look at the clock before they get to a caller's place, so a look may be a little older than the last one. A
// time that is further back than this comes from a clock that went back.
inline constexpr std::int64_t look_age_max = 10'000'000'000;

struct Gcra {
  std::int64_t interval, window;  // ns: in which one is regained, and all
  std::int64_t debt;              // how much more than the window may be owed, where limiters share a limit

  explicit Gcra(const Rate& rate, std::int64_t debt_windows = 0) noexcept
      : interval(rate.interval().count()),
        window(interval * static_cast<std::int64_t>(rate.burst())),
        debt(window * debt_windows) {}

  // The time at which all is regained, as it is to be believed now. From a clock that went back since: as if all had
  // been used just now; this is then to be written down, or it would be so until that time comes again.
  std::int64_t believed(std::int64_t full_at, std::int64_t now) const noexcept {
    return is_of_another_time(full_at, now) ? now + window : std::max(full_at, now);
  }
  bool is_of_another_time(std::int64_t full_at, std::int64_t now) const noexcept {
    return full_at > now + window + debt + look_age_max;
  }
  // How much of the window is left; negative if more was taken.
  std::int64_t left(std::int64_t full_at, std::int64_t now) const noexcept { return window - (full_at - now); }
};

}  // namespace jeton::guard
