#include "guard/limits/slot_table.h"

#include "crypto/random.h"

#include <algorithm>
#include <new>
#include <span>
#include <type_traits>

namespace jeton::guard {
namespace {

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void SlotSet::lock() noexcept {
  const std::atomic_ref<std::uint32_t> word(lock_);
  std::uint32_t free = 0;
  if (word.compare_exchange_strong(free, 1, std::memory_order_acquire)) return;
  for (int tried = 0; tried < 100; ++tried) {
    pause();
    free = 0;
    if (word.load(std::memory_order_relaxed) == 0 && word.compare_exchange_strong(free, 1, std::memory_order_acquire))
      return;
  }
  // Whoever holds it may have been put to sleep: so do we, and say that we wait.
  while (word.exchange(2, std::memory_order_acquire) != 0) word.wait(2, std::memory_order_relaxed);
}

void SlotSet::unlock() noexcept {
  const std::atomic_ref<std::uint32_t> word(lock_);
  if (word.exchange(0, std::memory_order_release) == 2) word.notify_one();
}

std::int64_t SlotSet::remembered(const Slot& slot, const LimitMoment& at) noexcept {
  const std::int64_t unsent = slot.unsent_count();
  if (slot.is_rate()) {
    const std::int64_t ahead = slot.state - at.now;
    return ahead <= 0 ? unsent : std::max(unsent, ahead / (std::int64_t{slot.interval_us} * 1000) + 1);
  }
  if (slot.day() == 0) return slot.count() == 0 ? 0 : never;
  return slot.day() < at.day ? unsent : slot.count();
}

std::size_t SlotSet::victim(const LimitKey& key, const LimitMoment& at) const noexcept {
  if (!is_taken(home_of(key))) return home_of(key);
  std::size_t least = none;
  std::int64_t least_remembered = never;
  for (std::size_t i = 0; i < ways; ++i) {
    if (!is_taken(i)) return i;
    const std::int64_t here = remembered(slots_[i], at);
    if (here < least_remembered) {
      least = i;
      least_remembered = here;
    }
  }
  return least;
}

SlotTable::SlotTable(std::size_t entries_max)
    : count_(std::max<std::size_t>((entries_max + SlotSet::ways - 1) / SlotSet::ways, 1)) {
  static_assert(std::is_trivially_destructible_v<SlotSet>);
  // calloc gives pages that cost nothing before they are touched.
  std::size_t bytes = (count_ + 1) * sizeof(SlotSet);
  memory_.reset(std::calloc(count_ + 1, sizeof(SlotSet)));
  if (memory_ == nullptr) throw std::bad_alloc();
  void* aligned = memory_.get();
  std::align(alignof(SlotSet), count_ * sizeof(SlotSet), aligned, bytes);
  sets_ = static_cast<SlotSet*>(aligned);
  crypto::random_bytes(std::as_writable_bytes(std::span(secret_)));
}

}  // namespace jeton::guard
