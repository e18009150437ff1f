#include "gateway/shared_limits/server_address.h"

#include <gtest/gtest.h>

#include <string_view>

namespace jeton::gateway {
namespace {

TEST(ServerAddress, IsAHostOrASocket) {
  EXPECT_EQ(parse_server_address("redis://127.0.0.1"), (ServerAddress{.host = "127.0.0.1"}));
  EXPECT_EQ(parse_server_address("valkey://limits.internal:7000/2"),
            (ServerAddress{.host = "limits.internal", .port = 7000, .database = 2}));
  EXPECT_EQ(parse_server_address("redis://[::1]:6380"), (ServerAddress{.host = "::1", .port = 6380}));
  EXPECT_EQ(parse_server_address("redis://[::1]"), (ServerAddress{.host = "::1"}));
  EXPECT_EQ(parse_server_address("unix:/run/valkey/valkey.sock"), (ServerAddress{.socket = "/run/valkey/valkey.sock"}));
  EXPECT_EQ(parse_server_address("redis://[::1]:6380")->text(), "[::1]:6380");
  EXPECT_EQ(parse_server_address("unix:/run/s")->text(), "unix:/run/s");
}

TEST(ServerAddress, AnythingElseIsRefused) {
  for (const std::string_view text : {"",
                                      "127.0.0.1:6379",
                                      "redis:127.0.0.1",
                                      "redis://",
                                      "redis://:6379",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:06379",
                                      "redis://h:",
                                      "redis://h:6379/",
                                      "redis://h/x",
                                      "redis://h/-1",
                                      "redis://h:6379/1/2",
                                      "redis://[::1",
                                      "redis://::1]",
                                      "redis://[]",
                                      "http://h",
                                      "unix:",
                                      "unix:relative",
                                      "redis://a b"}) {
    EXPECT_FALSE(parse_server_address(text).has_value()) << text;
  }
  EXPECT_NE(parse_server_address("redis://:secret@h:6379").error().find("password_file"), std::string::npos);
  EXPECT_NE(parse_server_address("rediss://h:6379").error().find("TLS"), std::string::npos);
}

}  // namespace
}  // namespace jeton::gateway
