#include "agent/freshness.h"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

milliseconds fresh(std::initializer_list<std::pair<std::string, std::string>> fields, const AgentLimits& limits = {}) {
  http::Headers headers;
  for (const auto& [name, value] : fields) headers.add(name, value);
  return fresh_for(headers, limits);
}

TEST(Freshness, IsThatOfCacheControlWithinBounds) {
  EXPECT_EQ(fresh({{"Cache-Control", "public, max-age=600, stale-while-revalidate=300"}}), 600s);
  EXPECT_EQ(fresh({{"cache-control", "MAX-AGE=\"90\""}}), 90s);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=2"}}), 2s);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=1"}}, {.keys_refresh_min = 1500ms}), 1500ms);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=86400"}}), AgentLimits{}.keys_refresh_max);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=99999999999999999999999999"}}), AgentLimits{}.keys_refresh_max);
  EXPECT_EQ(fresh({}), AgentLimits{}.keys_refresh_default);
  EXPECT_EQ(fresh({{"Cache-Control", "public"}}), AgentLimits{}.keys_refresh_default);
}

TEST(Freshness, NonsenseAndProhibitionsPromiseNothing) {
  for (const char* value : {"no-store", "max-age=600, no-cache", "max-age=-5", "max-age=", "max-age", "max-age=5x",
                            "max-age=0"}) {
    EXPECT_EQ(fresh({{"Cache-Control", value}}), AgentLimits{}.keys_refresh_unkept) << value;
  }
}

// An issuer that lets its keys be kept for a second signs with a new one after two: whoever asked every five seconds
// would refuse good tokens.
TEST(Freshness, TheShortestMaxAgeOfAnIssuerIsKeptTo) {
  EXPECT_EQ(fresh({{"Cache-Control", "public, max-age=1"}}), 1s);
  EXPECT_LT(refresh_after(1s, 20), 1s);
}

TEST(Freshness, OfSeveralTheShortestCountsAndAgeIsTakenOff) {
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=600"}, {"Cache-Control", "max-age=60"}}), 60s);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=600"}, {"Age", "100"}}), 500s);
  EXPECT_EQ(fresh({{"Cache-Control", "max-age=600"}, {"Age", "1000"}}), AgentLimits{}.keys_refresh_unkept);
}

TEST(Freshness, RefreshComesBeforeTheEndAndNotForAllAtOnce) {
  EXPECT_EQ(refresh_after(100s, 0), 70s);
  EXPECT_EQ(refresh_after(100s, 20), 90s);
  EXPECT_EQ(refresh_after(100s, 21), 70s);
}

TEST(Freshness, TriesThatFailBecomeRarer) {
  const AgentLimits limits{};
  milliseconds before{0};
  for (unsigned failures = 1; failures < 100; ++failures) {
    const milliseconds least = retry_after(failures, 0, limits);
    EXPECT_GE(least, before);
    EXPECT_GE(least, 500ms);
    for (std::uint64_t chance = 0; chance < 100'000; chance += 997) {
      EXPECT_LE(retry_after(failures, chance, limits), limits.keys_retry_max);
    }
    before = least;
  }
}

TEST(Freshness, ReconnectsAreSpread) {
  EXPECT_EQ(spread(100ms, 10s, 0, 0), 0ms);
  EXPECT_EQ(spread(100ms, 10s, 0, 100), 100ms);
  EXPECT_EQ(spread(100ms, 10s, 3, 800), 800ms);
  EXPECT_EQ(spread(100ms, 10s, 3, 801), 0ms);
  for (std::uint64_t chance = 0; chance < 100'000; chance += 997) EXPECT_LE(spread(100ms, 10s, 99, chance), 10s);
}

}  // namespace
}  // namespace jeton::agent
