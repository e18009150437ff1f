#include "gateway/proxy_settings.h"

#include "http/server.h"
#include "http/upstream.h"
#include "platform/toml_document.h"

#include <concepts>
#include <string_view>

namespace jeton::gateway {
namespace {

using platform::TomlTable;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kib = 1024, mib = 1024 * kib, tib = 1024 * 1024 * mib;

template <std::unsigned_integral Count>
void read(TomlTable& table, std::string_view name, std::int64_t least, std::int64_t most, Count& count) {
  if (const auto number = table.number(name, least, most)) count = static_cast<Count>(*number);
}
void read(TomlTable& table, std::string_view name, seconds least, seconds most, seconds& time) {
  time = table.duration(name, least, most).value_or(time);
}

}  // namespace

ClientLimits read_client_limits(TomlTable& gateway) {
  ClientLimits limits;
  read(gateway, "header_bytes_max", kib, mib, limits.header_bytes_max);
  read(gateway, "header_timeout", seconds{1}, minutes{10}, limits.header_timeout);
  read(gateway, "idle_timeout", seconds{1}, hours{24}, limits.idle_timeout);
  read(gateway, "drain_timeout", seconds{1}, hours{1}, limits.drain_timeout);
  read(gateway, "body_bytes_max", 0, tib, limits.body_bytes_max);
  read(gateway, "body_idle_timeout", seconds{1}, hours{1}, limits.body_idle_timeout);
  read(gateway, "body_bytes_per_second_min", 0, mib, limits.body_bytes_per_second_min);
  read(gateway, "write_timeout", seconds{1}, hours{1}, limits.write_timeout);
  read(gateway, "websocket_idle_timeout", seconds{1}, hours{24}, limits.websocket_idle_timeout);
  return limits;
}

ServerLimits read_server_limits(TomlTable& upstream) {
  ServerLimits limits;
  read(upstream, "idle_timeout", seconds{1}, hours{24}, limits.idle_timeout);
  read(upstream, "event_idle_timeout", seconds{1}, hours{24}, limits.event_idle_timeout);
  read(upstream, "write_timeout", seconds{1}, hours{1}, limits.write_timeout);
  read(upstream, "reuse_timeout", seconds{0}, hours{1}, limits.reuse_timeout);
  read(upstream, "answer_header_bytes_max", kib, mib, limits.answer_header_bytes_max);
  read(upstream, "idle_connections_max", 0, 10'000, limits.idle_connections_max);
  read(upstream, "connections_max", 1, 1'000'000, limits.connections_max);
  read(upstream, "retries_max", 0, 10, limits.retries_max);
  read(upstream, "failures_max", 1, 1'000, limits.failures_max);
  read(upstream, "rest_time", seconds{0}, hours{1}, limits.rest_time);
  return limits;
}

void read_health_limits(TomlTable& health, ServerLimits& limits) {
  read(health, "timeout", seconds{1}, minutes{5}, limits.health_timeout);
  read(health, "failures_max", 1, 1'000, limits.health_failures_max);
}

void apply(const ClientLimits& limits, http::ServerOptions& options) {
  options.header_bytes_max = limits.header_bytes_max;
  options.header_time_max = limits.header_timeout;
  options.idle_time_max = limits.idle_timeout;
  options.drain_time_max = limits.drain_timeout;
  options.stream.body_bytes_max = limits.body_bytes_max;
  options.stream.body_idle_time_max = limits.body_idle_timeout;
  options.stream.body_rate_min = limits.body_bytes_per_second_min;
  options.stream.write_time_max = limits.write_timeout;
  options.stream.tunnel_idle_time_max = limits.websocket_idle_timeout;
}

void apply(const ServerLimits& limits, http::UpstreamOptions& options) {
  options.idle_time_max = limits.idle_timeout;
  options.event_idle_time_max = limits.event_idle_timeout;
  options.write_time_max = limits.write_timeout;
  options.reuse_time_max = limits.reuse_timeout;
  options.head_bytes_max = limits.answer_header_bytes_max;
  options.idle_connections_max = limits.idle_connections_max;
  options.connections_max = limits.connections_max;
  options.retries_max = limits.retries_max;
  options.passive_failures_max = limits.failures_max;
  options.passive_rest_time = limits.rest_time;
  options.health_time_max = limits.health_timeout;
  options.health_failures_max = limits.health_failures_max;
}

}  // namespace jeton::gateway
