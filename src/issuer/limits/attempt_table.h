// AttemptTable: who has tried how often, in memory of a fixed size. The rule is GCRA (a leaky bucket kept as one time):
// `burst` attempts at once, regained evenly over `period`.
//
// A slot holds one time and a keyed fingerprint of whom it is about, no address and no account. When all slots of a set
// are taken, the one that is nearest to forgetting anyway makes room: a flood of new names cannot free one that is over
// its limit while others in its set are not. Threads: every member may be called from any thread.
#pragma once

#include "store/ids.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace jeton::issuer {

struct AttemptRate {
  std::uint32_t burst = 10;
  std::chrono::milliseconds period{std::chrono::minutes{10}};

  std::chrono::milliseconds interval() const { return period / burst; }
  friend bool operator==(const AttemptRate&, const AttemptRate&) = default;
};

class AttemptTable {
 public:
  // Rounded up to whole sets; 16 bytes a slot.
  explicit AttemptTable(std::size_t slots);

  // Nothing if an attempt is allowed now, else how long it is until one is. Takes nothing.
  std::optional<std::chrono::milliseconds> wait_for(std::uint64_t who, AttemptRate rate, store::StoreTime now);
  // Takes one attempt, also past the limit: those who were let in at the same time owe theirs.
  void charge(std::uint64_t who, AttemptRate rate, store::StoreTime now);

  std::uint64_t evictions() const noexcept { return evictions_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t ways = 8;
  struct Slot {
    std::uint64_t who = 0;
    std::int64_t full_until = 0;  // milliseconds since the epoch at which all attempts are regained; 0: free
  };
  struct Set {
    std::mutex mutex;
    std::array<Slot, ways> slots;
  };
  Set& set_of(std::uint64_t who) { return sets_[who % sets_.size()]; }
  // As much in debt as one can be, also after the clock was set back.
  static std::int64_t bounded(std::int64_t full_until, AttemptRate rate, std::int64_t now);

  std::vector<Set> sets_;
  std::atomic<std::uint64_t> evictions_ = 0;
};

}  // namespace jeton::issuer
