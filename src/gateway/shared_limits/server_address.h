// Where a server of shared limits is.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace jeton::gateway {

struct ServerAddress {
  std::string host{};  // a name or an address, without brackets; empty: a socket
  std::uint16_t port = 6379;
  std::string socket{};  // the path of a Unix socket
  std::uint32_t database = 0;

  std::string text() const;  // for logs: "127.0.0.1:6379", "unix:/run/valkey/valkey.sock"
  friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

// "redis://HOST[:PORT][/DATABASE]", "valkey://…" likewise, "unix:/PATH". A user or a password has no place in it, TLS
// (rediss) is not spoken. The fault says what would be right.
std::expected<ServerAddress, std::string> parse_server_address(std::string_view text);

}  // namespace jeton::gateway
