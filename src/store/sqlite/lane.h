// Lane: a thread with a bounded queue of groups in front of it. What it does with them is given as a function that
// takes them a batch at a time, and settles each exactly once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/sqlite/group.h"

namespace jeton::store::sqlite {

class Lane {
 public:
  using Batch = std::vector<std::unique_ptr<Group>>;
  using Serve = std::move_only_function<void(Batch&)>;
  enum class Offer : std::uint8_t { taken, full, closed };

  Lane(std::size_t queue_groups_max, std::size_t batch_groups_max, Serve serve);
  // Serves what was taken, then stops.
  ~Lane() { close(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Any thread. `group` is moved from only if it was taken.
  Offer offer(std::unique_ptr<Group>& group);
  // Groups that need no service, only an error, settled on this thread ahead of the queue.
  Offer refuse(std::unique_ptr<Group>& group, Error error);
  void close();

 private:
  struct Refusal {
    std::unique_ptr<Group> group;
    Error error;
  };
  void loop();

  const std::size_t queue_groups_max_;
  const std::size_t batch_groups_max_;
  Serve serve_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::unique_ptr<Group>> waiting_;
  std::vector<Refusal> refused_;
  bool closed_ = false;
  std::once_flag joined_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace jeton::store::sqlite
