// awaited: what another thread will say, as something to `co_await`. This is the one place where threads that are not
// the event loop's meet coroutines.
//
//   auto hash = co_await awaited<std::string>([&](auto done) { pool.hash(password, std::move(done)); });
//
// The coroutine goes on, on the executor it came from, after `done` was called on whatever thread. That executor must
// run one handler at a time (the HTTP server has one event loop per thread).
//
// Stopping: the waiting coroutine is held by its event loop alone, never by who answers. If the loop is destroyed
// first, the coroutine ends with it and an answer that comes later finds nobody and is dropped; if the loop merely
// stopped, the answer is posted and never run. So neither has to outlive the other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace jeton::http {

namespace awaited_detail {

// What the two threads share. The timer is the coroutine's; `loop` is taken away, under the lock, before the timer
// dies.
template <class T>
struct Meeting {
  std::mutex mutex;
  boost::asio::steady_timer* timer = nullptr;
  std::optional<T> result;
};

// Wakes the coroutine: from the completion's thread, or when the completion is destroyed without having been called.
template <class T>
class Bell {
 public:
  explicit Bell(std::shared_ptr<Meeting<T>> meeting) : meeting_(std::move(meeting)) {}
  Bell(Bell&&) noexcept = default;
  Bell& operator=(Bell&&) = delete;
  ~Bell() {
    if (meeting_) ring(std::nullopt);
  }
  void operator()(T result) { ring(std::move(result)); }

 private:
  void ring(std::optional<T> result) {
    const std::shared_ptr<Meeting<T>> meeting = std::move(meeting_);
    meeting_.reset();
    const std::lock_guard lock(meeting->mutex);
    if (meeting->timer == nullptr) return;  // its loop is gone
    meeting->result = std::move(result);
    // Posted under the lock: a loop being destroyed waits in ~Leave until this is done. Without memory for it the
    // answer waits until there is some: an answer that is lost would be a request that never ends.
    while (!posted(meeting)) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

  static bool posted(const std::shared_ptr<Meeting<T>>& meeting) {
    try {
      boost::asio::post(meeting->timer->get_executor(), [meeting] {
        const std::lock_guard inner(meeting->mutex);
        if (meeting->timer != nullptr) meeting->timer->cancel();
      });
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  std::shared_ptr<Meeting<T>> meeting_;
};

template <class T>
struct Leave {
  Meeting<T>& meeting;
  ~Leave() {
    const std::lock_guard lock(meeting.mutex);
    meeting.timer = nullptr;
  }
};

}  // namespace awaited_detail

// Runs `start` with a function to be called once, from any thread, with a T; gives that T, or nothing if the function
// was destroyed uncalled.
template <class T, class Start>
boost::asio::awaitable<std::optional<T>> awaited(Start start) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                  boost::asio::steady_timer::time_point::max());
  const auto meeting = std::make_shared<awaited_detail::Meeting<T>>();
  meeting->timer = &timer;
  const awaited_detail::Leave<T> leave{*meeting};
  start(awaited_detail::Bell<T>(meeting));
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  const std::lock_guard lock(meeting->mutex);
  co_return std::move(meeting->result);
}

}  // namespace jeton::http
