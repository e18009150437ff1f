// Metrics: counters, gauges and histograms with labels, written out as Prometheus text (version 0.0.4).
//
// Ask for an instrument once and keep the reference: it lives as long as the Metrics. Asking takes a lock; counting
// is one or two relaxed atomic additions. The same name and labels give the same instrument; a name keeps the kind,
// help and bounds of its first use.
//
// Label values come from a small, closed set (a route, a status), never from a request: past series_max series of one
// name, further ones are counted together under the label values "other", so that memory stays bounded whatever is
// passed.
//
// Threads: everything may be called from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::platform {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t amount) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

// Counts of observations up to each bound (inclusive), and their sum.
class Histogram {
 public:
  explicit Histogram(std::span<const double> bounds);
  void observe(double value) noexcept;

  const std::vector<double>& bounds() const noexcept { return bounds_; }
  std::uint64_t count_in(std::size_t bucket) const noexcept { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;                            // ascending
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;  // one for each bound, and one beyond
  std::atomic<double> sum_ = 0;
};

// Seconds, from 0.1 ms to 10 s: for the duration of requests.
std::span<const double> duration_bounds() noexcept;

class Metrics {
 public:
  static constexpr std::size_t series_max = 1'000;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Names and label names match [a-zA-Z_][a-zA-Z0-9_]*; by custom they begin with jeton_ and end in their unit. One
  // name has one kind: asking for it as another is a bug of the caller, and gives an instrument that is never written
  // out.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                       const Labels& labels = {});

  // For what others count: `read` is called each time the text is asked for. It must not ask this object for anything,
  // and what it reads must be alive then. A name that is taken already keeps its first use.
  using ReadValue = std::function<std::uint64_t()>;
  void sample_counter(std::string_view name, std::string_view help, ReadValue read);
  void sample_gauge(std::string_view name, std::string_view help, ReadValue read);

  // The whole text, families in order of name.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jeton::platform
