#include "platform/duration.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

namespace jeton::platform {
namespace {

using std::chrono::seconds;

std::optional<std::int64_t> seconds_in(char unit) noexcept {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3'600;
    case 'd': return 86'400;
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<seconds> parse_duration(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::uint32_t count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::size_t digits = static_cast<std::size_t>(end - text.data());
    if (problem != std::errc{} || digits == text.size()) return std::nullopt;
    const auto unit = seconds_in(text[digits]);
    if (!unit || __builtin_add_overflow(total, static_cast<std::int64_t>(count) * *unit, &total)) return std::nullopt;
    text.remove_prefix(digits + 1);
  }
  return seconds{total};
}

}  // namespace jeton::platform
