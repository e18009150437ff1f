// Completions of the store (and of the password pool) as things to await, and to wait for. This is the one place where
// threads that are not the event loop's meet coroutines.
//
//   auto user = co_await completed<std::optional<store::User>>(
//       [&](auto done) { users.find_by_email(key, std::move(done)); });
//
// The coroutine goes on, on the executor it came from, after the completion was called on whatever thread. That
// executor must run one handler at a time (the HTTP server has one event loop per thread).
//
// Stopping: the waiting coroutine is held by its event loop alone, never by the store. If the loop is destroyed first,
// the coroutine ends with it and a completion that comes later finds nobody and is dropped; if the loop merely
// stopped, the result is posted and never run. So neither has to outlive the other. A completion that is dropped
// unasked counts as `unavailable`.
#pragma once

#include "store/error.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace jeton::issuer {

namespace completion_detail {

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
    // Posted under the lock: a loop being destroyed waits in ~Leave until this is done.
    boost::asio::post(meeting->timer->get_executor(), [meeting] {
      const std::lock_guard inner(meeting->mutex);
      if (meeting->timer != nullptr) meeting->timer->cancel();
    });
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

}  // namespace completion_detail

// Runs `start` with a function to be called once, from any thread, with a T; gives that T, or nothing if the function
// was destroyed uncalled.
template <class T, class Start>
boost::asio::awaitable<std::optional<T>> awaited(Start start) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                  boost::asio::steady_timer::time_point::max());
  const auto meeting = std::make_shared<completion_detail::Meeting<T>>();
  meeting->timer = &timer;
  const completion_detail::Leave<T> leave{*meeting};
  start(completion_detail::Bell<T>(meeting));
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  const std::lock_guard lock(meeting->mutex);
  co_return std::move(meeting->result);
}

inline store::Error dropped_completion() { return {store::Errc::unavailable, "the store dropped a request"}; }

// One store operation, awaited.
template <class T, class Start>
boost::asio::awaitable<store::Result<T>> completed(Start start) {
  auto result = co_await awaited<store::Result<T>>(std::move(start));
  if (!result.has_value()) co_return std::unexpected(dropped_completion());
  co_return std::move(*result);
}

// One store operation, waited for. Never on an event loop: for the start of the program, and for tests.
template <class T, class Start>
store::Result<T> waited(Start start) {
  std::promise<store::Result<T>> promise;
  std::future<store::Result<T>> future = promise.get_future();
  start(store::Completion<T>(
      [promise = std::move(promise)](store::Result<T> result) mutable { promise.set_value(std::move(result)); }));
  try {
    return future.get();
  } catch (const std::future_error&) {
    return std::unexpected(dropped_completion());
  }
}

}  // namespace jeton::issuer
