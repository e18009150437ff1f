#include "gateway/forward_auth/original_request.h"

#include <jeton/path.h>

#include <algorithm>
#include <ranges>

namespace jeton::gateway {
namespace {

constexpr std::size_t scheme_bytes = 7;  // "Bearer "
constexpr std::size_t request_id_bytes_max = 128;
constexpr std::string_view forwarded_path = "/auth";
constexpr std::string_view nginx_path = "/auth/nginx";
constexpr std::string_view envoy_path = "/auth/envoy";

// A field that a proxy sets: once, or its word is not to be had.
struct Field {
  std::string_view value{};
  int count = 0;
  void take(std::string_view text) noexcept {
    value = text;
    ++count;
  }
};

bool is_host_text(std::string_view host) noexcept {
  return !host.empty() && std::ranges::all_of(host, [](char c) { return c > ' ' && c < 0x7f && c != ',' && c != '/'; });
}

// "192.0.2.7" as it is usually written, so that it need not be written anew.
std::optional<http::Address> plain_ipv4(std::string_view text) noexcept {
  http::Address address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
  std::size_t place = 12;
  std::size_t digits = 0;
  unsigned part = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0 || place == 15) return std::nullopt;
      address.bytes[place++] = static_cast<std::uint8_t>(part);
      digits = part = 0;
      continue;
    }
    if (c < '0' || c > '9' || (digits > 0 && part == 0)) return std::nullopt;
    part = part * 10 + static_cast<unsigned>(c - '0');
    if (++digits > 3 || part > 255) return std::nullopt;
  }
  if (place != 15 || digits == 0) return std::nullopt;
  address.bytes[15] = static_cast<std::uint8_t>(part);
  return address;
}

// Anything else may be whatever a client likes to see in a log.
bool is_request_id(std::string_view text) noexcept {
  return text.size() <= request_id_bytes_max && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

// With `_` for `-` too, as servers behind gateways of another kind see it.
bool is_method_override(std::string_view name) noexcept {
  constexpr std::string_view overrides[] = {"x-http-method", "x-http-method-override", "x-method-override"};
  const auto folded = [](char c) { return c == '_' ? '-' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::any_of(overrides, [&](std::string_view one) {
    return name.size() == one.size() && std::ranges::equal(name, one, [&](char a, char b) { return folded(a) == b; });
  });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<QuestionStyle> style_of(std::string_view path) noexcept {
  if (!path.starts_with(forwarded_path)) return std::nullopt;
  if (path == forwarded_path) return QuestionStyle::forwarded;
  if (path == nginx_path) return QuestionStyle::nginx;
  const bool envoy = path.starts_with(envoy_path) && path.size() > envoy_path.size() && path[envoy_path.size()] == '/';
  return envoy ? std::optional(QuestionStyle::envoy) : std::nullopt;
}

struct OriginalRequest::Told {
  Field method{}, target{}, host{}, scheme{};
  std::string_view forwarded_for{};
};

std::expected<void, std::string_view> OriginalRequest::read(QuestionStyle style, const http::InlineRequest& question,
                                                            const http::TrustedProxies& proxies,
                                                            const TokenCache* cache) {
  const http::HeadView& head = question.head;
  Told told;
  std::size_t authorizations = 0;
  facts_ = {};
  traceparent_ = request_id_ = {};
  cors_ = {};
  overrides_method_ = false;
  // "x-forwarded-" and "x-original-" differ in length, so the length alone rules out most.
  const std::string_view prefix = style == QuestionStyle::nginx ? "x-original-" : "x-forwarded-";
  for (const auto& [name, value] : head.fields()) {
    const char first = name.front();
    if (name.size() == 13 && (first == 'A' || first == 'a') && http::same_field_name(name, "authorization")) {
      if (authorizations < authorizations_.size()) authorizations_[authorizations++] = value;
      if (cache != nullptr && value.size() > scheme_bytes) cache->expect(value.substr(scheme_bytes));
    } else if (name.size() == 11 && (first == 't' || first == 'T') && http::same_field_name(name, "traceparent")) {
      traceparent_ = value;
    } else if ((name.size() == 6 && (first == 'O' || first == 'o')) || (name.size() == 29 && (first | 0x20) == 'a')) {
      cors_.see(name, value);
    } else if ((first == 'X' || first == 'x') && name.size() >= prefix.size()) {
      take_field(name, value, prefix, told);
    }
  }
  facts_.authorization = {authorizations_.data(), authorizations};
  if (style == QuestionStyle::envoy) {
    told.method = {head.method_name, 1};
    told.target = {head.target.substr(envoy_path.size()), 1};
    told.host = {head.host, 1};
  }
  if (told.method.count != 1 || told.target.count != 1 || told.host.count != 1 || told.scheme.count > 1)
    return std::unexpected("The question does not say once what was asked");
  if (!http::is_field_name(told.method.value)) return std::unexpected("The original method is malformed");
  if (!is_host_text(told.host.value)) return std::unexpected("The original host is malformed");
  facts_.method = told.method.value;
  facts_.host = told.host.value;
  facts_.scheme = told.scheme.value == "https" ? "https" : "http";
  take_address(told.forwarded_for, question, proxies);
  return take_target(told.target.value);
}

void OriginalRequest::take_field(std::string_view name, std::string_view value, std::string_view prefix, Told& told) {
  constexpr std::string_view forwarded_for = "x-forwarded-for";
  if (name.size() == 12 && http::same_field_name(name, "x-request-id") && is_request_id(value)) request_id_ = value;
  if (name.size() == forwarded_for.size() && http::same_field_name(name, forwarded_for))
    told.forwarded_for = value;  // the last one is the proxy's
  if (is_method_override(name)) overrides_method_ = true;
  const std::string_view rest = name.substr(prefix.size());
  if (rest.size() < 3 || rest.size() > 6 || !http::same_field_name(name.substr(0, prefix.size()), prefix)) return;
  if (http::same_field_name(rest, "method")) told.method.take(value);
  if (http::same_field_name(rest, "uri")) told.target.take(value);
  if (http::same_field_name(rest, "host")) told.host.take(value);
  if (http::same_field_name(rest, "proto")) told.scheme.take(value);
}

std::expected<void, std::string_view> OriginalRequest::take_target(std::string_view target) {
  if (!target.starts_with('/')) return std::unexpected("The original target is no path");
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  facts_.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  const auto is_query_byte = [](char c) { return c > ' ' && c != 0x7f && c != '#'; };
  if (!std::ranges::all_of(facts_.query, is_query_byte)) return std::unexpected("The original query is malformed");
  if (is_canonical_path(path)) {
    facts_.path = path;
    return {};
  }
  auto canonical = canonical_path(path);
  path_ = canonical.has_value() ? *std::move(canonical) : std::string();
  facts_.path = path_;
  return {};
}

void OriginalRequest::take_address(std::string_view forwarded_for, const http::InlineRequest& question,
                                   const http::TrustedProxies& proxies) {
  facts_.address = question.peer_address;
  std::string_view list = forwarded_for;
  for (std::size_t hops = 0; !list.empty() && hops < http::forwarded_hops_max; ++hops) {
    const std::size_t comma = list.rfind(',');
    const std::string_view element = trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    std::optional<http::Address> address = plain_ipv4(element);
    if (address.has_value()) {
      facts_.address = element;
    } else {
      address = http::parse_address(element);
      if (!address.has_value()) return;
      address_ = address->text();
      facts_.address = address_;
    }
    if (!proxies.contains(*address)) return;
  }
}

}  // namespace jeton::gateway
