// What is behind a RateLimiter, and what an exchange adds to it.
#pragma once

#include "guard/limits/exchange.h"
#include "guard/limits/slot_table.h"

#include <jeton/rate_limit.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace jeton {

struct RateLimiter::State {
  State(RateLimiterOptions options, LimitSeed given)
      : seed(given), by_token(options.entries_max), by_address(options.address_entries_max) {}

  guard::SlotSet& set_of(const LimitKey& key, bool is_address) noexcept {
    return (is_address ? by_address : by_token).set_of(key);
  }

  const LimitSeed seed;
  guard::SlotTable by_token, by_address;
  std::atomic<std::uint64_t> refused{0}, evictions{0}, crowded{0};
  LimitExchange::State* exchange = nullptr;  // none: the limits are this process's own
};

struct LimitExchange::State {
  struct Caller {
    LimitKey key;
    Rate rate;
    bool by_address;
    std::int64_t since;
  };

  // Notes the caller of a slot whose set is locked.
  void note(const Charge& charge, guard::Slot& slot, std::int64_t now) noexcept;
  // Once the sets are unlocked.
  void wake_if_asked() {
    if (wants_wake.load() && wants_wake.exchange(false)) wake();
  }

  std::function<void()> wake;
  std::atomic<bool> wants_wake{false}, open{true};
  std::atomic<std::uint64_t> deferred{0}, forgotten{0};
  std::atomic<std::size_t> waiting{0};
  std::mutex mutex;
  std::vector<Caller> callers;  // room for all is made at the start
  std::vector<Caller> taken;    // by the thread that tells
  std::size_t told = 0;         // of `taken`
};

}  // namespace jeton
