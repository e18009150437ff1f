// Values of the configuration file that TOML has no type for: sizes, and durations as they are written.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::cli {

// As cli/time_text reads it, in the largest unit that fits: "15m".
std::string duration_text(std::chrono::seconds duration);

// "19MiB", "512KiB", "1GiB". Nothing if it is anything else, or beyond 1 TiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

}  // namespace jeton::cli
