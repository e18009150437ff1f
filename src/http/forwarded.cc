#include "http/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <ranges>

namespace jeton::http {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

std::string_view trimmed(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Without what some proxies put around an address: brackets, a port.
std::optional<std::string_view> bare(std::string_view text) {
  const auto is_port = [](std::string_view port) {
    return port.size() >= 2 && port.size() <= 6 && port.front() == ':' &&
           std::ranges::all_of(port.substr(1), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !is_port(rest)) return std::nullopt;
    const std::string_view inside = text.substr(1, end - 1);
    return inside.find(':') == std::string_view::npos ? std::nullopt : std::optional(inside);
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) return text;
  return is_port(text.substr(colon)) ? std::optional(text.substr(0, colon)) : std::nullopt;  // IPv4 and a port
}

// The elements of all headers of that name, as one list (RFC 9110 section 5.3), the last first.
std::vector<std::string_view> from_the_right(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> elements;
  for (std::string_view list : std::views::reverse(headers.all(name))) {
    while (true) {
      const std::size_t comma = list.rfind(',');
      elements.push_back(trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1)));
      if (comma == std::string_view::npos || elements.size() >= forwarded_hops_max) break;
      list = list.substr(0, comma);
    }
    if (elements.size() >= forwarded_hops_max) break;
  }
  return elements;
}

bool is_authority(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 261 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

bool Address::is_v4() const noexcept { return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin()); }

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  const bool v4 = is_v4();
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? v4_prefix.size() : 0), out.data(), out.size());
  return out.data();
}

std::optional<Address> parse_address(std::string_view text) {
  const auto inside = bare(text);
  if (!inside.has_value() || inside->size() >= INET6_ADDRSTRLEN || inside->find('\0') != std::string_view::npos)
    return std::nullopt;
  const std::string terminated(*inside);
  Address address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  std::ranges::copy(v4_prefix, address.bytes.begin());
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + v4_prefix.size()) == 1) return address;
  return std::nullopt;
}

bool AddressRange::contains(const Address& address) const noexcept {
  const std::size_t whole = bits / 8;
  if (!std::equal(first.bytes.begin(), first.bytes.begin() + static_cast<std::ptrdiff_t>(whole), address.bytes.begin()))
    return false;
  const unsigned left = bits % 8;
  return left == 0 || ((first.bytes[whole] ^ address.bytes[whole]) >> (8 - left)) == 0;
}

std::optional<AddressRange> parse_address_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  if (host.starts_with('[') || bare(host) != host) return std::nullopt;  // an address alone
  const auto first = parse_address(host);
  if (!first.has_value()) return std::nullopt;
  AddressRange range{.first = *first};
  if (slash == std::string_view::npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  const bool v4 = host.find(':') == std::string_view::npos;
  const unsigned most = v4 ? 32 : 128;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), range.bits);
  if (digits.empty() || digits.size() > 3 || error != std::errc() || end != digits.data() + digits.size() ||
      range.bits > most) {
    return std::nullopt;
  }
  if (v4) range.bits += 8 * static_cast<unsigned>(v4_prefix.size());
  return range;
}

bool TrustedProxies::contains(const Address& address) const noexcept {
  return std::ranges::any_of(ranges_, [&](const AddressRange& range) { return range.contains(address); });
}

void see_through(const TrustedProxies& proxies, Request& request, std::string_view scheme) {
  request.scheme = scheme;
  if (const std::string* host = request.headers.find("host")) request.host = *host;
  if (proxies.none()) return;
  const auto socket = parse_address(request.peer_address);
  if (!socket.has_value() || !proxies.contains(*socket)) return;
  for (const std::string_view element : from_the_right(request.headers, "x-forwarded-for")) {
    const auto address = parse_address(element);
    if (!address.has_value()) break;
    request.peer_address = address->text();
    if (!proxies.contains(*address)) break;
  }
  if (const auto schemes = from_the_right(request.headers, "x-forwarded-proto");
      !schemes.empty() && (schemes.front() == "https" || schemes.front() == "http")) {
    request.scheme = schemes.front();
  }
  if (!proxies.believes_host()) return;
  if (const auto hosts = from_the_right(request.headers, "x-forwarded-host");
      !hosts.empty() && is_authority(hosts.front())) {
    request.host = hosts.front();
  }
}

}  // namespace jeton::http
