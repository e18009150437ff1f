#include "issuer/courier/courier.h"

#include "crypto/random.h"
#include "issuer/completion.h"
#include "platform/log.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace jeton::issuer {
namespace {

double random_chance() {
  std::array<std::byte, 2> bytes{};
  crypto::random_bytes(bytes);
  return (std::to_integer<int>(bytes[0]) * 256 + std::to_integer<int>(bytes[1])) / 65535.0;
}

platform::Counter& counter_of(platform::Metrics& metrics, const std::string& channel, const char* outcome) {
  return metrics.counter("jeton_outbox_attempts_total", "Attempts to deliver what waits in the outbox, by outcome.",
                         {{"channel", channel}, {"outcome", outcome}});
}

}  // namespace

Courier::Courier(store::Store& store, CourierOptions options, Deliver deliver, platform::Metrics& metrics)
    : store_(store),
      options_(std::move(options)),
      deliver_(std::move(deliver)),
      delivered_(counter_of(metrics, options_.name, "delivered")),
      failed_(counter_of(metrics, options_.name, "failed")),
      dead_(counter_of(metrics, options_.name, "dead")) {}

Courier::~Courier() { stop(); }

void Courier::start() {
  thread_ = std::thread([this] { run(); });
}

void Courier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopping_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Courier::run() {
  for (;;) {
    const bool more = run_or_wait();
    std::unique_lock lock(mutex_);
    if (!more) stopping_changed_.wait_for(lock, options_.poll_interval, [this] { return stopping_; });
    if (stopping_) return;
  }
}

// Whether there may be more at once. Without memory there is not: what was not sent stays due.
bool Courier::run_or_wait() {
  try {
    return run_once() > 0;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

std::chrono::milliseconds Courier::delay_after(const CourierOptions& options, std::int64_t attempts, double chance) {
  auto delay = options.first_delay;
  for (std::int64_t i = 1; i < attempts && delay < options.delay_max; ++i) delay *= 2;
  delay = std::min(delay, options.delay_max);
  return delay - std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(delay.count()) * chance / 4));
}

// A read: an outbox with nothing due costs no write.
bool Courier::is_due() {
  const auto due = waited<std::optional<store::StoreTime>>(
      [&](auto done) { store_.outbox().next_due(options_.channel, std::move(done)); });
  return due.has_value() && due->has_value();
}

std::size_t Courier::run_once() {
  if (!is_due()) return 0;
  give_up_old();
  const auto claimed = waited<std::vector<store::OutboxMessage>>([&](auto done) {
    store_.outbox().claim(options_.channel, options_.batch_messages_max, options_.lease, std::move(done));
  });
  if (!claimed.has_value()) {
    platform::log_warning("outbox not read", {{"channel", options_.name}, {"reason", claimed.error().message}});
    return 0;
  }
  for (const store::OutboxMessage& message : *claimed) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;  // the lease ends, and the message is delivered by whoever comes next
    }
    deliver_one(message);
  }
  return claimed->size();
}

void Courier::give_up_old() {
  const auto given_up = waited<std::int64_t>(
      [&](auto done) { store_.outbox().give_up_older_than(options_.channel, options_.age_max, std::move(done)); });
  if (!given_up.has_value() || *given_up == 0) return;
  dead_.add(static_cast<std::uint64_t>(*given_up));
  platform::log_error("messages given up", {{"channel", options_.name}, {"count", *given_up}, {"reason", "too old"}});
}

void Courier::deliver_one(const store::OutboxMessage& message) {
  const Delivery outcome = deliver_(message);
  store::Result<bool> settled = true;
  if (outcome == Delivery::later) {
    failed_.add();
    const auto delay = delay_after(options_, message.attempts, random_chance());
    settled =
        waited<bool>([&](auto done) { store_.outbox().put_off(message.id, message.attempts, delay, std::move(done)); });
  } else {
    (outcome == Delivery::delivered ? delivered_ : dead_).add();
    settled =
        waited<bool>([&](auto done) { store_.outbox().delivered(message.id, message.attempts, std::move(done)); });
  }
  if (outcome == Delivery::impossible) {
    platform::log_error("message given up", {{"channel", options_.name},
                                             {"kind", message.kind},
                                             {"id", message.message_id},
                                             {"reason", "cannot be delivered"}});
  }
  // It will be delivered again when the lease ends: at least once, not exactly once.
  if (!settled.has_value())
    platform::log_warning("outbox not settled", {{"channel", options_.name}, {"reason", settled.error().message}});
}

}  // namespace jeton::issuer
