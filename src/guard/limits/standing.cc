#include "guard/limits/standing.h"

#include "guard/limits/gcra.h"

#include <algorithm>

namespace jeton::guard {
namespace {

constexpr std::int64_t day_max = (std::int64_t{1} << 22) - 1;  // in the year 13453
static_assert(numeric_date_max / 86'400 < day_max);
static_assert(day_max < std::int64_t{1} << (62 - Slot::day_shift));
static_assert(2 * limit_count_max < std::uint64_t{1} << Slot::day_shift);

Standing stand_at_rate(const Rate& rate, const Slot* slot, const LimitMoment& at, std::int64_t debt_windows) noexcept {
  const Gcra gcra(rate, debt_windows);
  const std::int64_t full_at = slot == nullptr ? at.now : gcra.believed(slot->state, at.now);
  const std::int64_t left = gcra.left(full_at, at.now);
  Standing standing{.left_as = full_at, .taken = full_at + gcra.interval, .room = left >= gcra.interval};
  if (standing.room) {
    standing.remaining = static_cast<std::uint64_t>(left / gcra.interval);
    if (left < gcra.window) standing.next = gcra.interval - left % gcra.interval;
  } else {
    standing.next = standing.wait = gcra.interval - left;
  }
  return standing;
}

Standing stand_at_quota(const Rate& rate, const Slot* slot, const LimitMoment& at) noexcept {
  std::int64_t day = at.day, count = 0;
  if (slot != nullptr && slot->day() >= at.day) {
    count = slot->count();
    // One that looks at a clock a little behind, at midnight, counts for the new day. A day further ahead comes from a
    // clock that was wrong: what was counted goes on today.
    if (slot->day() == at.day + 1) day = slot->day();
  }
  const auto most = static_cast<std::int64_t>(rate.count());
  Standing standing{.remaining = static_cast<std::uint64_t>(std::max<std::int64_t>(most - count, 0)),
                    .next = at.to_midnight,
                    .left_as = counter_state(day, count),
                    .taken = counter_state(day, count + 1)};
  standing.room = standing.remaining > 0;
  if (!standing.room) standing.wait = at.to_midnight;
  return standing;
}

Standing stand_at_concurrent(const Rate& rate, const Slot* slot) noexcept {
  const std::int64_t count = slot == nullptr ? 0 : slot->count();
  const auto most = static_cast<std::int64_t>(rate.count());
  Standing standing{.remaining = static_cast<std::uint64_t>(std::max<std::int64_t>(most - count, 0)),
                    .left_as = counter_state(0, count),
                    .taken = counter_state(0, count + 1)};
  standing.room = standing.remaining > 0;
  return standing;
}

}  // namespace

Standing stand(const Rate& rate, const Slot* slot, const LimitMoment& at, std::int64_t debt_windows) noexcept {
  switch (rate.kind()) {
    case LimitKind::rate: return stand_at_rate(rate, slot, at, debt_windows);
    case LimitKind::quota: return stand_at_quota(rate, slot, at);
    case LimitKind::concurrent: return stand_at_concurrent(rate, slot);
  }
  __builtin_unreachable();
}

LimitMoment moment_of(std::chrono::nanoseconds monotonic, UnixTime wall) noexcept {
  constexpr std::int64_t day_seconds = 86'400;
  const std::int64_t now = std::clamp<std::int64_t>(monotonic.count(), 0, monotonic_max);
  const std::int64_t second = std::clamp(to_unix_seconds(wall), day_seconds, day_seconds * day_max);
  return {now, second / day_seconds, day_seconds - second % day_seconds};
}

}  // namespace jeton::guard
