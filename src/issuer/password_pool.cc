#include "issuer/password_pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace jeton::issuer {

namespace {
constexpr int lower_by_nice = 5;
constexpr int lowest_nice = 19;

// Of the calling thread alone; where it is not permitted the pool works all the same. SCHED_BATCH: a hash never takes
// the processor from an event loop that has it, and an event loop that wakes does not wait for the end of its turn.
void give_way() {
  const sched_param none{};
  static_cast<void>(sched_setscheduler(0, SCHED_BATCH, &none));
  const auto self = static_cast<id_t>(gettid());
  const int lower = std::min(getpriority(PRIO_PROCESS, self) + lower_by_nice, lowest_nice);
  static_cast<void>(setpriority(PRIO_PROCESS, self, lower));
}

}  // namespace

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
  give_way();
  std::unique_lock lock(mutex_);
  for (;;) {
    work_arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    ++begun_;
    lock.unlock();
    try {
      job();
    } catch (const std::bad_alloc&) {
      // Whoever waits for it learns so when the job is gone.
    }
    job = nullptr;
    lock.lock();
  }
}

}  // namespace jeton::issuer
