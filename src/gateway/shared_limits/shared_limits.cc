#include "gateway/shared_limits/shared_limits.h"

#include "crypto/random.h"
#include "guard/limits/exchange.h"
#include "platform/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::size_t lanes = 8;  // batches that are under way together
constexpr milliseconds idle_ping{1'000};
constexpr milliseconds retry_min{50}, retry_max{1'000};

std::string gateway_id() {
  std::array<std::uint64_t, 2> id;
  crypto::random_bytes(std::as_writable_bytes(std::span(id)));
  return fmt::format("{:016x}{:016x}", id[0], id[1]);
}

}  // namespace

struct SharedLimits::State {
  State(RateLimiter& limiter, SharedLimitsOptions given, Monotonic clock, platform::Metrics& metrics)
      : options(std::move(given)),
        monotonic(std::move(clock)),
        exchange(limiter, [this] { wake(); }),
        id(gateway_id()),
        exchanges(
            metrics.counter("jeton_shared_limits_exchanges_total", "Round trips to the server of shared limits.")),
        faults(metrics.counter("jeton_shared_limits_faults_total", "Round trips and connections that failed.")),
        wrong_keys(metrics.counter("jeton_shared_limits_wrong_keys_total",
                                   "Callers whose key at the server holds something else.")),
        away(metrics.gauge("jeton_shared_limits_away", "1 while the server of shared limits is away.")),
        lag(metrics.histogram("jeton_shared_limits_lag_seconds",
                              "From a request to what the others know of it having been learned.",
                              platform::duration_bounds())) {
    if (options.when_away == WhenAway::refuse) exchange.set_open(false);  // until the server was heard
    last_answer = monotonic();
    thread = std::thread([this] { run(); });
  }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    thread.join();
  }

  void wake() {
    {
      const std::lock_guard lock(mutex);
      woken = true;
    }
    changed.notify_all();
  }

  // Until it is woken, if it may be, or stopped.
  void pause(milliseconds time, bool may_wake) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, time, [&] { return stopping || (may_wake && woken); });
    if (may_wake) woken = false;
  }
  bool is_stopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  void run() {
    // A server that closes its end must not end the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    milliseconds retry = retry_min;
    while (!is_stopping()) {
      if (!connection.has_value() && !connect()) {
        wait_longer(retry);
        continue;
      }
      collect();
      if (batches.empty()) {
        settle_round();
        if (exchange.sleep_until_changes()) pause(idle_ping, true);
        if (!exchange.has_changes() && !is_stopping()) ping();
        continue;
      }
      if (!tell()) {
        wait_longer(retry);
        continue;
      }
      retry = retry_min;
      if (!exchange.has_changes()) settle_round();
      pause(options.interval, false);
    }
    tell_what_is_left();
  }

  void wait_longer(milliseconds& retry) {
    pause(retry, false);
    retry = std::min(retry * 2, retry_max);
  }

  void tell_what_is_left() {
    constexpr std::size_t rounds_max = LimitExchange::callers_max / (lanes * Batch::callers_max) + 1;
    if (!connection.has_value() && (!exchange.has_changes() || away.value() != 0 || !connect())) return;
    for (std::size_t round = 0; round < rounds_max; ++round) {
      collect();
      if (batches.empty() || !tell()) return;
    }
  }

  bool connect() {
    auto opened = Connection::open(options.connection);
    if (!opened.has_value()) {
      fail(opened.error());
      return false;
    }
    connection.emplace(*std::move(opened));
    // With something to tell, that being taken will show: a server that has no memory left, or is another's copy, lets
    // everybody in and takes nothing.
    if (batches.empty()) heard();
    return true;
  }

  // Those of the last time first, if their answer was lost: under their own numbers.
  void collect() {
    if (!batches.empty()) return;
    std::vector<UnsentCount> changes;
    exchange.take_changes(changes, lanes * Batch::callers_max, monotonic());
    for (std::size_t first = 0; first < changes.size(); first += Batch::callers_max) {
      const std::size_t count = std::min(Batch::callers_max, changes.size() - first);
      Batch batch{.number = ++number, .mark = fmt::format("{}:{}", id, batches.size())};
      batch.told.assign(changes.begin() + static_cast<std::ptrdiff_t>(first),
                        changes.begin() + static_cast<std::ptrdiff_t>(first + count));
      batches.push_back(std::move(batch));
    }
  }

  bool tell() {
    const nanoseconds sent = monotonic();
    const auto answers = connection->exchange(batches, sent);
    if (!answers.has_value()) {
      fail(answers.error());
      return false;
    }
    for (std::size_t i = 0; i < batches.size(); ++i) learn(batches[i], (*answers)[i], sent);
    batches.clear();
    exchanges.add();
    heard();
    return true;
  }

  void learn(const Batch& batch, const BatchAnswer& answer, nanoseconds sent) {
    nanoseconds oldest = sent;
    for (std::size_t i = 0; i < batch.told.size(); ++i) {
      const UnsentCount& told = batch.told[i];
      oldest = std::min(oldest, told.since);
      if (answer[i] < 0)
        wrong_keys.add();
      else if (told.rate.kind() == LimitKind::rate)
        exchange.learn_ahead(told, nanoseconds(answer[i]), sent);
      else
        exchange.learn_count(told, static_cast<std::uint64_t>(answer[i]));
    }
    const nanoseconds took = monotonic() - oldest;
    lag.observe(std::chrono::duration<double>(took).count());
    lag_max.store(std::max(lag_max.load(std::memory_order_relaxed), took.count()), std::memory_order_relaxed);
  }

  void ping() {
    if (const auto answered = connection->ping(); answered.has_value())
      heard();
    else
      fail(answered.error());
  }

  void heard() {
    last_answer = monotonic();
    if (away.value() != 0) platform::log_info("shared_limits_back", {{"server", options.connection.server.text()}});
    away.set(0);
    exchange.set_open(true);
  }

  void fail(const std::string& why) {
    connection.reset();
    faults.add();
    if (monotonic() - last_answer < options.away_after) return;
    if (away.value() == 0)
      platform::log_warning("shared_limits_away",
                            {{"server", options.connection.server.text()},
                             {"reason", why},
                             {"then", options.when_away == WhenAway::refuse ? "refuse" : "local_limits"}});
    away.set(1);
    if (options.when_away == WhenAway::refuse) exchange.set_open(false);
  }

  void settle_round() {
    {
      const std::lock_guard lock(mutex);
      ++rounds;
    }
    settled.notify_all();
  }

  const SharedLimitsOptions options;
  const Monotonic monotonic;
  LimitExchange exchange;
  const std::string id;
  platform::Counter &exchanges, &faults, &wrong_keys;
  platform::Gauge& away;
  platform::Histogram& lag;
  std::atomic<std::int64_t> lag_max{0};

  // The thread's own.
  std::optional<Connection> connection;
  std::vector<Batch> batches;
  std::uint64_t number = 0;
  nanoseconds last_answer{0};

  std::mutex mutex;
  std::condition_variable changed, settled;
  bool stopping = false, woken = false;
  std::uint64_t rounds = 0;  // times that nothing was left to tell
  std::thread thread;
};

SharedLimits::SharedLimits(RateLimiter& limiter, SharedLimitsOptions options, Monotonic monotonic,
                           platform::Metrics& metrics)
    : state_(std::make_unique<State>(limiter, std::move(options), std::move(monotonic), metrics)) {}
SharedLimits::~SharedLimits() = default;

bool SharedLimits::is_away() const noexcept { return state_->away.value() != 0; }

bool SharedLimits::settle(milliseconds wait_max) {
  std::unique_lock lock(state_->mutex);
  // A round that is under way may have begun before the call.
  const std::uint64_t wanted = state_->rounds + 2;
  state_->woken = true;
  state_->changed.notify_all();
  return state_->settled.wait_for(lock, wait_max, [&] {
    if (state_->rounds >= wanted) return true;
    state_->woken = true;
    state_->changed.notify_all();
    return false;
  });
}

SharedLimits::Counts SharedLimits::counts() const noexcept {
  return {state_->exchanges.value(), state_->faults.value(), state_->wrong_keys.value(),
          nanoseconds(state_->lag_max.load(std::memory_order_relaxed))};
}

}  // namespace jeton::gateway
