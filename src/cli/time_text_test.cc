#include "cli/time_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace jeton::cli {
namespace {

using std::chrono::seconds;

TEST(TimeText, DurationsCarryTheirUnits) {
  EXPECT_EQ(parse_duration("90s"), seconds{90});
  EXPECT_EQ(parse_duration("15m"), seconds{900});
  EXPECT_EQ(parse_duration("24h"), seconds{86'400});
  EXPECT_EQ(parse_duration("30d"), seconds{2'592'000});
  EXPECT_EQ(parse_duration("1h30m"), seconds{5'400});
}

TEST(TimeText, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "15", "m", "15 m", "-5m", "+5m", "1.5h", "15min", "15M", "4294967296s", "5mm", "m5"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(TimeText, SecondsNeedNoUnit) {
  EXPECT_EQ(parse_seconds("30"), seconds{30});
  EXPECT_EQ(parse_seconds("30s"), seconds{30});
  EXPECT_EQ(parse_seconds("0"), seconds{0});
  EXPECT_EQ(parse_seconds("9223372036854775807"), seconds::max());
  EXPECT_FALSE(parse_seconds("-1").has_value());
}

TEST(TimeText, IntegersHaveOneSpelling) {
  EXPECT_EQ(parse_integer("1700000000"), 1'700'000'000);
  EXPECT_EQ(parse_integer("-1"), -1);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "-", "+1", " 1", "1 ", "01", "-01", "0x10", "1e3", "1.0", "9223372036854775808"}) {
    EXPECT_FALSE(parse_integer(text).has_value()) << text;
  }
}

TEST(TimeText, DatesAreUtcAndWhatIsNoDateIsANumber) {
  EXPECT_EQ(date_text(from_unix_seconds(1'700'000'000)), "2023-11-14 22:13:20 UTC");
  EXPECT_EQ(date_text(from_unix_seconds(0)), "1970-01-01 00:00:00 UTC");
  EXPECT_EQ(date_text(from_unix_seconds(numeric_date_max)), "9999-12-31 23:59:59 UTC");
  EXPECT_EQ(date_text(from_unix_seconds(-1)), "-1 s since 1970");
  EXPECT_EQ(date_text(from_unix_seconds(std::numeric_limits<std::int64_t>::max())), "9223372036854775807 s since 1970");
}

TEST(TimeText, ClockTimeStandsAloneOnTheSameDay) {
  const auto noon = from_unix_seconds(1'700'049'600);
  EXPECT_EQ(clock_text(noon, noon + seconds{60}), "12:00:00");
  EXPECT_EQ(clock_text(noon, noon + seconds{86'400}), "2023-11-15 12:00:00 UTC");
}

TEST(TimeText, SpansNameTheirTwoLargestUnits) {
  EXPECT_EQ(span_text(seconds{0}), "0 s");
  EXPECT_EQ(span_text(seconds{59}), "59 s");
  EXPECT_EQ(span_text(seconds{899}), "14 min 59 s");
  EXPECT_EQ(span_text(seconds{240}), "4 min");
  EXPECT_EQ(span_text(seconds{3'601}), "1 h");
  EXPECT_EQ(span_text(seconds{93'600}), "1 d 2 h");
  EXPECT_EQ(span_text(seconds{366 * 86'400}), "1 y 1 d");
}

TEST(TimeText, RelativeTimesSaturateInsteadOfOverflowing) {
  const auto now = from_unix_seconds(1'700'000'000);
  EXPECT_EQ(relative_text(now, now), "now");
  EXPECT_EQ(relative_text(now + seconds{899}, now), "in 14 min 59 s");
  EXPECT_EQ(relative_text(now - seconds{240}, now), "4 min ago");
  const auto far_past = from_unix_seconds(std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE(relative_text(now, far_past).starts_with("in 292471208677 y"));
  EXPECT_TRUE(relative_text(far_past, now).ends_with("ago"));
}

}  // namespace
}  // namespace jeton::cli
