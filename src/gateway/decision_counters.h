// DecisionCounters: how often each route of a policy allowed and refused, and why, as the metric
// jeton_gateway_decisions_total{shape, route, decision, reason}, and as jeton_gateway_stale_allowed_total{shape, route}
// what was allowed while the issuer's revocations were stale. Counting is one atomic addition.
#pragma once

#include "platform/metrics.h"

#include <jeton/guard.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace jeton::gateway {

// In which shape a request was decided.
enum class Shape : std::uint8_t { forward_auth, proxy };
std::string_view name_of(Shape shape) noexcept;

class DecisionCounters {
 public:
  // The metrics must outlive it. Routes of the same name share their series, also across generations.
  DecisionCounters(platform::Metrics& metrics, const Routes& routes);

  // `route` is one of the Routes' own, or null: none was met.
  void allowed(Shape shape, const Route* route, bool is_stale) const noexcept;
  void refused(Shape shape, const Route* route, Errc reason) const noexcept;

 private:
  static constexpr std::size_t shapes = 2;
  struct OfRoute {
    std::string name;
    std::array<platform::Counter*, shapes> allowed{}, stale{};
    // Asked for at the first refusal of that kind, since most never happen.
    std::array<std::vector<std::atomic<platform::Counter*>>, shapes> refused{};
  };
  const OfRoute& of(const Route* route) const noexcept;

  platform::Metrics* metrics_;
  const Route* first_;
  std::size_t count_;
  std::unique_ptr<OfRoute[]> routes_;  // the last one stands for "none"
};

}  // namespace jeton::gateway
