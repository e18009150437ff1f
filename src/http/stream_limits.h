// StreamLimits: what a connection may ask of a handler that passes bodies on piece by piece (http/stream_exchange.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace jeton::http {

struct StreamLimits {
  std::size_t piece_bytes_max = 16 * 1024;  // what a connection holds of a body
  std::uint64_t body_bytes_max = 1024ULL * 1024 * 1024;
  std::chrono::milliseconds body_idle_time_max{30'000};     // between two reads of a body
  std::chrono::milliseconds body_rate_grace{10'000};        // waited for a body before its rate is looked at
  std::uint64_t body_rate_min = 256;                        // bytes a second, over the time they were waited for
  std::chrono::milliseconds write_time_max{30'000};         // for one piece of the answer to be taken
  std::chrono::milliseconds tunnel_idle_time_max{600'000};  // of an upgraded connection that is silent both ways
};

}  // namespace jeton::http
