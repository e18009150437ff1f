#include "guard/limits/gcra.h"
#include "guard/limits/slot_table.h"

#include <jeton/rate_limit.h>

#include <algorithm>
#include <atomic>
#include <cassert>

namespace jeton {
namespace {

using guard::LimitMoment;
using guard::Slot;
using guard::SlotSet;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t day_max = (std::int64_t{1} << 15) - 1;

LimitMoment moment_of(nanoseconds monotonic, UnixTime wall) noexcept {
  constexpr std::int64_t day_seconds = 86'400;
  const std::int64_t now = std::clamp<std::int64_t>(monotonic.count(), 0, guard::monotonic_max);
  const std::int64_t second = std::clamp(to_unix_seconds(wall), day_seconds, day_seconds * day_max);
  return {now, second / day_seconds, day_seconds - second % day_seconds};
}

seconds rounded_up(std::int64_t ns) noexcept { return seconds{(ns + 999'999'999) / 1'000'000'000}; }

std::int64_t counter_state(std::int64_t day, std::int64_t count) noexcept { return day << Slot::day_shift | count; }

// The three rules. Each looks at a slot, or at none if the caller is new, and says where the caller stands; taking
// one request needs `room`.
struct Standing {
  std::uint64_t remaining = 0;
  std::int64_t wait = 0;  // ns or, for a quota, s: until one more can be taken; 0 if one can be taken now, or unknown
  std::int64_t next = 0;  // the same: until more remain; 0 if all do, or unknown
  std::int64_t left_as = 0;  // the slot's state, as it is believed now
  std::int64_t taken = 0;    // the same after one request more
  bool room = false;
};

Standing stand_at_rate(const Rate& rate, const Slot* slot, const LimitMoment& at) noexcept {
  const guard::Gcra gcra(rate);
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

Standing stand(const Rate& rate, const Slot* slot, const LimitMoment& at) noexcept {
  switch (rate.kind()) {
    case LimitKind::rate: return stand_at_rate(rate, slot, at);
    case LimitKind::quota: return stand_at_quota(rate, slot, at);
    case LimitKind::concurrent: return stand_at_concurrent(rate, slot);
  }
  __builtin_unreachable();
}

Slot new_slot(const Charge& charge) noexcept {
  const std::int64_t interval = charge.rate.interval().count();
  return {.key = charge.key, .interval_us = static_cast<std::uint32_t>((interval + 999) / 1000)};
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

struct RateLimiter::State {
  State(RateLimiterOptions options, LimitSeed given)
      : seed(given), by_token(options.entries_max), by_address(options.address_entries_max) {}

  SlotSet& set_of(const LimitKey& key, bool is_address) noexcept {
    return (is_address ? by_address : by_token).set_of(key);
  }

  // What a charge did, so that it can be undone.
  struct Step {
    SlotSet* set = nullptr;
    std::size_t place = SlotSet::none;
    Slot before{};
    bool was_taken = false, is_new = false;
  };

  // Takes one request, if there is room.
  static bool take(const Charge& charge, const LimitMoment& at, Step& step) noexcept {
    SlotSet& set = *step.set;
    step.place = set.find(charge.key);
    step.is_new = step.place == SlotSet::none;
    const Standing standing = stand(charge.rate, step.is_new ? nullptr : &set.slot(step.place), at);
    if (!standing.room) {
      if (!step.is_new) set.slot(step.place).state = standing.left_as;
      return false;
    }
    if (step.is_new) step.place = set.victim(at);
    if (step.place == SlotSet::none) return false;
    step.before = set.slot(step.place);
    step.was_taken = set.is_taken(step.place);
    if (step.is_new) set.put(step.place, new_slot(charge));
    set.slot(step.place).state = standing.taken;
    return true;
  }
  static void undo(const Step& step) noexcept { step.set->put(step.place, step.before, step.was_taken); }

  static LimitStatus status_of(const Charge& charge, const SlotSet& set, const LimitMoment& at, bool refused,
                               seconds& retry_after) noexcept {
    const std::size_t place = set.find(charge.key);
    const Standing standing = stand(charge.rate, place == SlotSet::none ? nullptr : &set.slot(place), at);
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

  const LimitSeed seed;
  guard::SlotTable by_token, by_address;
  std::atomic<std::uint64_t> refused{0}, evictions{0}, crowded{0};
};

RateLimiter::RateLimiter(RateLimiterOptions options) : RateLimiter(options, LimitSeed::random()) {}
RateLimiter::RateLimiter(RateLimiterOptions options, LimitSeed seed) : state_(std::make_unique<State>(options, seed)) {}
RateLimiter::~RateLimiter() = default;

const LimitSeed& RateLimiter::seed() const noexcept { return state_->seed; }

LimitResult RateLimiter::charge(std::span<const Charge> charges, nanoseconds monotonic, UnixTime wall) noexcept {
  assert(charges.size() <= charges_max);
  const std::size_t count = std::min(charges.size(), charges_max);
  const LimitMoment at = moment_of(monotonic, wall);
  std::array<SlotSet*, charges_max> sets;
  for (std::size_t i = 0; i < count; ++i) sets[i] = &state_->set_of(charges[i].key, charges[i].by_address);

  LimitResult result;
  result.count_ = count;
  std::array<State::Step, charges_max> steps;
  const Locked locked({sets.data(), count});
  std::size_t done = 0;
  while (done < count) {
    steps[done].set = sets[done];
    if (!State::take(charges[done], at, steps[done])) break;
    ++done;
  }
  const bool refused = done < count;
  if (refused) {
    result.verdict_ = LimitVerdict::over_limit;
    result.retry_after_ = seconds{1};
    state_->refused.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = done; i-- > 0;) State::undo(steps[i]);
  }
  for (std::size_t i = 0; i < count; ++i)
    result.statuses_[i] = State::status_of(charges[i], *sets[i], at, refused, result.retry_after_);
  if (refused) {
    LimitStatus& first = result.statuses_[done];
    if (!first.refused && first.remaining > 0 && steps[done].is_new)
      state_->crowded.fetch_add(1, std::memory_order_relaxed);
    first.refused = true;
    return result;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const State::Step& step = steps[i];
    if (step.is_new && step.was_taken && SlotSet::remembered(step.before, at) > 0)
      state_->evictions.fetch_add(1, std::memory_order_relaxed);
    if (charges[i].rate.kind() == LimitKind::concurrent) {
      result.running_.limiter_ = this;
      result.running_.places_[result.running_.count_++] = {charges[i].key, charges[i].by_address};
    }
  }
  return result;
}

void RateLimiter::release(const Running& running) noexcept {
  for (std::size_t i = 0; i < running.count_; ++i) {
    const auto& [key, by_address] = running.places_[i];
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

Running::Running(Running&& other) noexcept
    : limiter_(std::exchange(other.limiter_, nullptr)),
      count_(std::exchange(other.count_, 0)),
      places_(other.places_) {}

Running& Running::operator=(Running&& other) noexcept {
  if (this == &other) return *this;
  end();
  limiter_ = std::exchange(other.limiter_, nullptr);
  count_ = std::exchange(other.count_, 0);
  places_ = other.places_;
  return *this;
}

void Running::end() noexcept {
  if (limiter_ == nullptr) return;
  std::exchange(limiter_, nullptr)->release(*this);
  count_ = 0;
}

}  // namespace jeton
