#include "gateway/decision_counters.h"

namespace jeton::gateway {
namespace {

constexpr std::string_view metric = "jeton_gateway_decisions_total";
constexpr std::string_view help = "Requests decided, by shape, route, decision and the reason of a refusal.";

platform::Counter& counter_of(platform::Metrics& metrics, Shape shape, const std::string& route, std::string_view what,
                              std::string_view reason) {
  return metrics.counter(metric, help,
                         {{"shape", std::string(name_of(shape))},
                          {"route", route},
                          {"decision", std::string(what)},
                          {"reason", std::string(reason)}});
}

}  // namespace

std::string_view name_of(Shape shape) noexcept { return shape == Shape::proxy ? "proxy" : "forward_auth"; }

DecisionCounters::DecisionCounters(platform::Metrics& metrics, const Routes& routes)
    : metrics_(&metrics),
      first_(routes.all().data()),
      count_(routes.all().size()),
      routes_(std::make_unique<OfRoute[]>(count_ + 1)) {
  for (std::size_t i = 0; i <= count_; ++i) {
    OfRoute& one = routes_[i];
    if (i < count_) one.name = routes.all()[i].name;
    for (std::size_t shape = 0; shape < shapes; ++shape) {
      if (i < count_) {
        const auto which = static_cast<Shape>(shape);
        one.allowed[shape] = &counter_of(metrics, which, one.name, "allowed", "");
        one.stale[shape] = &metrics.counter("jeton_gateway_stale_allowed_total",
                                            "Requests allowed while the revocations of the token's issuer were stale.",
                                            {{"shape", std::string(name_of(which))}, {"route", one.name}});
      }
      one.refused[shape] = std::vector<std::atomic<platform::Counter*>>(all_error_codes().size());
    }
  }
}

const DecisionCounters::OfRoute& DecisionCounters::of(const Route* route) const noexcept {
  return routes_[route == nullptr ? count_ : static_cast<std::size_t>(route - first_)];
}

void DecisionCounters::allowed(Shape shape, const Route* route, bool is_stale) const noexcept {
  if (route == nullptr) return;
  of(route).allowed[static_cast<std::size_t>(shape)]->add();
  if (is_stale) of(route).stale[static_cast<std::size_t>(shape)]->add();
}

void DecisionCounters::refused(Shape shape, const Route* route, Errc reason) const noexcept {
  const OfRoute& one = of(route);
  auto& known = routes_[static_cast<std::size_t>(&one - routes_.get())]
                    .refused[static_cast<std::size_t>(shape)][static_cast<std::size_t>(reason)];
  platform::Counter* counter = known.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &counter_of(*metrics_, shape, one.name, "refused", jeton::name_of(reason));
    known.store(counter, std::memory_order_release);
  }
  counter->add();
}

}  // namespace jeton::gateway
