#include "cli/time_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace jeton::cli {
namespace {

using std::chrono::seconds;

constexpr std::int64_t minute = 60, hour = 60 * minute, day = 24 * hour, year = 365 * day;

bool is_a_date(UnixTime time) noexcept {
  return to_unix_seconds(time) >= 0 && to_unix_seconds(time) <= numeric_date_max;
}

std::string hours_text(UnixTime time) {
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock{time - midnight};
  return fmt::format("{:02}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

// The distance between two times, saturating.
seconds distance(UnixTime later, UnixTime earlier) noexcept {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(to_unix_seconds(later), to_unix_seconds(earlier), &result)) return seconds::max();
  return seconds{result};
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<seconds> parse_seconds(std::string_view text) noexcept {
  if (const auto bare = parse_integer(text)) {
    if (*bare < 0) return std::nullopt;
    return seconds{*bare};
  }
  return parse_duration(text);
}

std::string date_text(UnixTime time) {
  if (!is_a_date(time)) return fmt::format("{} s since 1970", to_unix_seconds(time));
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
  return fmt::format("{:04}-{:02}-{:02} {} UTC", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), hours_text(time));
}

std::string clock_text(UnixTime time, UnixTime reference) {
  const bool same_day = is_a_date(time) &&
                        std::chrono::floor<std::chrono::days>(time) == std::chrono::floor<std::chrono::days>(reference);
  return same_day ? hours_text(time) : date_text(time);
}

std::string span_text(seconds span) {
  struct Unit {
    std::int64_t size;
    std::string_view name;
  };
  constexpr std::array<Unit, 5> units{{{year, "y"}, {day, "d"}, {hour, "h"}, {minute, "min"}, {1, "s"}}};
  std::int64_t rest = span.count();
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (rest < units[i].size) continue;
    std::string text = fmt::format("{} {}", rest / units[i].size, units[i].name);
    rest %= units[i].size;
    if (i + 1 < units.size() && rest >= units[i + 1].size) {
      text += fmt::format(" {} {}", rest / units[i + 1].size, units[i + 1].name);
    }
    return text;
  }
  return "0 s";
}

std::string relative_text(UnixTime time, UnixTime now) {
  if (time == now) return "now";
  if (time > now) return "in " + span_text(distance(time, now));
  return span_text(distance(now, time)) + " ago";
}

}  // namespace jeton::cli
