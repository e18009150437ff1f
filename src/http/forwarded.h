// Forwarded: what proxies say of the client behind them (X-Forwarded-For, -Proto, -Host), believed from those proxies
// alone that the operator named. Anybody else may write these headers too, and is not heard.
//
// X-Forwarded-For grows to the right: each proxy appends whom it was called by. So it is read from the right, past the
// trusted, and the first address that is not trusted is the client's; what stands to the left of it is hearsay.
#pragma once

#include "http/message.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::http {

// An IPv4 or IPv6 address in 16 bytes, IPv4 as ::ffff:a.b.c.d.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4() const noexcept;
  std::string text() const;  // "192.0.2.7", "2001:db8::1"
  friend bool operator==(const Address&, const Address&) = default;
};

// "192.0.2.7", "2001:db8::1"; also with brackets or a port behind it, as some proxies write it ("[::1]:443"). No names,
// no scopes, no leading zeros.
std::optional<Address> parse_address(std::string_view text);

// "10.0.0.0/8", "::1", "2001:db8::/32".
struct AddressRange {
  Address first;
  unsigned bits = 128;  // of the 16 bytes that are fixed
  bool contains(const Address& address) const noexcept;
};
std::optional<AddressRange> parse_address_range(std::string_view text);

// Whether they can be believed about the host. A proxy that does not set X-Forwarded-Host passes on what its client
// wrote there, and nobody can tell: only where all of them set it.
enum class ForwardedHost : bool { ignored, believed };

class TrustedProxies {
 public:
  TrustedProxies() = default;
  explicit TrustedProxies(std::vector<AddressRange> ranges, ForwardedHost host = ForwardedHost::believed)
      : ranges_(std::move(ranges)), host_(host) {}
  bool believes_host() const noexcept { return host_ == ForwardedHost::believed; }
  bool contains(const Address& address) const noexcept;
  bool none() const noexcept { return ranges_.empty(); }

 private:
  std::vector<AddressRange> ranges_;
  ForwardedHost host_ = ForwardedHost::believed;
};

// At most this many addresses of X-Forwarded-For are looked at, from the right.
inline constexpr std::size_t forwarded_hops_max = 32;

// Sets peer_address, scheme and host of a request to what is true of the client, given that peer_address is the
// socket's and `scheme` what the socket speaks. Where a trusted proxy wrote something that is no address, the proxy
// itself stands for the client.
void see_through(const TrustedProxies& proxies, Request& request, std::string_view scheme = "http");

}  // namespace jeton::http
