#include "agent/unknown_keys.h"

#include "platform/entropy.h"

#include <algorithm>
#include <limits>

namespace jeton::agent {

UnknownKeys::UnknownKeys(std::chrono::milliseconds cooldown, std::uint32_t count_max)
    : cooldown_(cooldown),
      count_(std::max<std::uint32_t>(count_max, 1)),
      seen_(std::make_unique<Seen[]>(count_)),
      asked_at_(std::numeric_limits<std::int64_t>::min() / 2) {
  platform::random_bytes(key_);
}

std::uint64_t UnknownKeys::name_of(std::string_view kid) const noexcept {
  return crypto::short_hash(key_, kid).high | 1;
}

bool UnknownKeys::is_worth_asking(std::string_view kid, std::chrono::milliseconds now) noexcept {
  std::int64_t before = asked_at_.load(std::memory_order_relaxed);
  if (now.count() - before < cooldown_.count()) return false;
  const std::uint64_t name = name_of(kid);
  for (std::uint32_t i = 0; i < count_; ++i) {
    const bool is_remembered = seen_[i].name.load(std::memory_order_relaxed) == name &&
                               now.count() - seen_[i].at.load(std::memory_order_relaxed) < remembered_for.count();
    if (is_remembered) return false;
  }
  if (!asked_at_.compare_exchange_strong(before, now.count(), std::memory_order_relaxed)) return false;
  Seen& place = seen_[next_.fetch_add(1, std::memory_order_relaxed) % count_];
  place.at.store(now.count(), std::memory_order_relaxed);
  place.name.store(name, std::memory_order_relaxed);
  return true;
}

void UnknownKeys::found(const std::vector<std::string>& kids) noexcept {
  for (const std::string& kid : kids) {
    const std::uint64_t name = name_of(kid);
    for (std::uint32_t i = 0; i < count_; ++i) {
      std::uint64_t expected = name;
      seen_[i].name.compare_exchange_strong(expected, 0, std::memory_order_relaxed);
    }
  }
}

}  // namespace jeton::agent
