#include "agent/freshness.h"

#include "http/request_head.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned doublings_max = 20;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// A count of seconds as a header has it; one beyond all measure is a year.
std::optional<seconds> seconds_in(std::string_view text) {
  constexpr std::int64_t year = 365 * 24 * 3600;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return seconds(error != std::errc{} ? year : std::min(value, year));
}

// Of the field's directives; nothing if it has none that says so.
std::optional<milliseconds> lifetime_in(std::string_view field) {
  std::optional<milliseconds> lifetime;
  while (!field.empty()) {
    const std::string_view whole = field.substr(0, field.find(','));
    field.remove_prefix(std::min(whole.size() + 1, field.size()));
    const std::string_view one = trimmed(whole);
    const auto equals = one.find('=');
    const std::string_view name = one.substr(0, equals);
    if (http::same_field_name(name, "no-store") || http::same_field_name(name, "no-cache")) return milliseconds(0);
    if (!http::same_field_name(name, "max-age")) continue;
    const auto value = equals == std::string_view::npos ? std::nullopt : seconds_in(trimmed(one.substr(equals + 1)));
    lifetime = std::min(lifetime.value_or(milliseconds::max()), milliseconds(value.value_or(seconds(0))));
  }
  return lifetime;
}

}  // namespace

milliseconds fresh_for(const http::Headers& headers, const AgentLimits& limits) {
  std::optional<milliseconds> lifetime;
  for (const std::string_view field : headers.all("Cache-Control")) {
    if (const auto one = lifetime_in(field)) lifetime = std::min(lifetime.value_or(milliseconds::max()), *one);
  }
  if (!lifetime) return std::clamp(limits.keys_refresh_default, limits.keys_refresh_min, limits.keys_refresh_max);
  if (const std::string* age = headers.find("Age")) *lifetime -= seconds_in(trimmed(*age)).value_or(seconds(0));
  if (*lifetime <= milliseconds(0)) lifetime = limits.keys_refresh_unkept;
  return std::clamp(*lifetime, limits.keys_refresh_min, limits.keys_refresh_max);
}

milliseconds refresh_after(milliseconds fresh, std::uint64_t chance) {
  constexpr std::uint64_t percent_least = 70, percent_more = 20;
  return fresh * static_cast<std::int64_t>(percent_least + chance % (percent_more + 1)) / 100;
}

milliseconds retry_after(unsigned failures, std::uint64_t chance, const AgentLimits& limits) {
  const milliseconds whole =
      std::min<milliseconds>(seconds(1) * (std::int64_t{1} << std::min(failures > 0 ? failures - 1 : 0, doublings_max)),
                             limits.keys_retry_max);
  return whole / 2 +
         milliseconds(static_cast<std::int64_t>(chance % (static_cast<std::uint64_t>(whole.count()) / 2 + 1)));
}

milliseconds spread(milliseconds least, milliseconds most, unsigned failures, std::uint64_t chance) {
  const milliseconds whole = std::min(least * (std::int64_t{1} << std::min(failures, doublings_max)), most);
  return milliseconds(static_cast<std::int64_t>(chance % (static_cast<std::uint64_t>(whole.count()) + 1)));
}

}  // namespace jeton::agent
