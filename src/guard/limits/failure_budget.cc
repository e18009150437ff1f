#include <jeton/failure_budget.h>

#include "crypto/short_hash.h"
#include "guard/limits/address_block.h"
#include "guard/limits/gcra.h"
#include "guard/limits/slot_table.h"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace jeton {
namespace {

using guard::Gcra;
using guard::LimitMoment;
using guard::Slot;
using guard::SlotSet;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t known_ns = nanoseconds(std::chrono::hours{1}).count();

std::int64_t bounded(nanoseconds monotonic) noexcept {
  return std::clamp<std::int64_t>(monotonic.count(), 0, guard::monotonic_max);
}

seconds rounded_up(std::int64_t ns) noexcept {
  return std::max(std::chrono::ceil<seconds>(nanoseconds(ns)), seconds{1});
}

}  // namespace

struct FailureBudget::State {
  explicit State(FailureBudgetOptions given)
      : block(given.block),
        all(given.all),
        seed(LimitSeed::random()),
        failures(given.blocks_max),
        good(given.blocks_max) {}

  LimitKey key(std::string_view address) const noexcept {
    const guard::AddressBlock of = guard::block_of(address);
    const crypto::ShortHash hash = crypto::short_hash(seed.bytes(), guard::text_of(of));
    return {hash.high, hash.low};
  }

  // The slot's time, 0 if there is none.
  static std::int64_t look(guard::SlotTable& table, const LimitKey& at) noexcept {
    SlotSet& set = table.set_of(at);
    const std::lock_guard lock(set);
    const std::size_t place = set.find(at);
    return place == SlotSet::none ? 0 : set.slot(place).state;
  }

  // Changes the slot's time by `change`, which is given the one before; a new one begins at 0.
  void change(guard::SlotTable& table, const LimitKey& at, std::int64_t now, auto change) noexcept {
    SlotSet& set = table.set_of(at);
    const std::lock_guard lock(set);
    std::size_t place = set.find(at);
    if (place == SlotSet::none) {
      place = set.victim(at, LimitMoment{.now = now});
      if (place == SlotSet::none) return;
      set.put(place, Slot{.key = at, .interval_us = static_cast<std::uint32_t>((block.interval + 999) / 1000)});
    }
    Slot& slot = set.slot(place);
    slot.state = change(slot.state);
  }

  const Gcra block, all;
  const LimitSeed seed;
  guard::SlotTable failures, good;  // until when all is regained; until when a block is known as good
  bool is_known(const LimitKey& block_key, std::int64_t now) noexcept {
    const std::int64_t until = look(good, block_key);
    return until > now && until <= now + known_ns;
  }

  std::atomic<std::int64_t> full_at_of_known{0}, full_at_of_others{0};
  std::atomic<std::uint64_t> refused_by_block{0}, refused_by_all{0};
};

FailureBudget::FailureBudget(FailureBudgetOptions options) : state_(std::make_unique<State>(options)) {}
FailureBudget::~FailureBudget() = default;

std::optional<seconds> FailureBudget::refuse(std::string_view address, nanoseconds monotonic) noexcept {
  const std::int64_t now = bounded(monotonic);
  const auto wait_at = [now](const Gcra& gcra, std::int64_t full_at) {
    return gcra.interval - gcra.left(gcra.believed(full_at, now), now);
  };
  const LimitKey block = state_->key(address);
  std::int64_t block_full_at = State::look(state_->failures, block);
  if (state_->block.is_of_another_time(block_full_at, now)) {
    block_full_at = state_->block.believed(block_full_at, now);
    state_->change(state_->failures, block, now, [&](std::int64_t) { return block_full_at; });
  }
  std::atomic<std::int64_t>& many = state_->is_known(block, now) ? state_->full_at_of_known : state_->full_at_of_others;
  std::int64_t many_full_at = many.load(std::memory_order_relaxed);
  if (state_->all.is_of_another_time(many_full_at, now))
    many.compare_exchange_strong(many_full_at, state_->all.believed(many_full_at, now), std::memory_order_relaxed);
  if (const auto wait = wait_at(state_->block, block_full_at); wait > 0) {
    state_->refused_by_block.fetch_add(1, std::memory_order_relaxed);
    return rounded_up(wait);
  }
  const auto wait = wait_at(state_->all, many_full_at);
  if (wait <= 0) return std::nullopt;
  state_->refused_by_all.fetch_add(1, std::memory_order_relaxed);
  return rounded_up(wait);
}

void FailureBudget::count_failure(std::string_view address, nanoseconds monotonic) noexcept {
  const std::int64_t now = bounded(monotonic);
  const auto charged = [now](const Gcra& gcra, std::int64_t full_at) {
    return std::min(gcra.believed(full_at, now) + gcra.interval, std::max(full_at, now + gcra.window));
  };
  const LimitKey block = state_->key(address);
  state_->change(state_->failures, block, now, [&](std::int64_t full_at) { return charged(state_->block, full_at); });
  std::atomic<std::int64_t>& many = state_->is_known(block, now) ? state_->full_at_of_known : state_->full_at_of_others;
  std::int64_t full_at = many.load(std::memory_order_relaxed);
  while (!many.compare_exchange_weak(full_at, charged(state_->all, full_at), std::memory_order_relaxed)) {
  }
}

void FailureBudget::count_success(std::string_view address, nanoseconds monotonic) noexcept {
  const std::int64_t now = bounded(monotonic);
  const LimitKey block = state_->key(address);
  // Written again only when half of the hour is over: a look is cheaper.
  if (const std::int64_t until = State::look(state_->good, block);
      until > now + known_ns / 2 && until <= now + known_ns)
    return;
  state_->change(state_->good, block, now, [now](std::int64_t) { return now + known_ns; });
}

FailureBudget::Counts FailureBudget::counts() const noexcept {
  return {state_->refused_by_block.load(std::memory_order_relaxed),
          state_->refused_by_all.load(std::memory_order_relaxed)};
}

bool costs_a_failure(Errc code) noexcept {
  // In the order of a verification; what comes later stands further down.
  return code >= Errc::bad_signature && code <= Errc::unchecked_confirmation;
}

}  // namespace jeton
