#include "gateway/proxy_settings.h"

#include "gateway/policy_file.h"
#include "http/server.h"
#include "http/upstream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jeton::gateway {
namespace {

using namespace std::chrono_literals;

std::string policy_with(std::string_view gateway, std::string_view upstream) {
  return "[gateway]\n" + std::string(gateway) +
         "\n[[upstream]]\nname = \"a\"\nservers = [\"http://127.0.0.1:9000\"]\n" + std::string(upstream) +
         "\n[[route]]\nname = \"all\"\nmatch = { path = \"/**\" }\nauthentication = \"forbidden\"\nupstream = \"a\"\n";
}

PolicyFile parsed(std::string_view gateway, std::string_view upstream) {
  auto file = parse_policy_file(policy_with(gateway, upstream), "g.toml");
  if (!file) throw std::runtime_error(file.error().text());
  return *std::move(file);
}

TEST(ProxySettings, EachIsWhereItHasItsEffect) {
  const PolicyFile file = parsed(
      "header_bytes_max = 2048\nheader_timeout = \"3s\"\nidle_timeout = \"4s\"\ndrain_timeout = \"5s\"\n"
      "body_bytes_max = 6\nbody_idle_timeout = \"7s\"\nbody_bytes_per_second_min = 8\nwrite_timeout = \"9s\"\n"
      "websocket_idle_timeout = \"10s\"",
      "idle_timeout = \"11s\"\nevent_idle_timeout = \"12s\"\nwrite_timeout = \"13s\"\nreuse_timeout = \"14s\"\n"
      "answer_header_bytes_max = 1500\nidle_connections_max = 16\nconnections_max = 17\nretries_max = 2\n"
      "failures_max = 19\nrest_time = \"20s\"\n"
      "health = { path = \"/\", every = \"1s\", timeout = \"21s\", failures_max = 22 }");
  http::ServerOptions server;
  apply(file.gateway.limits, server);
  EXPECT_EQ(server.header_bytes_max, 2048U);
  EXPECT_EQ(server.header_time_max, 3s);
  EXPECT_EQ(server.idle_time_max, 4s);
  EXPECT_EQ(server.drain_time_max, 5s);
  EXPECT_EQ(server.stream.body_bytes_max, 6U);
  EXPECT_EQ(server.stream.body_idle_time_max, 7s);
  EXPECT_EQ(server.stream.body_rate_min, 8U);
  EXPECT_EQ(server.stream.write_time_max, 9s);
  EXPECT_EQ(server.stream.tunnel_idle_time_max, 10s);
  http::UpstreamOptions upstream;
  apply(file.upstreams.at(0).limits, upstream);
  EXPECT_EQ(upstream.idle_time_max, 11s);
  EXPECT_EQ(upstream.event_idle_time_max, 12s);
  EXPECT_EQ(upstream.write_time_max, 13s);
  EXPECT_EQ(upstream.reuse_time_max, 14s);
  EXPECT_EQ(upstream.head_bytes_max, 1500U);
  EXPECT_EQ(upstream.idle_connections_max, 16U);
  EXPECT_EQ(upstream.connections_max, 17U);
  EXPECT_EQ(upstream.retries_max, 2U);
  EXPECT_EQ(upstream.passive_failures_max, 19U);
  EXPECT_EQ(upstream.passive_rest_time, 20s);
  EXPECT_EQ(upstream.health_time_max, 21s);
  EXPECT_EQ(upstream.health_failures_max, 22U);
}

// Who sets nothing has what the parts have by themselves.
TEST(ProxySettings, DefaultsAreThoseOfTheParts) {
  const PolicyFile file = parsed("", "");
  http::ServerOptions server;
  const http::ServerOptions server_before = server;
  apply(file.gateway.limits, server);
  EXPECT_EQ(server.header_bytes_max, server_before.header_bytes_max);
  EXPECT_EQ(server.header_time_max, server_before.header_time_max);
  EXPECT_EQ(server.idle_time_max, server_before.idle_time_max);
  EXPECT_EQ(server.drain_time_max, server_before.drain_time_max);
  EXPECT_EQ(server.stream.body_bytes_max, server_before.stream.body_bytes_max);
  EXPECT_EQ(server.stream.body_idle_time_max, server_before.stream.body_idle_time_max);
  EXPECT_EQ(server.stream.body_rate_min, server_before.stream.body_rate_min);
  EXPECT_EQ(server.stream.write_time_max, server_before.stream.write_time_max);
  EXPECT_EQ(server.stream.tunnel_idle_time_max, server_before.stream.tunnel_idle_time_max);
  http::UpstreamOptions upstream;
  const http::UpstreamOptions upstream_before = upstream;
  apply(file.upstreams.at(0).limits, upstream);
  EXPECT_EQ(upstream.idle_time_max, upstream_before.idle_time_max);
  EXPECT_EQ(upstream.event_idle_time_max, upstream_before.event_idle_time_max);
  EXPECT_EQ(upstream.write_time_max, upstream_before.write_time_max);
  EXPECT_EQ(upstream.reuse_time_max, upstream_before.reuse_time_max);
  EXPECT_EQ(upstream.head_bytes_max, upstream_before.head_bytes_max);
  EXPECT_EQ(upstream.idle_connections_max, upstream_before.idle_connections_max);
  EXPECT_EQ(upstream.connections_max, upstream_before.connections_max);
  EXPECT_EQ(upstream.retries_max, upstream_before.retries_max);
  EXPECT_EQ(upstream.passive_failures_max, upstream_before.passive_failures_max);
  EXPECT_EQ(upstream.passive_rest_time, upstream_before.passive_rest_time);
  EXPECT_EQ(upstream.health_time_max, upstream_before.health_time_max);
  EXPECT_EQ(upstream.health_failures_max, upstream_before.health_failures_max);
}

TEST(ProxySettings, BeyondTheirBoundsAreRefusedByLine) {
  const auto faults = [](std::string_view gateway, std::string_view upstream) {
    const auto file = parse_policy_file(policy_with(gateway, upstream), "g.toml");
    return file.has_value() ? std::string() : file.error().text();
  };
  for (const std::string_view good :
       {"header_bytes_max = 1024", "header_timeout = \"10m\"", "idle_timeout = \"24h\"", "drain_timeout = \"1h\"",
        "body_bytes_max = 0", "body_idle_timeout = \"1s\"", "body_bytes_per_second_min = 0", "write_timeout = \"1h\"",
        "websocket_idle_timeout = \"24h\""})
    EXPECT_EQ(faults(good, ""), "") << good;
  for (const std::string_view bad :
       {"header_bytes_max = 1023", "header_bytes_max = 1048577", "header_timeout = \"0s\"", "idle_timeout = \"25h\"",
        "drain_timeout = \"61m\"", "body_bytes_max = -1", "body_idle_timeout = \"0s\"", "write_timeout = 30",
        "body_bytes_per_second_min = 1048577", "websocket_idle_timeout = \"0s\"", "body_idle_time = \"1s\""})
    EXPECT_NE(faults(bad, "").find("g.toml:2: [gateway]"), std::string::npos) << bad << faults(bad, "");
  for (const std::string_view good : {"reuse_timeout = \"0s\"", "idle_connections_max = 0", "connections_max = 1",
                                      "retries_max = 0", "rest_time = \"0s\""})
    EXPECT_EQ(faults("", good), "") << good;
  for (const std::string_view bad :
       {"idle_timeout = \"0s\"", "event_idle_timeout = \"25h\"", "write_timeout = \"0s\"", "reuse_timeout = \"2h\"",
        "answer_header_bytes_max = 100", "idle_connections_max = 10001", "connections_max = 0", "retries_max = 11",
        "failures_max = 0", "rest_time = \"2h\"", "health = { path = \"/\", timeout = \"0s\" }",
        "health = { path = \"/\", failures_max = 0 }"})
    EXPECT_NE(faults("", bad).find("g.toml:6: [[upstream]]"), std::string::npos) << bad << faults("", bad);
}

}  // namespace
}  // namespace jeton::gateway
