// LimitExchange: what a limiter has counted goes out, and what others have counted comes in, so that several limiters
// in several processes keep one limit. It knows nothing of how that travels.
//
// Requests are decided by what is known here, at once; what was counted is noted, told to the others later, and what
// they told is learned: so together they let through more than one limiter would, by what none of them had heard of
// yet. That is owed: a caller's time may lie up to `debt_windows` further ahead, and is waited for.
// Requests under way (concurrent) are not exchanged: each process has its own.
//
// Threads: take_changes, learn and the destructor belong to one thread, which may be any; the limiter must live longer,
// and nobody may charge it while this is made or ended.
#pragma once

#include <jeton/rate_limit.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace jeton {

// One caller under one rule, and what it did here that the others do not know.
struct UnsentCount {
  LimitKey key{};
  Rate rate{};
  bool by_address = false;
  std::uint32_t count = 0;            // requests
  std::chrono::nanoseconds since{0};  // monotonic, of the first of them
  // What is known here without them. rate: how long until all is regained; quota: how many on that day.
  std::chrono::nanoseconds ahead{0};
  std::int64_t day = 0;  // of a quota
  std::uint64_t counted_on_day = 0;
};

class LimitExchange {
 public:
  static constexpr std::int64_t debt_windows = 16;
  static constexpr std::size_t callers_max =
      64 * 1024;  // that wait to be told of; further ones are when they come again

  // `wake` is called by whoever charges, after someone asked for it and when there is something to tell.
  LimitExchange(RateLimiter& limiter, std::function<void()> wake);
  ~LimitExchange();
  LimitExchange(const LimitExchange&) = delete;
  LimitExchange& operator=(const LimitExchange&) = delete;

  // Moves out what at most `callers` did; those it gives are taken for told.
  void take_changes(std::vector<UnsentCount>& out, std::size_t callers, std::chrono::nanoseconds monotonic);
  bool has_changes() const noexcept;
  // Asks for one call of `wake`, unless there is something to tell already.
  bool sleep_until_changes() noexcept;

  // What all together know, with what was told. rate: how long from `monotonic` on until all is regained. quota: how
  // many were counted that day.
  void learn_ahead(const UnsentCount& told, std::chrono::nanoseconds ahead, std::chrono::nanoseconds monotonic);
  void learn_count(const UnsentCount& told, std::uint64_t counted_on_day);

  // While closed every charge of a rate or a quota is `unavailable`.
  void set_open(bool open) noexcept;

  struct Counts {
    std::uint64_t deferred;   // times a caller was not noted because too many are
    std::uint64_t forgotten;  // callers who were forgotten before the others were told of them
  };
  Counts counts() const noexcept;

  struct State;  // inside guard/limits

 private:
  RateLimiter& limiter_;
  std::unique_ptr<State> state_;
};

}  // namespace jeton
