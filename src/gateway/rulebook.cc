#include "gateway/rulebook.h"

#include <utility>

namespace jeton::gateway {
namespace {

std::uint64_t next_owner() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

std::optional<VerifiedToken> Rulebook::token_of(const RequestFacts& facts, Moment now) const {
  const auto compact = extract_bearer(facts);
  if (!compact) return std::nullopt;
  if (cache != nullptr) {  // what the guard has verified lies there; anything else was none, or beyond the budget
    const auto known = cache->recall(verifier, *compact, now.wall);
    return known.has_value() && known->has_value() ? std::optional(**known) : std::nullopt;
  }
  auto token = verifier.verify(*compact, now.wall);
  return token ? std::optional(*std::move(token)) : std::nullopt;
}

CurrentRulebook::CurrentRulebook() : owner_(next_owner()) {}

void CurrentRulebook::replace(std::shared_ptr<const Rulebook> book) {
  const std::scoped_lock lock(mutex_);
  std::swap(book_, book);
  generation_.fetch_add(1, std::memory_order_release);
}

CurrentRulebook::Slot& CurrentRulebook::slot_of_thread() {
  thread_local Slot slot;
  return slot;
}

const CurrentRulebook::Slot& CurrentRulebook::slot() const {
  Slot& slot = slot_of_thread();
  const std::uint64_t generation = generation_.load(std::memory_order_acquire);
  if (slot.owner == owner_ && slot.generation == generation) [[likely]]
    return slot;
  const std::scoped_lock lock(mutex_);
  slot = {owner_, generation_.load(std::memory_order_relaxed), book_};
  return slot;
}

}  // namespace jeton::gateway
