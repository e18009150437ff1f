// SharedLimits: makes several gateways keep one limit, through a Redis or Valkey server.
//
//   jeton::RateLimiter limiter{{}, jeton::LimitSeed::derived_from(secret)};   // the same secret at every gateway
//   gateway::SharedLimits shared{limiter, options, monotonic, metrics};
//
// Requests are decided at once, by what this gateway knows: no request waits for the server, and no event loop blocks.
// A thread of its own tells the server what was counted, every `interval` while there is something to tell, and learns
// what all together have counted. So
//
//   together they let through at most  burst + rate * T + (N - 1) * (burst + rate * (interval + round trip))
//
// in any time T, N being the number of gateways; of a day's quota at most (N - 1) times what one gateway lets through
// in one interval and round trip more than it allows. What was too much of a rate is owed and waited for, up to 16
// windows, so that the mean is the rate. (`lag_max` has the longest interval and round trip there was.)
//
// The server away: the gateway's own limits go on (the default), or all that is limited is refused with 503. What was
// counted is kept, a caller's count in one number, and told when the server is back; a rate that was exceeded meanwhile
// because every gateway was alone is forgiven, a day's quota is not. A server that comes back without its memory learns
// again what the gateways know. Counts are told once, also when an answer was lost.
//
// Concurrent requests are not shared: each gateway has its own. TLS is not spoken.
// Threads: made and ended by one; the rest from any. The limiter must live longer, and be in nobody's use when this is
// made or ended. Ending takes as long as a timeout at most, and tells what is left if the server is there.
#pragma once

#include "gateway/shared_limits/connection.h"
#include "platform/metrics.h"

#include <jeton/rate_limit.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace jeton::gateway {

enum class WhenAway : std::uint8_t { local_limits, refuse };

struct SharedLimitsOptions {
  ConnectionOptions connection{};
  std::chrono::milliseconds interval{10};
  std::chrono::milliseconds away_after{1000};  // without an answer
  WhenAway when_away = WhenAway::local_limits;
};

class SharedLimits {
 public:
  // The time that charges are made with.
  using Monotonic = std::function<std::chrono::nanoseconds()>;

  SharedLimits(RateLimiter& limiter, SharedLimitsOptions options, Monotonic monotonic, platform::Metrics& metrics);
  ~SharedLimits();
  SharedLimits(const SharedLimits&) = delete;
  SharedLimits& operator=(const SharedLimits&) = delete;

  bool is_away() const noexcept;
  // Waits until what was counted before the call has been told and its answer learned; false if it takes longer.
  bool settle(std::chrono::milliseconds wait_max);

  struct Counts {
    std::uint64_t exchanges;           // round trips
    std::uint64_t faults;              // that failed, connecting included
    std::uint64_t wrong_keys;          // callers whose key at the server holds something else
    std::chrono::nanoseconds lag_max;  // from a request to what the others know of it having been learned
  };
  Counts counts() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jeton::gateway
