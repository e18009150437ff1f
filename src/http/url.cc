#include "http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace jeton::http {
namespace {

using platform::Fault;

constexpr bool is_host_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

constexpr bool is_ipv6_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
}

std::unexpected<Fault> malformed(std::string_view why) {
  return std::unexpected(
      Fault{fmt::format("not an address that can be fetched: {}.", why), "Give one like https://id.example.com/path."});
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') != std::string::npos ? fmt::format("[{}]", host) : host;
  if (port != (tls ? 443 : 80)) text += fmt::format(":{}", port);
  return text;
}

platform::Outcome<Url> parse_url(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return malformed("it has a space or a character outside ASCII");
  }
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return malformed("it does not begin with https://");
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http") return malformed("it is neither https nor http");
  if (text.find('#') != std::string_view::npos) return malformed("it has a fragment (#)");
  Url url;
  url.tls = scheme == "https";
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(scheme_end + 3);
  const std::size_t target_begin = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, target_begin);
  url.target = text.substr(target_begin);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return malformed("it has a user name (@)");
  const bool bracketed = authority.starts_with('[');
  const std::size_t host_end = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (host_end == std::string_view::npos) return malformed("a bracket is not closed");
  url.host = lower(bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end));
  authority.remove_prefix(bracketed ? host_end + 1 : host_end);
  if (url.host.empty() || !std::all_of(url.host.begin(), url.host.end(), bracketed ? is_ipv6_char : is_host_char)) {
    return malformed("its host is malformed");
  }
  if (authority.empty()) return url;
  const char* const end = authority.data() + authority.size();
  const bool is_port =
      authority.front() == ':' && authority.size() > 1 &&
      std::from_chars(authority.data() + 1, end, url.port) == std::from_chars_result{end, std::errc{}} && url.port != 0;
  if (!is_port) return malformed("its port is malformed");
  return url;
}

}  // namespace jeton::http
