// Points in time and durations as people write and read them.
#pragma once

#include "platform/duration.h"

#include <jeton/time.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jeton::cli {

using platform::parse_duration;

// A whole number of seconds, with or without a unit: "30", "30s", "2m".
std::optional<std::chrono::seconds> parse_seconds(std::string_view text) noexcept;

// A decimal integer within 64 bits; no sign but "-", no blank, no leading zero.
std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;

// "2026-11-23 14:03:11 UTC". Outside the years 1970 to 9999: the number of seconds.
std::string date_text(UnixTime time);
// "14:03:11", or the full date if `time` lies on another day than `reference`.
std::string clock_text(UnixTime time, UnixTime reference);

// "14 min 59 s", "3 d 2 h", "0 s": the two largest units of a duration that is not negative.
std::string span_text(std::chrono::seconds span);
// "in 14 min 59 s", "4 min ago", "now".
std::string relative_text(UnixTime time, UnixTime now);

}  // namespace jeton::cli
