// AppendWatch: who wants to know that a commit of this process has added to the feed.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace jeton::store::sqlite {

class AppendWatch {
 public:
  // Returns when no call of the one before is under way any more.
  void set(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    call_ = std::move(call);
  }
  void call() {
    const std::lock_guard lock(mutex_);
    if (call_) call_();
  }

 private:
  std::mutex mutex_;
  std::function<void()> call_;
};

}  // namespace jeton::store::sqlite
