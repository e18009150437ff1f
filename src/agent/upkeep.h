// Upkeep: what an Agent does, with its clocks and metrics handed in. See jeton/agent.h for what each call means.
//
// Everything runs on one thread with an event loop; files are written by another one, so that a slow disk does not
// delay a revocation.
#pragma once

#include "agent/parts.h"
#include "agent/unknown_keys.h"

#include <jeton/agent.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::agent {

class Upkeep {
 public:
  Upkeep(AgentOptions options, const platform::ClockSource& clock, const platform::MonotonicSource& monotonic,
         platform::Metrics& metrics);
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;
  void start();
  bool leave_state(std::chrono::milliseconds time_max);
  void take_state();
  void stop() noexcept;

  std::shared_ptr<const Verifier> verifier() const;
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  const RevocationTable& table() const noexcept { return table_; }
  void saw_unknown_key(std::string_view kid) noexcept;
  bool has_all_keys() const noexcept { return has_all_keys_.load(std::memory_order_relaxed); }
  bool is_ready() const;
  bool wait_until_ready(std::chrono::milliseconds time_max) const;
  std::vector<AgentStatus> status() const;
  // How it stands with each feed at this moment, as Prometheus text.
  std::string feed_metrics() const;

 private:
  struct Member;
  void add(const AgentIssuer& issuer);
  void admit(Member& member, const std::vector<std::string>& kids, std::uint64_t asked_after);
  void take_live_keys(Member& member, const std::vector<std::string>* live);
  void rebuild();
  void tell();
  void show();

  AgentOptions options_;
  const platform::ClockSource& clock_;
  const platform::MonotonicSource& monotonic_;
  platform::Metrics& metrics_;
  RevocationTable table_;
  UnknownKeys unknown_;
  platform::Counter unknown_not_asked_{};

  mutable std::mutex mutex_;
  mutable std::condition_variable told_;
  std::shared_ptr<const Verifier> verifier_{};
  std::vector<AgentStatus> status_{};
  std::chrono::milliseconds status_at_{0};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<bool> has_all_sets_{false};  // of each issuer one, perhaps from disk
  std::atomic<bool> has_all_keys_{false};  // and each was asked whether there is another

  bool stores_ = true;  // of the loop alone
  boost::asio::thread_pool disk_{1};
  boost::asio::io_context loop_{1};
  http::StreamingClient http_;
  Parts parts_;
  // Their timers must end before the loop. Their coroutines end with it, and touch no member while they end.
  std::vector<std::unique_ptr<Member>> members_{};
  std::thread thread_{};
};

}  // namespace jeton::agent
