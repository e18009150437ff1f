#include "gateway/shared_limits/server_address.h"

#include <algorithm>
#include <charconv>

namespace jeton::gateway {
namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc{} && end == text.data() + text.size();
}

std::unexpected<std::string> not_one() {
  return std::unexpected(std::string("expected redis://HOST:PORT, redis://HOST:PORT/DATABASE or unix:/PATH"));
}

}  // namespace

std::string ServerAddress::text() const {
  if (host.empty()) return "unix:" + socket;
  const bool is_v6 = host.contains(':');
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::expected<ServerAddress, std::string> parse_server_address(std::string_view text) {
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(text, is_visible)) return not_one();
  ServerAddress address;
  if (text.starts_with("unix:")) {
    address.socket = text.substr(5);
    if (!address.socket.starts_with('/')) return not_one();
    return address;
  }
  if (text.starts_with("rediss://") || text.starts_with("valkeys://"))
    return std::unexpected(
        std::string("TLS is not spoken to this server; put it on this machine, or a tunnel between"));
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return not_one();
  const std::string_view scheme = text.substr(0, scheme_end);
  if (scheme != "redis" && scheme != "valkey") return not_one();
  text.remove_prefix(scheme_end + 3);
  if (text.contains('@'))
    return std::unexpected(std::string("a password does not belong here; name a file with it: password_file"));
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (!read_number(text.substr(slash + 1), address.database)) return not_one();
    text = text.substr(0, slash);
  }
  std::string_view host = text;
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    if (!read_number(text.substr(colon + 1), address.port) || address.port == 0) return not_one();
    host = text.substr(0, colon);
  }
  if (bracket != std::string_view::npos) {
    if (!host.ends_with(']')) return not_one();
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty() || host.find_first_of("[]?#/") != std::string_view::npos) return not_one();
  address.host = host;
  return address;
}

}  // namespace jeton::gateway
