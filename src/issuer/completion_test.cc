#include "issuer/completion.h"

#include "issuer/password_pool.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

namespace asio = boost::asio;
using Done = store::Completion<int>;

TEST(Completion, GoesOnOnTheLoopThatItCameFrom) {
  asio::io_context loop(1);
  std::thread::id resumed_on;
  std::jthread elsewhere;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        const auto result = co_await completed<int>(
            [&](Done done) { elsewhere = std::jthread([done = std::move(done)]() mutable { done(42); }); });
        resumed_on = std::this_thread::get_id();
        EXPECT_EQ(result.value(), 42);
      },
      asio::detached);
  loop.run();
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST(Completion, MayBeCalledBeforeTheCoroutineWaits) {
  asio::io_context loop(1);
  int seen = 0;
  asio::co_spawn(
      loop, [&]() -> asio::awaitable<void> { seen = (co_await completed<int>([](Done done) { done(7); })).value(); },
      asio::detached);
  loop.run();
  EXPECT_EQ(seen, 7);
}

TEST(Completion, ThatIsDroppedCountsAsUnavailable) {
  asio::io_context loop(1);
  std::optional<store::Errc> code;
  asio::co_spawn(
      loop, [&]() -> asio::awaitable<void> { code = (co_await completed<int>([](Done) {})).error().code; },
      asio::detached);
  loop.run();
  EXPECT_EQ(code, store::Errc::unavailable);
  EXPECT_EQ(waited<int>([](Done) {}).error().code, store::Errc::unavailable);
}

TEST(Completion, ThatComesAfterItsLoopHasEndedFindsNobody) {
  Done late;
  const auto alive = std::make_shared<int>(0);
  bool resumed = false;
  {
    asio::io_context loop(1);
    asio::co_spawn(
        loop,
        [](Done& kept, std::shared_ptr<int> frame, bool& flag) -> asio::awaitable<void> {
          (void)frame;
          (void)co_await completed<int>([&](Done done) { kept = std::move(done); });
          flag = true;
        }(late, alive, resumed),
        asio::detached);
    loop.poll();
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1) << "the coroutine ended with its loop";
  late(1);
  EXPECT_FALSE(resumed);
}

TEST(Completion, SurvivesLoopsThatEndWhileItIsCalled) {
  for (int round = 0; round < 500; ++round) {
    std::vector<std::jthread> callers;
    asio::io_context loop(1);
    for (int i = 0; i < 4; ++i) {
      asio::co_spawn(
          loop,
          [](std::vector<std::jthread>& threads) -> asio::awaitable<void> {
            (void)co_await completed<int>(
                [&](Done done) { threads.emplace_back([done = std::move(done)]() mutable { done(1); }); });
          }(callers),
          asio::detached);
    }
    loop.run_for(std::chrono::microseconds(round % 50));
  }
}

TEST(PasswordPool, RunsWhatItTakesAndRefusesWhatItCannotHold) {
  PasswordPool pool({.threads = 1, .queue_jobs_max = 2});
  std::atomic<bool> go = false;
  std::atomic<int> ran = 0;
  std::atomic<bool> begun = false;
  ASSERT_TRUE(pool.try_submit([&] {
    begun = true;
    begun.notify_all();
    go.wait(false);
    ++ran;
  }));
  begun.wait(false);
  EXPECT_TRUE(pool.try_submit([&] { ++ran; }));
  EXPECT_TRUE(pool.try_submit([&] { ++ran; }));
  EXPECT_FALSE(pool.try_submit([&] { ++ran; }));
  EXPECT_EQ(pool.counts().refused, 1U);
  EXPECT_EQ(pool.counts().waiting, 2U);
  go = true;
  go.notify_all();
  while (ran < 3) std::this_thread::yield();
  EXPECT_EQ(pool.counts().begun, 3U);
}

TEST(PasswordPool, DropsWhatWaitsWhenItEnds) {
  auto waiting = std::make_shared<int>(0);
  std::atomic<bool> go = false, begun = false;
  std::atomic<int> ran = 0;
  std::jthread release;
  {
    PasswordPool pool({.threads = 1, .queue_jobs_max = 8});
    ASSERT_TRUE(pool.try_submit([&] {
      begun = true;
      begun.notify_all();
      go.wait(false);
      ++ran;
    }));
    begun.wait(false);
    ASSERT_TRUE(pool.try_submit([&ran, waiting] { ++ran; }));
    release = std::jthread([&] {
      go = true;
      go.notify_all();
    });
  }
  EXPECT_GE(ran, 1);
  EXPECT_EQ(waiting.use_count(), 1);
}

}  // namespace
}  // namespace jeton::issuer
