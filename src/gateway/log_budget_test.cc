#include "gateway/log_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace jeton::gateway {
namespace {

using namespace std::chrono_literals;

unsigned taken(LogBudget& budget, std::size_t kind, std::chrono::nanoseconds at, unsigned tries) {
  unsigned lines = 0;
  for (unsigned i = 0; i < tries; ++i) lines += budget.take(kind, at) ? 1 : 0;
  return lines;
}

TEST(LogBudget, OneKindHasAllThatIsCommonAndItsShare) {
  LogBudget budget(3, 100);
  EXPECT_EQ(taken(budget, 0, 5s, 1'000), 105U);
  EXPECT_EQ(taken(budget, 1, 5'999ms, 1'000), 5U);
  EXPECT_EQ(taken(budget, 2, 5'999ms, 3), 3U);
  EXPECT_EQ(taken(budget, 2, 6s, 1'000), 105U) << "another second";
}

TEST(LogBudget, EachKindHasALineAtLeastUnlessThereAreNone) {
  LogBudget small(2, 3), none(2, 0);
  EXPECT_EQ(taken(small, 0, 0s, 10), 4U);
  EXPECT_EQ(taken(small, 1, 0s, 10), 1U);
  EXPECT_EQ(taken(none, 0, 0s, 10), 0U);
}

TEST(LogBudget, ThreadsTakeNoMoreThanThereIs) {
  LogBudget budget(2, 1'000);
  std::atomic<unsigned> lines = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < 4; ++i) threads.emplace_back([&, i] { lines += taken(budget, i % 2, 1s, 10'000); });
  threads.clear();
  EXPECT_EQ(lines, 1'100U);
}

}  // namespace
}  // namespace jeton::gateway
