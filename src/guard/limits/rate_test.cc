#include <jeton/rate_limit.h>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string_view>

namespace jeton {
namespace {

using namespace std::chrono_literals;

TEST(Rate, SaysHowManyInAPeriodAndHowManyAtOnce) {
  const Rate minute = parse_rate("600/min").value();
  EXPECT_EQ(minute.kind(), LimitKind::rate);
  EXPECT_EQ(minute.count(), 600u);
  EXPECT_EQ(minute.burst(), 600u);
  EXPECT_EQ(minute.period(), 60s);
  EXPECT_EQ(minute.interval(), 100ms);
  const Rate burst = parse_rate("10/s burst 20").value();
  EXPECT_EQ(burst.burst(), 20u);
  EXPECT_EQ(burst.interval(), 100ms);
  EXPECT_EQ(parse_rate("5/15min").value().period(), 15min);
  EXPECT_EQ(parse_rate("1/h").value().interval(), 1h);
  EXPECT_EQ(parse_rate("3/s").value().interval(), 333'333'334ns);  // never a little more than was said

  const Rate quota = parse_rate("10000/day").value();
  EXPECT_EQ(quota.kind(), LimitKind::quota);
  EXPECT_EQ(quota.count(), 10'000u);
  const Rate concurrent = parse_rate("4 concurrent").value();
  EXPECT_EQ(concurrent.kind(), LimitKind::concurrent);
  EXPECT_EQ(concurrent.count(), 4u);
}

TEST(Rate, IsWrittenAsItIsRead) {
  for (const std::string_view text : {"1/s", "600/min", "10/s burst 20", "100/10s", "5/15min", "1000/h burst 1",
                                      "7/90s", "10000/day", "1 concurrent", "1000000/s"}) {
    EXPECT_EQ(parse_rate(text).value().text(), text);
  }
  EXPECT_EQ(parse_rate("60/60s").value().text(), "60/min");
  EXPECT_EQ(parse_rate("60/60min").value().text(), "60/h");
  EXPECT_EQ(parse_rate("10/s burst 10").value(), parse_rate("10/s").value());
}

TEST(Rate, AnotherSpellingIsRefused) {
  for (const std::string_view text : {"",
                                      "600",
                                      "600/",
                                      "/min",
                                      "600/minute",
                                      "600 / min",
                                      " 600/min",
                                      "600/min ",
                                      "+600/min",
                                      "-1/min",
                                      "6e2/min",
                                      "600.5/min",
                                      "0600/min",
                                      "600/MIN",
                                      "600/min burst",
                                      "600/min burst ",
                                      "600/min  burst 5",
                                      "600/min burst 05",
                                      "600/min burst -5",
                                      "600/min,burst 5",
                                      "600/0s",
                                      "600/01s",
                                      "600/-1s",
                                      "10/day burst 5",
                                      "10/2day",
                                      "4concurrent",
                                      "4 concurrent ",
                                      "4 Concurrent",
                                      "unlimited",
                                      "600/min\n"}) {
    const auto rate = parse_rate(text);
    ASSERT_FALSE(rate.has_value()) << text;
    EXPECT_EQ(rate.error().code, Errc::invalid_claim);
    EXPECT_FALSE(rate.error().expected.empty());
  }
  EXPECT_FALSE(parse_rate(std::string_view("600/min\0", 8)).has_value());
}

TEST(Rate, NothingAndTooMuchAreRefused) {
  const std::array<std::array<std::string_view, 2>, 7> refused_and_twin{{
      {"0/s", "1/s"},
      {"1000001/s", "1000000/s"},
      {"18446744073709551616/h", "1000000000/h"},
      {"1/61min", "1/60min"},
      {"1/18446744073709551615s", "1/3600s"},
      {"1/h burst 745", "1/h burst 744"},
      {"1000000001/day", "1000000000/day"},
  }};
  for (const auto& [refused, twin] : refused_and_twin) {
    EXPECT_FALSE(parse_rate(refused).has_value()) << refused;
    EXPECT_TRUE(parse_rate(twin).has_value()) << twin;
  }
  EXPECT_FALSE(Rate::per(0s, 1).has_value());
  EXPECT_FALSE(Rate::per(-1s, 1).has_value());
  EXPECT_FALSE(Rate::per(1s, 1, 0).has_value());
  EXPECT_FALSE(Rate::per_day(0).has_value());
  EXPECT_FALSE(Rate::at_once(0).has_value());
}

TEST(Rate, AUnitIsWhatOneMeans) {
  EXPECT_EQ(parse_unit("min").value(), parse_rate("1/min").value());
  EXPECT_EQ(parse_unit("10s").value(), parse_rate("1/10s").value());
  EXPECT_EQ(parse_unit("day").value(), parse_rate("1/day").value());
  EXPECT_EQ(parse_unit("concurrent").value(), parse_rate("1 concurrent").value());
  for (const std::string_view text : {"", "1/min", "min burst 5", " concurrent", "/day", "week", "0s"})
    EXPECT_FALSE(parse_unit(text).has_value()) << text;
}

TEST(Rate, MoreIsFirstMoreInTheLongRun) {
  const auto more = [](std::string_view a, std::string_view b) {
    return parse_rate(a).value().allows_more_than(parse_rate(b).value());
  };
  EXPECT_TRUE(more("2/s", "100/min"));
  EXPECT_FALSE(more("100/min", "2/s"));
  EXPECT_TRUE(more("1/s burst 2", "60/min burst 1"));
  EXPECT_FALSE(more("1/s", "60/min burst 1"));
  EXPECT_TRUE(more("2/day", "1/day"));
  EXPECT_FALSE(more("1 concurrent", "1 concurrent"));
}

}  // namespace
}  // namespace jeton
