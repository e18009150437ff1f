#include "issuer/limits/attempt_table.h"

#include <algorithm>

namespace jeton::issuer {

AttemptTable::AttemptTable(std::size_t slots) : sets_(std::max<std::size_t>(1, (slots + ways - 1) / ways)) {}

std::int64_t AttemptTable::bounded(std::int64_t full_until, AttemptRate rate, std::int64_t now) {
  return std::clamp<std::int64_t>(full_until, now, now + 2 * rate.period.count());
}

std::optional<std::chrono::milliseconds> AttemptTable::wait_for(std::uint64_t who, AttemptRate rate,
                                                                store::StoreTime at) {
  const std::int64_t now = at.time_since_epoch().count();
  Set& set = set_of(who);
  const std::lock_guard lock(set.mutex);
  const auto slot = std::ranges::find(set.slots, who, &Slot::who);
  if (slot == set.slots.end()) return std::nullopt;
  const std::int64_t wait = bounded(slot->full_until, rate, now) + rate.interval().count() - now - rate.period.count();
  if (wait <= 0) return std::nullopt;
  return std::chrono::milliseconds(wait);
}

void AttemptTable::charge(std::uint64_t who, AttemptRate rate, store::StoreTime at) {
  const std::int64_t now = at.time_since_epoch().count();
  Set& set = set_of(who);
  const std::lock_guard lock(set.mutex);
  auto slot = std::ranges::find(set.slots, who, &Slot::who);
  if (slot == set.slots.end()) {
    slot = std::ranges::min_element(set.slots, {}, &Slot::full_until);
    if (slot->full_until > now) evictions_.fetch_add(1, std::memory_order_relaxed);
    *slot = {.who = who, .full_until = now};
  }
  slot->full_until = bounded(bounded(slot->full_until, rate, now) + rate.interval().count(), rate, now);
}

}  // namespace jeton::issuer
