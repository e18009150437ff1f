// SlotTable: what is remembered of callers, in memory of a fixed size that the system gives page by page as it is used.
//
// Seven callers share a set of four cache lines, under one short lock. Everything is decided under the locks of all
// sets that a request touches, taken in one order, so that a request is charged everywhere or nowhere.
#pragma once

#include <jeton/rate_limit.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>

namespace jeton::guard {

// One caller under one rule. All zero is a free slot, whose tag is 0.
struct Slot {
  LimitKey key{};
  // rate: the time, in ns, at which all is regained. quota: the day << 40 and the count. concurrent: the count.
  std::int64_t state = 0;
  std::uint32_t interval_us = 0;  // of a rate, rounded up; else 0
  std::uint32_t unsent = 0;       // requests not yet told to the others (exchange.h); the top bit: noted to be told

  static constexpr std::uint32_t noted = 1U << 31;
  std::uint32_t unsent_count() const noexcept { return unsent & ~noted; }

  static constexpr int day_shift = 40;
  bool is_rate() const noexcept { return interval_us != 0; }
  std::int64_t day() const noexcept { return state >> day_shift; }  // 0: requests under way
  std::int64_t count() const noexcept { return state & ((std::int64_t{1} << day_shift) - 1); }
};
static_assert(sizeof(Slot) == 32);

// When a request is charged.
struct LimitMoment {
  std::int64_t now = 0;          // monotonic ns, 0 to 2^62
  std::int64_t day = 1;          // since 1970, UTC; from 1 on
  std::int64_t to_midnight = 0;  // seconds
};

class alignas(256) SlotSet {
 public:
  static constexpr std::size_t ways = 7;
  static constexpr std::size_t none = ways;

  void lock() noexcept;
  void unlock() noexcept;

  // What a look will touch, at once: where the locks and tags are, and where the caller most likely is.
  void fetch(const LimitKey& key) const noexcept {
    __builtin_prefetch(this, 1);
    __builtin_prefetch(&slots_[home_of(key)], 1);
  }
  // The caller's slot, or `none`.
  std::size_t find(const LimitKey& key) const noexcept {
    const std::size_t home = home_of(key);
    if (tags_[home] == tag_of(key) && slots_[home].key == key) return home;
    for (std::size_t i = 0; i < ways; ++i) {
      if (tags_[i] == tag_of(key) && slots_[i].key == key) return i;
    }
    return none;
  }
  // The slot that a new caller gets: a free one, its own if it can be, or one of whom the least is remembered; `none`
  // if requests are under way in all of them.
  std::size_t victim(const LimitKey& key, const LimitMoment& at) const noexcept;
  // How many requests would be forgotten with it.
  static std::int64_t remembered(const Slot& slot, const LimitMoment& at) noexcept;
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  bool is_taken(std::size_t place) const noexcept { return tags_[place] != 0; }
  Slot& slot(std::size_t place) noexcept { return slots_[place]; }
  const Slot& slot(std::size_t place) const noexcept { return slots_[place]; }
  void put(std::size_t place, const Slot& slot, bool taken = true) noexcept {
    slots_[place] = slot;
    tags_[place] = taken ? tag_of(slot.key) : std::uint16_t{0};
  }

 private:
  static std::size_t home_of(const LimitKey& key) noexcept { return (key.high >> 32) * ways >> 32; }
  static std::uint16_t tag_of(const LimitKey& key) noexcept { return static_cast<std::uint16_t>(key.low | 1); }

  // Plain members, used through atomic_ref: sets begin as zeroed memory.
  alignas(std::atomic_ref<std::uint32_t>::required_alignment) std::uint32_t lock_;  // 0 free, 1 taken, 2 waited for
  std::array<std::uint16_t, ways> tags_;
  alignas(32) std::array<Slot, ways> slots_;
};
static_assert(sizeof(SlotSet) == 256);

class SlotTable {
 public:
  explicit SlotTable(std::size_t entries_max);

  SlotSet& set_of(const LimitKey& key) noexcept {
    __extension__ using Wide = unsigned __int128;
    // Keys are hashes, but gateways may share their seed: where a caller lies is this process's own secret.
    const Wide mixed = static_cast<Wide>(key.low ^ secret_[0]) * (key.high ^ secret_[1]);
    const auto folded = static_cast<std::uint64_t>(mixed) ^ static_cast<std::uint64_t>(mixed >> 64);
    return sets_[static_cast<std::size_t>(static_cast<Wide>(folded) * count_ >> 64)];
  }

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::size_t count_;
  std::unique_ptr<void, Free> memory_;
  SlotSet* sets_;
  std::array<std::uint64_t, 2> secret_{};
};

}  // namespace jeton::guard
