#include "platform/metrics.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace jeton::platform {
namespace {

TEST(Metrics, TextIsInThePrometheusForm) {
  Metrics metrics;
  metrics.counter("jeton_b_total", "How often b.", {{"kind", "x"}}).add(3);
  metrics.counter("jeton_b_total", "How often b.", {{"kind", "y"}}).add();
  metrics.gauge("jeton_a", "How much a.").set(-5);
  const std::array<double, 2> bounds = {0.1, 1};
  Histogram& histogram = metrics.histogram("jeton_c_seconds", "How long c.", bounds, {{"route", "/r"}});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
  EXPECT_EQ(metrics.text(),
            "# HELP jeton_a How much a.\n"
            "# TYPE jeton_a gauge\n"
            "jeton_a -5\n"
            "# HELP jeton_b_total How often b.\n"
            "# TYPE jeton_b_total counter\n"
            "jeton_b_total{kind=\"x\"} 3\n"
            "jeton_b_total{kind=\"y\"} 1\n"
            "# HELP jeton_c_seconds How long c.\n"
            "# TYPE jeton_c_seconds histogram\n"
            "jeton_c_seconds_bucket{route=\"/r\",le=\"0.1\"} 2\n"
            "jeton_c_seconds_bucket{route=\"/r\",le=\"1\"} 3\n"
            "jeton_c_seconds_bucket{route=\"/r\",le=\"+Inf\"} 4\n"
            "jeton_c_seconds_sum{route=\"/r\"} 7.65\n"
            "jeton_c_seconds_count{route=\"/r\"} 4\n");
}

TEST(Metrics, SameNameAndLabelsAreOneInstrument) {
  Metrics metrics;
  Counter& one = metrics.counter("jeton_a_total", "A.", {{"k", "v"}});
  EXPECT_EQ(&one, &metrics.counter("jeton_a_total", "A.", {{"k", "v"}}));
  EXPECT_NE(&one, &metrics.counter("jeton_a_total", "A.", {{"k", "w"}}));
}

TEST(Metrics, LabelValueCannotForgeALine) {
  Metrics metrics;
  metrics.counter("jeton_a_total", "A\nB\\", {{"k", "x\"} 9\nforged 1\\"}}).add();
  EXPECT_EQ(
      metrics.text(),
      "# HELP jeton_a_total A\\nB\\\\\n# TYPE jeton_a_total counter\njeton_a_total{k=\"x\\\"} 9\\nforged 1\\\\\"} 1\n");
}

TEST(Metrics, SeriesBeyondTheLimitAreCountedTogether) {
  Metrics metrics;
  for (std::size_t i = 0; i < Metrics::series_max + 50; ++i)
    metrics.counter("jeton_a_total", "A.", {{"k", std::to_string(i)}}).add();
  EXPECT_EQ(metrics.counter("jeton_a_total", "A.", {{"k", "other"}}).value(), 50U);
  metrics.counter("jeton_a_total", "A.", {{"k", "3"}}).add();
  EXPECT_EQ(metrics.counter("jeton_a_total", "A.", {{"k", "3"}}).value(), 2U);
}

TEST(Metrics, NameOfAnotherKindIsNotWrittenOut) {
  Metrics metrics;
  metrics.counter("jeton_a", "A.").add();
  metrics.gauge("jeton_a", "A.").set(7);
  EXPECT_EQ(metrics.text(), "# HELP jeton_a A.\n# TYPE jeton_a counter\njeton_a 1\n");
}

TEST(Metrics, SampledValueIsReadWhenTheTextIsAskedFor) {
  Metrics metrics;
  std::uint64_t value = 1;
  metrics.sample_counter("jeton_a_total", "A.", [&] { return value; });
  metrics.sample_gauge("jeton_b", "B.", [&] { return 10 * value; });
  value = 2;
  EXPECT_EQ(metrics.text(),
            "# HELP jeton_a_total A.\n# TYPE jeton_a_total counter\njeton_a_total 2\n"
            "# HELP jeton_b B.\n# TYPE jeton_b gauge\njeton_b 20\n");
}

TEST(Metrics, SampledNameThatIsTakenKeepsItsFirstUse) {
  Metrics metrics;
  metrics.counter("jeton_a", "A.").add(7);
  metrics.sample_counter("jeton_a", "B.", [] { return 8U; });
  metrics.sample_gauge("jeton_b", "B.", [] { return 1U; });
  metrics.sample_gauge("jeton_b", "B.", [] { return 2U; });
  EXPECT_EQ(
      metrics.text(),
      "# HELP jeton_a A.\n# TYPE jeton_a counter\njeton_a 7\n# HELP jeton_b B.\n# TYPE jeton_b gauge\njeton_b 1\n");
}

TEST(Metrics, CountsOfManyThreadsAddUp) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&metrics] {
      for (int n = 0; n < 10'000; ++n) {
        metrics.counter("jeton_a_total", "A.").add();
        metrics.histogram("jeton_b_seconds", "B.", duration_bounds()).observe(0.5);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(metrics.counter("jeton_a_total", "A.").value(), 40'000U);
  EXPECT_EQ(metrics.histogram("jeton_b_seconds", "B.", duration_bounds()).sum(), 20'000.0);
}

}  // namespace
}  // namespace jeton::platform
