#include "cli/config_values.h"

#include <array>
#include <charconv>
#include <utility>

namespace jeton::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> duration_units{
    {{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}}};
constexpr std::array<std::pair<std::string_view, std::int64_t>, 3> size_units{
    {{"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}}};

constexpr std::int64_t size_bytes_max = 1LL << 40;

template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text,
                                            const std::array<std::pair<std::string_view, std::int64_t>, N>& units,
                                            std::int64_t total_max) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || count < 0 || text.front() == '-') return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (count > total_max / factor) return std::nullopt;
    return count * factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string text_with_unit(std::int64_t total, const std::array<std::pair<std::string_view, std::int64_t>, N>& units) {
  for (const auto& [name, factor] : units) {
    if (total != 0 && total % factor == 0) return std::to_string(total / factor) + std::string(name);
  }
  return std::to_string(total / units.back().second) + std::string(units.back().first);
}

}  // namespace

std::string duration_text(std::chrono::seconds duration) { return text_with_unit(duration.count(), duration_units); }

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto bytes = parse_with_unit(text, size_units, size_bytes_max);
  if (!bytes.has_value()) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::string size_text(std::uint64_t bytes) { return text_with_unit(static_cast<std::int64_t>(bytes), size_units); }

}  // namespace jeton::cli
