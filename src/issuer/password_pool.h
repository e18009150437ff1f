// PasswordPool: the threads on which Argon2id runs, few and bounded, so that logins can exhaust neither memory nor the
// event loops: Argon2 takes `threads` × the memory of one hash at most, and when the queue is full the next login is
// told to come back (503 with Retry-After) instead of waiting.
//
// The threads run at a lower priority than the event loops, so that refreshes go on while many people log in.
// Threads: every member may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace jeton::issuer {

struct PasswordPoolOptions {
  std::uint32_t threads = 2;
  std::uint32_t queue_jobs_max = 64;  // that wait; those under way not counted
};

class PasswordPool {
 public:
  using Job = std::move_only_function<void()>;

  explicit PasswordPool(PasswordPoolOptions options);
  // Finishes the jobs under way; destroys those that wait, without running them.
  ~PasswordPool();
  PasswordPool(const PasswordPool&) = delete;
  PasswordPool& operator=(const PasswordPool&) = delete;

  // False if the queue is full. A job must not throw anything but std::bad_alloc.
  [[nodiscard]] bool try_submit(Job job);

  struct Counts {
    std::uint64_t begun, refused, waiting;
  };
  Counts counts() const;

 private:
  void run();

  const std::uint32_t queue_jobs_max_;
  mutable std::mutex mutex_;
  std::condition_variable work_arrived_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::uint64_t begun_ = 0, refused_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace jeton::issuer
