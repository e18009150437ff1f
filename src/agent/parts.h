// Parts: what the sources of one agent share.
#pragma once

#include "http/streaming_client.h"
#include "platform/clock.h"
#include "platform/metrics.h"

#include <jeton/agent.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace jeton::agent {

struct Parts {
  boost::asio::any_io_executor executor;  // the agent's loop: everything but disk jobs runs there
  http::StreamingClient& http;
  const platform::ClockSource& clock;
  const platform::MonotonicSource& monotonic;
  platform::Metrics& metrics;
  const AgentOptions& options;
  // Runs it on the disk thread, one after another. False: another agent has the state, and it is never run.
  std::function<bool(std::function<void()>)> on_disk;

  const AgentLimits& limits() const noexcept { return options.agent_limits; }
};

// Runs what `begin` gives for ever: what it throws (memory that ended) is logged, and it begins anew after a pause.
boost::asio::awaitable<void> kept_going(boost::asio::any_io_executor executor, std::string_view what,
                                        std::function<boost::asio::awaitable<void>()> begin);

// Any number, the same for nobody: when to come again.
std::uint64_t chance() noexcept;

// A pause on the loop that can be cut short.
class Pause {
 public:
  explicit Pause(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  // Until that time has passed, or cut_short; one before it counts for nothing.
  boost::asio::awaitable<void> wait(std::chrono::milliseconds time);
  void cut_short() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

// "keys-", 22 characters that stand for `issuer`, and `suffix`, in the state directory; empty without one.
std::string state_path(const AgentOptions& options, std::string_view prefix, std::string_view issuer,
                       std::string_view suffix);

}  // namespace jeton::agent
