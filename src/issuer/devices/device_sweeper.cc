#include "issuer/devices/device_sweeper.h"

#include "crypto/random.h"
#include "issuer/completion.h"
#include "platform/log.h"

#include <array>
#include <bit>
#include <span>
#include <utility>

namespace jeton::issuer {
namespace {

std::int64_t anywhere() {
  std::array<std::byte, 8> bytes{};
  crypto::random_bytes(bytes);
  return std::bit_cast<std::int64_t>(bytes);
}

}  // namespace

DeviceSweeper::DeviceSweeper(store::Store& store, platform::Metrics& metrics)
    : store_(store),
      forgotten_(metrics.counter("jeton_session_devices_forgotten_total",
                                 "Sessions whose addresses or agents were forgotten after their time.")),
      place_(anywhere()) {}

std::chrono::milliseconds DeviceSweeper::sweep(store::StoreTime time) {
  const auto swept = waited<store::DeviceSweep>([&](auto done) {
    store_.sessions().forget_devices(time, place_, device_sweep_looked_at_max, device_sweep_changed_max,
                                     std::move(done));
  });
  if (!swept.has_value()) {
    if (!std::exchange(failing_, true))
      platform::log_warning("addresses of sessions not forgotten", {{"reason", swept.error().message}});
    return device_sweep_interval;
  }
  failing_ = false;
  forgotten_.add(static_cast<std::uint64_t>(swept->forgotten));
  place_ = swept->is_done ? store::device_sweep_start : swept->place;
  return swept->is_done ? device_sweep_rest : device_sweep_interval;
}

}  // namespace jeton::issuer
