#include "gateway/reload.h"

#include <gtest/gtest.h>

namespace jeton::gateway {
namespace {

using namespace std::chrono_literals;

TEST(Reload, WhatOnlyAStartTakesOverIsNamedAndStays) {
  const GatewaySettings running{.listen = "127.0.0.1:1", .threads = 2};
  GatewaySettings fresh = running;
  EXPECT_TRUE(keep_until_restart(running, fresh).empty());
  fresh.listen = "127.0.0.1:2";
  fresh.threads = 4;
  fresh.shared_limits_refuse = true;
  fresh.trusted_proxies = {"10.0.0.0/8"};
  fresh.log_allowed_one_in = 7;
  EXPECT_EQ(keep_until_restart(running, fresh),
            (std::vector<std::string>{"[gateway] listen", "[gateway] threads", "[gateway] shared_limits_away"}));
  EXPECT_EQ(fresh.listen, "127.0.0.1:1");
  EXPECT_EQ(fresh.threads, 2U);
  EXPECT_EQ(fresh.trusted_proxies, std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(fresh.log_allowed_one_in, 7U);
}

// A setting that is neither named nor taken over would be forgotten in silence.
TEST(Reload, EverySettingOfTheGatewayIsOneOrTheOther) {
  GatewaySettings running;
  GatewaySettings fresh{.listen = "a",
                        .forward_auth = "a",
                        .operations = "a",
                        .trusted_proxies = {"a"},
                        .state = "a",
                        .shadow = "a",
                        .certificate = "a",
                        .key = "a",
                        .threads = 9,
                        .connections_max = 9,
                        .cached_tokens_max = 9,
                        .log_allowed_one_in = 9,
                        .log_lines_per_second_max = 9,
                        .shared_limits = "a",
                        .shared_limits_secret = "a",
                        .shared_limits_user = "a",
                        .shared_limits_password = "a",
                        .shared_limits_prefix = "a",
                        .limits = {.header_bytes_max = 9,
                                   .header_timeout = 9s,
                                   .idle_timeout = 9s,
                                   .drain_timeout = 9s,
                                   .body_bytes_max = 9,
                                   .body_idle_timeout = 9s,
                                   .body_bytes_per_second_min = 9,
                                   .write_timeout = 9s,
                                   .websocket_idle_timeout = 9s},
                        .forwarded_host = true,
                        .shared_limits_refuse = true};
  EXPECT_EQ(keep_until_restart(running, fresh).size(), 23U);
  running.trusted_proxies = {"a"};
  running.state = running.shadow = "a";
  running.forwarded_host = true;
  running.log_allowed_one_in = running.log_lines_per_second_max = 9;
  EXPECT_TRUE(fresh == running);
}

}  // namespace
}  // namespace jeton::gateway
