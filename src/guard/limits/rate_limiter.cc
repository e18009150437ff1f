#include "guard/limits/limiter_state.h"
#include "guard/limits/slot_table.h"
#include "guard/limits/standing.h"

#include <jeton/rate_limit.h>

#include <algorithm>
#include <atomic>
#include <cassert>

namespace jeton {
namespace {

using guard::LimitMoment;
using guard::Slot;
using guard::SlotSet;
using guard::Standing;
using std::chrono::nanoseconds;
using std::chrono::seconds;

seconds rounded_up(std::int64_t ns) noexcept { return seconds{(ns + 999'999'999) / 1'000'000'000}; }

Slot new_slot(const Charge& charge) noexcept {
  const std::int64_t interval = charge.rate.interval().count();
  return {.key = charge.key, .interval_us = static_cast<std::uint32_t>((interval + 999) / 1000)};
}

// What a charge did, so that it can be undone.
struct Step {
  SlotSet* set;
  std::size_t place;
  Slot before;
  bool was_taken, is_new, had_room;

  void undo() const noexcept { set->put(place, before, was_taken); }
  bool has_evicted(const LimitMoment& at) const noexcept {
    return is_new && was_taken && SlotSet::remembered(before, at) > 0;
  }
};
using Steps = std::array<Step, charges_max>;

// Takes one request, if there is room.
bool take(const Charge& charge, const LimitMoment& at, std::int64_t debt_windows, Step& step) noexcept {
  SlotSet& set = *step.set;
  step.place = set.find(charge.key);
  step.is_new = step.place == SlotSet::none;
  const Standing standing = guard::stand(charge.rate, step.is_new ? nullptr : &set.slot(step.place), at, debt_windows);
  step.had_room = standing.room;
  if (!standing.room) {
    if (!step.is_new) set.slot(step.place).state = standing.left_as;
    return false;
  }
  if (step.is_new) step.place = set.victim(charge.key, at);
  if (step.place == SlotSet::none) return false;
  step.before = set.slot(step.place);
  step.was_taken = set.is_taken(step.place);
  if (step.is_new) set.put(step.place, new_slot(charge));
  set.slot(step.place).state = standing.taken;
  return true;
}

// How many of the charges could be taken before one could not.
std::size_t take_all(std::span<const Charge> charges, std::span<SlotSet* const> sets, const LimitMoment& at,
                     std::int64_t debt_windows, Steps& steps) noexcept {
  for (std::size_t i = 0; i < charges.size(); ++i) {
    steps[i].set = sets[i];
    if (!take(charges[i], at, debt_windows, steps[i])) return i;
  }
  return charges.size();
}

LimitStatus status_of(const Charge& charge, const SlotSet& set, const LimitMoment& at, std::int64_t debt_windows,
                      bool refused, seconds& retry_after) noexcept {
  const std::size_t place = set.find(charge.key);
  const Standing standing =
      guard::stand(charge.rate, place == SlotSet::none ? nullptr : &set.slot(place), at, debt_windows);
  const bool is_rate = charge.rate.kind() == LimitKind::rate;
  const LimitStatus status{charge.name, charge.rate, standing.remaining,
                           is_rate ? rounded_up(standing.next) : seconds{standing.next}, refused && !standing.room};
  if (status.refused) {
    seconds wait = is_rate ? rounded_up(standing.wait) : seconds{standing.wait};
    // Not all at once at midnight: each caller somewhere in the minute after it.
    if (charge.rate.kind() == LimitKind::quota) wait += seconds{static_cast<std::int64_t>(charge.key.low % 60)};
    retry_after = std::max(retry_after, wait);
  }
  return status;
}

// The sets of one request, locked in one order.
class Locked {
 public:
  explicit Locked(std::span<SlotSet* const> sets) noexcept : count_(sets.size()) {
    std::ranges::copy(sets, sets_.begin());
    if (count_ > 1) {
      std::sort(sets_.begin(), sets_.begin() + count_);
      count_ = static_cast<std::size_t>(std::unique(sets_.begin(), sets_.begin() + count_) - sets_.begin());
    }
    for (std::size_t i = 0; i < count_; ++i) sets_[i]->lock();
  }
  ~Locked() {
    for (std::size_t i = count_; i-- > 0;) sets_[i]->unlock();
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  std::size_t count_;
  std::array<SlotSet*, charges_max> sets_;
};

}  // namespace

RateLimiter::RateLimiter(RateLimiterOptions options) : RateLimiter(options, LimitSeed::random()) {}
RateLimiter::RateLimiter(RateLimiterOptions options, LimitSeed seed) : state_(std::make_unique<State>(options, seed)) {}
RateLimiter::~RateLimiter() = default;

const LimitSeed& RateLimiter::seed() const noexcept { return state_->seed; }

LimitResult RateLimiter::charge(std::span<const Charge> charges, nanoseconds monotonic, UnixTime wall) noexcept {
  assert(charges.size() <= charges_max);
  charges = charges.first(std::min(charges.size(), charges_max));
  LimitExchange::State* const exchange = state_->exchange;
  LimitResult result;
  if (exchange != nullptr && !exchange->open.load(std::memory_order_relaxed)) {
    result.verdict_ = LimitVerdict::unavailable;
    result.retry_after_ = seconds{1};
    return result;
  }
  const LimitMoment at = guard::moment_of(monotonic, wall);
  const std::int64_t debt_windows = exchange == nullptr ? 0 : LimitExchange::debt_windows;
  std::array<SlotSet*, charges_max> sets;
  for (std::size_t i = 0; i < charges.size(); ++i) {
    sets[i] = &state_->set_of(charges[i].key, charges[i].by_address);
    sets[i]->fetch(charges[i].key);
  }
  {
    const Locked locked({sets.data(), charges.size()});
    Steps steps;
    const std::size_t done = take_all(charges, sets, at, debt_windows, steps);
    const bool refused = done < charges.size();
    for (std::size_t i = refused ? done : 0; i-- > 0;) steps[i].undo();
    for (std::size_t i = 0; i < charges.size(); ++i)
      result.statuses_.push(status_of(charges[i], *sets[i], at, debt_windows, refused, result.retry_after_));
    if (refused) {
      result.refuse_at(done);
      state_->refused.fetch_add(1, std::memory_order_relaxed);
      if (steps[done].place == SlotSet::none && steps[done].had_room)
        state_->crowded.fetch_add(1, std::memory_order_relaxed);
      return result;
    }
    for (std::size_t i = 0; i < charges.size(); ++i) {
      if (steps[i].has_evicted(at)) state_->evictions.fetch_add(1, std::memory_order_relaxed);
      if (charges[i].rate.kind() == LimitKind::concurrent)
        result.running_.add(*this, charges[i]);
      else if (exchange != nullptr)
        exchange->note(charges[i], steps[i].set->slot(steps[i].place), at.now);
    }
  }
  if (exchange != nullptr) exchange->wake_if_asked();
  return result;
}

void LimitResult::refuse_at(std::size_t charge) noexcept {
  verdict_ = LimitVerdict::over_limit;
  retry_after_ = std::max(retry_after_, seconds{1});
  statuses_.all()[charge].refused = true;
}

void RateLimiter::release(const Running& running) noexcept {
  for (const auto& [key, by_address] : running.places_.all()) {
    SlotSet& set = state_->set_of(key, by_address);
    const Locked locked(std::array{&set});
    const std::size_t place = set.find(key);
    if (place == SlotSet::none) continue;
    Slot& slot = set.slot(place);
    if (slot.count() > 0) slot.state -= 1;
  }
}

RateLimiter::Counts RateLimiter::counts() const noexcept {
  return {state_->refused.load(std::memory_order_relaxed), state_->evictions.load(std::memory_order_relaxed),
          state_->crowded.load(std::memory_order_relaxed)};
}

void Running::add(RateLimiter& limiter, const Charge& charge) noexcept {
  limiter_ = &limiter;
  places_.push({charge.key, charge.by_address});
}

Running::Running(Running&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)), places_(other.places_) {
  other.places_.clear();
}

Running& Running::operator=(Running&& other) noexcept {
  if (this == &other) return *this;
  end();
  limiter_ = std::exchange(other.limiter_, nullptr);
  places_ = other.places_;
  other.places_.clear();
  return *this;
}

void Running::end() noexcept {
  if (limiter_ == nullptr) return;
  std::exchange(limiter_, nullptr)->release(*this);
  places_.clear();
}

}  // namespace jeton
