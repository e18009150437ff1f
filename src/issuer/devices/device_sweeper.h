// DeviceSweeper: forgets the addresses and agents of sessions after their time ([devices] retention), a small piece at
// each call, so that no refresh waits for it. It goes through the whole table and rests; every process does, from a
// place of its own, so that one which is restarted often comes to all of them too.
#pragma once

#include "platform/metrics.h"
#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace jeton::issuer {

inline constexpr std::chrono::milliseconds device_sweep_interval{1000};   // between two pieces
inline constexpr std::chrono::milliseconds device_sweep_rest{3'600'000};  // between two sweeps
inline constexpr std::size_t device_sweep_looked_at_max = 2000;  // sessions of one piece: some milliseconds of reading
inline constexpr std::size_t device_sweep_changed_max = 500;     // of those: one transaction

class DeviceSweeper {
 public:
  // Both outlive it.
  DeviceSweeper(store::Store& store, platform::Metrics& metrics);

  // The next piece: forgets what was last seen before `time`. The pause until the next is due.
  std::chrono::milliseconds sweep(store::StoreTime time);

 private:
  store::Store& store_;
  platform::Counter& forgotten_;
  std::int64_t place_;
  bool failing_ = false;
};

}  // namespace jeton::issuer
