#include "store/sqlite/lane.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace jeton::store::sqlite {

Lane::Lane(std::size_t queue_groups_max, std::size_t batch_groups_max, Serve serve)
    : queue_groups_max_(queue_groups_max),
      batch_groups_max_(std::max<std::size_t>(batch_groups_max, 1)),
      serve_(std::move(serve)),
      thread_([this] { loop(); }) {}

Lane::Offer Lane::offer(std::unique_ptr<Group>& group) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Offer::closed;
    if (waiting_.size() >= queue_groups_max_) return Offer::full;
    waiting_.push_back(std::move(group));
  }
  arrived_.notify_one();
  return Offer::taken;
}

Lane::Offer Lane::refuse(std::unique_ptr<Group>& group, Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Offer::closed;
    refused_.push_back({std::move(group), std::move(error)});
  }
  arrived_.notify_one();
  return Offer::taken;
}

void Lane::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  arrived_.notify_one();
  std::call_once(joined_, [this] { thread_.join(); });
}

void Lane::loop() {
  Batch taken;
  taken.reserve(batch_groups_max_);  // so that nothing here can fail for want of memory
  for (;;) {
    std::vector<Refusal> refused;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return closed_ || !waiting_.empty() || !refused_.empty(); });
      if (waiting_.empty() && refused_.empty()) return;
      refused.swap(refused_);
      const auto count = std::min(waiting_.size(), batch_groups_max_);
      const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
      taken.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
      waiting_.erase(waiting_.begin(), end);
    }
    for (auto& refusal : refused) refusal.group->settle(std::move(refusal.error));
    if (!taken.empty()) serve_(taken);
    taken.clear();
  }
}

}  // namespace jeton::store::sqlite
