// The reverse proxy's limits and times as a policy file sets them: in [gateway] those of its clients' connections, in
// each [[upstream]] those of the servers'. docs/proxy.md is their manual; what each does is said where it is kept
// (http/server.h, http/stream_limits.h, http/upstream.h). The defaults are those of there.
#pragma once

#include <chrono>
#include <cstdint>

namespace jeton::platform {
class TomlTable;
}
namespace jeton::http {
struct ServerOptions;
struct UpstreamOptions;
}  // namespace jeton::http

namespace jeton::gateway {

// [gateway]
struct ClientLimits {
  std::uint32_t header_bytes_max = 16 * 1024;
  std::chrono::seconds header_timeout{10};
  std::chrono::seconds idle_timeout{60};
  std::chrono::seconds drain_timeout{10};
  // Of the reverse proxy alone.
  std::uint64_t body_bytes_max = 1024ULL * 1024 * 1024;
  std::chrono::seconds body_idle_timeout{30};
  std::uint32_t body_bytes_per_second_min = 256;
  std::chrono::seconds write_timeout{30};
  std::chrono::seconds websocket_idle_timeout{600};
  friend bool operator==(const ClientLimits&, const ClientLimits&) = default;
};

// [[upstream]]
struct ServerLimits {
  std::chrono::seconds idle_timeout{60};
  std::chrono::seconds event_idle_timeout{600};
  std::chrono::seconds write_timeout{30};
  std::chrono::seconds reuse_timeout{4};
  std::uint32_t answer_header_bytes_max = 32 * 1024;
  std::uint32_t idle_connections_max = 64;
  std::uint32_t connections_max = 4'096;
  std::uint32_t retries_max = 1;
  std::uint32_t failures_max = 3;
  std::chrono::seconds rest_time{10};
  std::chrono::seconds health_timeout{2};  // health = { timeout }
  std::uint32_t health_failures_max = 2;   // health = { failures_max }
  friend bool operator==(const ServerLimits&, const ServerLimits&) = default;
};

ClientLimits read_client_limits(platform::TomlTable& gateway);
ServerLimits read_server_limits(platform::TomlTable& upstream);
void read_health_limits(platform::TomlTable& health, ServerLimits& limits);

void apply(const ClientLimits& limits, http::ServerOptions& options);
void apply(const ServerLimits& limits, http::UpstreamOptions& options);

}  // namespace jeton::gateway
