#include "platform/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <variant>

namespace jeton::platform {
namespace {

// An instrument of someone else's, shown as one of ours.
template <class Instrument>
struct Sampled {
  Metrics::ReadValue value;
};

// One family per name.
template <class Instrument>
using Series = std::map<Labels, std::unique_ptr<Instrument>>;
using AnySeries =
    std::variant<Series<Counter>, Series<Gauge>, Series<Histogram>, Series<Sampled<Counter>>, Series<Sampled<Gauge>>>;

struct Family {
  std::string help;
  std::vector<double> bounds;
  AnySeries series;
};

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out.push_back(c);
  }
  return out;
}

std::string label_text(const Labels& labels, std::string_view bound = {}) {
  std::string out;
  const auto append = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "{" : ",", name, escaped(value, true));
  };
  for (const auto& [name, value] : labels) append(name, value);
  if (!bound.empty()) append("le", bound);
  if (!out.empty()) out.push_back('}');
  return out;
}

struct Writer {
  std::string& out;
  const std::string& name;

  template <class Instrument>
  void operator()(const Series<Instrument>& series) const {
    for (const auto& [labels, instrument] : series)
      out += fmt::format("{}{} {}\n", name, label_text(labels), instrument->value());
  }
  void operator()(const Series<Histogram>& series) const {
    for (const auto& [labels, histogram] : series) {
      std::uint64_t up_to = 0;
      for (std::size_t i = 0; i < histogram->bounds().size(); ++i) {
        up_to += histogram->count_in(i);
        out +=
            fmt::format("{}_bucket{} {}\n", name, label_text(labels, fmt::format("{}", histogram->bounds()[i])), up_to);
      }
      up_to += histogram->count_in(histogram->bounds().size());
      out += fmt::format("{}_bucket{} {}\n", name, label_text(labels, "+Inf"), up_to);
      out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, label_text(labels), histogram->sum(), name,
                         label_text(labels), up_to);
    }
  }
};

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(new std::atomic<std::uint64_t>[bounds.size() + 1]()) {}

void Histogram::observe(double value) noexcept {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::span<const double> duration_bounds() noexcept {
  static constexpr std::array<double, 14> bounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                    0.025,  0.05,    0.1,    0.25,  0.5,    1,     10};
  return bounds;
}

struct Metrics::State {
  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;
  // Instruments asked for under a name of another kind: they work, and are not shown.
  Series<Counter> stray_counters;
  Series<Gauge> stray_gauges;
  std::vector<std::unique_ptr<Histogram>> stray_histograms;

  template <class Instrument>
  Series<Instrument>* series_of(std::string_view name, std::string_view help, std::span<const double> bounds,
                                Family*& family) {
    auto found = families.find(name);
    if (found == families.end()) {
      Family made{std::string(help), {bounds.begin(), bounds.end()}, Series<Instrument>{}};
      found = families.emplace(std::string(name), std::move(made)).first;
    }
    family = &found->second;
    return std::get_if<Series<Instrument>>(&family->series);
  }

  template <class Instrument>
  void sample(std::string_view name, std::string_view help, ReadValue read) {
    const std::scoped_lock lock(mutex);
    Family* family = nullptr;
    if (auto* const series = series_of<Sampled<Instrument>>(name, help, {}, family))
      series->try_emplace(Labels{}, std::make_unique<Sampled<Instrument>>(std::move(read)));
  }

  template <class Instrument, class Make>
  static Instrument& instrument_of(Series<Instrument>& series, const Labels& labels, Make make) {
    if (const auto known = series.find(labels); known != series.end()) return *known->second;
    Labels key = labels;
    if (series.size() >= series_max) {
      for (auto& [name, value] : key) value = "other";
    }
    auto& slot = series[key];
    if (!slot) slot = make();
    return *slot;
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::scoped_lock lock(state_->mutex);
  Family* family = nullptr;
  auto* const series = state_->series_of<Counter>(name, help, {}, family);
  return State::instrument_of(series ? *series : state_->stray_counters, labels,
                              [] { return std::make_unique<Counter>(); });
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::scoped_lock lock(state_->mutex);
  Family* family = nullptr;
  auto* const series = state_->series_of<Gauge>(name, help, {}, family);
  return State::instrument_of(series ? *series : state_->stray_gauges, labels,
                              [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                              const Labels& labels) {
  const std::scoped_lock lock(state_->mutex);
  Family* family = nullptr;
  if (auto* const series = state_->series_of<Histogram>(name, help, bounds, family)) {
    return State::instrument_of(*series, labels, [&] { return std::make_unique<Histogram>(family->bounds); });
  }
  return *state_->stray_histograms.emplace_back(std::make_unique<Histogram>(bounds));
}

void Metrics::sample_counter(std::string_view name, std::string_view help, ReadValue read) {
  state_->sample<Counter>(name, help, std::move(read));
}

void Metrics::sample_gauge(std::string_view name, std::string_view help, ReadValue read) {
  state_->sample<Gauge>(name, help, std::move(read));
}

std::string Metrics::text() const {
  constexpr std::array<std::string_view, 5> kinds = {"counter", "gauge", "histogram", "counter", "gauge"};
  const std::scoped_lock lock(state_->mutex);
  std::string out;
  for (const auto& [name, family] : state_->families) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(family.help, false), name,
                       kinds[family.series.index()]);
    std::visit(Writer{out, name}, family.series);
  }
  return out;
}

}  // namespace jeton::platform
