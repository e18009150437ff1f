// Durations as people write them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace jeton::platform {

// "90s", "15m", "24h", "30d", "1h30m": digits, each with a unit. Nothing for anything else, or beyond 64 bits.
std::optional<std::chrono::seconds> parse_duration(std::string_view text) noexcept;

}  // namespace jeton::platform
