#include "issuer/password_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace jeton::issuer {

namespace {
constexpr int lower_priority_nice = 5;
}

PasswordPool::PasswordPool(PasswordPoolOptions options) : queue_jobs_max_(options.queue_jobs_max) {
  const std::uint32_t count = std::max<std::uint32_t>(1, options.threads);
  threads_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
}

PasswordPool::~PasswordPool() {
  std::deque<Job> abandoned;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    abandoned.swap(queue_);
  }
  work_arrived_.notify_all();
  threads_.clear();  // joins
}

bool PasswordPool::try_submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_jobs_max_) {
      ++refused_;
      return false;
    }
    queue_.push_back(std::move(job));
  }
  work_arrived_.notify_one();
  return true;
}

PasswordPool::Counts PasswordPool::counts() const {
  const std::lock_guard lock(mutex_);
  return {.begun = begun_, .refused = refused_, .waiting = queue_.size()};
}

void PasswordPool::run() {
  // On Linux this counts for the calling thread alone. Where it is not permitted the pool works all the same.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lower_priority_nice));
  std::unique_lock lock(mutex_);
  for (;;) {
    work_arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    ++begun_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace jeton::issuer
