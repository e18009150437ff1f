#include "guard/limits/exchange.h"

#include "guard/limits/gcra.h"
#include "guard/limits/limiter_state.h"
#include "guard/limits/standing.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace jeton {

using guard::Slot;
using guard::SlotSet;
using std::chrono::nanoseconds;

void LimitExchange::State::note(const Charge& charge, Slot& slot, std::int64_t now) noexcept {
  if (slot.unsent_count() + 1 < Slot::noted) ++slot.unsent;
  if ((slot.unsent & Slot::noted) != 0) return;
  const std::lock_guard lock(mutex);
  if (callers.size() == callers.capacity()) {
    deferred.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  callers.push_back({charge.key, charge.rate, charge.by_address, now});
  waiting.store(callers.size(), std::memory_order_seq_cst);
  slot.unsent |= Slot::noted;
}

LimitExchange::LimitExchange(RateLimiter& limiter, std::function<void()> wake)
    : limiter_(limiter), state_(std::make_unique<State>()) {
  state_->wake = std::move(wake);
  state_->callers.reserve(callers_max);
  state_->taken.reserve(callers_max);
  assert(limiter_.state_->exchange == nullptr);
  limiter_.state_->exchange = state_.get();
}

LimitExchange::~LimitExchange() { limiter_.state_->exchange = nullptr; }

void LimitExchange::take_changes(std::vector<UnsentCount>& out, std::size_t callers, nanoseconds monotonic) {
  State& state = *state_;
  const std::int64_t now = std::clamp<std::int64_t>(monotonic.count(), 0, guard::monotonic_max);
  for (std::size_t given = 0; given < callers; ++given) {
    if (state.told == state.taken.size()) {
      state.taken.clear();
      state.told = 0;
      const std::lock_guard lock(state.mutex);
      std::swap(state.taken, state.callers);
      state.waiting.store(0, std::memory_order_seq_cst);
    }
    if (state.taken.empty()) return;
    const State::Caller& caller = state.taken[state.told++];
    SlotSet& set = limiter_.state_->set_of(caller.key, caller.by_address);
    const std::lock_guard lock(set);
    const std::size_t place = set.find(caller.key);
    if (place == SlotSet::none) {
      state.forgotten.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    Slot& slot = set.slot(place);
    UnsentCount told{.key = caller.key,
                     .rate = caller.rate,
                     .by_address = caller.by_address,
                     .count = slot.unsent_count(),
                     .since = nanoseconds(std::min(caller.since, now))};
    slot.unsent = 0;
    if (slot.is_rate()) {
      const guard::Gcra gcra(caller.rate, debt_windows);
      const std::int64_t ahead = gcra.believed(slot.state, now) - now - gcra.interval * std::int64_t{told.count};
      told.ahead = nanoseconds(std::max<std::int64_t>(ahead, 0));
    } else {
      told.day = slot.day();
      // Those of a day that is over count for nobody any more.
      told.count = static_cast<std::uint32_t>(std::min<std::int64_t>(told.count, slot.count()));
      told.counted_on_day = static_cast<std::uint64_t>(slot.count() - told.count);
    }
    if (told.count > 0) out.push_back(told);
  }
}

bool LimitExchange::has_changes() const noexcept {
  return state_->told < state_->taken.size() || state_->waiting.load(std::memory_order_seq_cst) > 0;
}

bool LimitExchange::sleep_until_changes() noexcept {
  state_->wants_wake.store(true, std::memory_order_seq_cst);
  if (!has_changes()) return true;
  state_->wants_wake.store(false, std::memory_order_seq_cst);
  return false;
}

void LimitExchange::learn_ahead(const UnsentCount& told, nanoseconds ahead, nanoseconds monotonic) {
  const guard::Gcra gcra(told.rate, debt_windows);
  const std::int64_t now = std::clamp<std::int64_t>(monotonic.count(), 0, guard::monotonic_max);
  const std::int64_t known = std::clamp<std::int64_t>(ahead.count(), 0, gcra.window + gcra.debt);
  SlotSet& set = limiter_.state_->set_of(told.key, told.by_address);
  const std::lock_guard lock(set);
  const std::size_t place = set.find(told.key);
  if (place == SlotSet::none) return;
  Slot& slot = set.slot(place);
  if (!slot.is_rate()) return;
  // Never earlier than what is known here: a server that has lost its memory gives nobody anything back.
  const std::int64_t unsent = std::min(gcra.interval * std::int64_t{slot.unsent_count()}, gcra.window);
  slot.state = std::max(slot.state, std::min(now + known + unsent, now + gcra.window + gcra.debt));
}

void LimitExchange::learn_count(const UnsentCount& told, std::uint64_t counted_on_day) {
  SlotSet& set = limiter_.state_->set_of(told.key, told.by_address);
  const std::lock_guard lock(set);
  const std::size_t place = set.find(told.key);
  if (place == SlotSet::none) return;
  Slot& slot = set.slot(place);
  if (slot.is_rate() || slot.day() != told.day) return;
  const auto known = static_cast<std::int64_t>(std::min<std::uint64_t>(counted_on_day, 2 * limit_count_max));
  slot.state = guard::counter_state(told.day, std::max(slot.count(), known + std::int64_t{slot.unsent_count()}));
}

void LimitExchange::set_open(bool open) noexcept { state_->open.store(open, std::memory_order_relaxed); }

LimitExchange::Counts LimitExchange::counts() const noexcept {
  return {state_->deferred.load(std::memory_order_relaxed), state_->forgotten.load(std::memory_order_relaxed)};
}

}  // namespace jeton
