// Courier: takes messages out of the store's outbox and brings them where they belong, on a thread of its own.
//
// At least once: a message is gone only after its delivery was confirmed. What fails is tried again after twice the
// time each, with some chance in it so that many do not come back at once, until it is too old and is given up.
#pragma once

#include "platform/metrics.h"
#include "store/store.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace jeton::issuer {

struct CourierOptions {
  store::Channel channel = store::Channel::event;
  std::string name;  // in logs and metrics: "webhook", "mail"
  std::size_t batch_messages_max = 10;
  // Longer than a whole batch can take: each message has its own limit of time at whoever delivers it.
  std::chrono::milliseconds lease{std::chrono::minutes{5}};
  std::chrono::milliseconds first_delay{std::chrono::seconds{5}};
  std::chrono::milliseconds delay_max{std::chrono::hours{1}};
  std::chrono::milliseconds age_max{std::chrono::hours{72}};  // then a message is dead
  std::chrono::milliseconds poll_interval{1000};
};

enum class Delivery : std::uint8_t {
  delivered,
  later,       // try again
  impossible,  // no attempt can succeed: dropped, and logged
};

class Courier {
 public:
  using Deliver = std::function<Delivery(const store::OutboxMessage&)>;

  // The store and the metrics outlive the Courier. `deliver` may take its time, and must not throw.
  Courier(store::Store& store, CourierOptions options, Deliver deliver, platform::Metrics& metrics);
  // Waits for the message under way.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // Delivers in the background from now on.
  void start();
  void stop();
  // One round, on this thread: what was claimed. Instead of start(), or before.
  std::size_t run_once();

  // After so many attempts: first_delay × 2^(attempts - 1), delay_max at most, less up to a quarter by `chance` (0 to
  // 1).
  static std::chrono::milliseconds delay_after(const CourierOptions& options, std::int64_t attempts, double chance);

 private:
  void run();
  bool run_or_wait();
  bool is_due();
  void deliver_one(const store::OutboxMessage& message);
  void give_up_old();

  store::Store& store_;
  const CourierOptions options_;
  const Deliver deliver_;
  platform::Counter &delivered_, &failed_, &dead_;
  std::mutex mutex_;
  std::condition_variable stopping_changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace jeton::issuer
