// Standing: where a caller stands under a limit, and what one request more would change. The three rules: rate, quota,
// concurrent.
#pragma once

#include "guard/limits/slot_table.h"

#include <jeton/rate_limit.h>

#include <cstdint>

namespace jeton::guard {

struct Standing {
  std::uint64_t remaining = 0;
  std::int64_t wait = 0;  // ns or, for a quota, s: until one more can be taken; 0 if one can be taken now, or unknown
  std::int64_t next = 0;  // the same: until more remain; 0 if all do, or unknown
  std::int64_t left_as = 0;  // the slot's state, as it is believed now
  std::int64_t taken = 0;    // the same after one request more
  bool room = false;         // for one request
};

// `slot` is null for a caller who is new.
Standing stand(const Rate& rate, const Slot* slot, const LimitMoment& at, std::int64_t debt_windows) noexcept;

LimitMoment moment_of(std::chrono::nanoseconds monotonic, UnixTime wall) noexcept;

constexpr std::int64_t counter_state(std::int64_t day, std::int64_t count) noexcept {
  return day << Slot::day_shift | count;
}

}  // namespace jeton::guard
