#include <jeton/failure_budget.h>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds start = 1h;
const FailureBudgetOptions small{.block = Rate::per(1s, 1, 3).value(), .all = Rate::per(1s, 10, 100).value()};

int failing(FailureBudget& budget, const std::string& address, int tries, nanoseconds at) {
  int verified = 0;
  for (int i = 0; i < tries; ++i) {
    if (budget.refuse(address, at).has_value()) continue;
    ++verified;
    budget.count_failure(address, at);
  }
  return verified;
}

TEST(FailureBudget, ForgedTokensCostABlockItsBudget) {
  FailureBudget budget(small);
  EXPECT_EQ(failing(budget, "192.0.2.1", 1'000, start), 3);
  EXPECT_EQ(budget.refuse("192.0.2.1", start), 1s);
  EXPECT_EQ(failing(budget, "192.0.2.1", 1'000, start + 1s), 1);
  EXPECT_FALSE(budget.refuse("192.0.2.2", start).has_value());
  EXPECT_EQ(budget.counts().refused_by_block, 997u + 1 + 999);
}

TEST(FailureBudget, BlocksAreWhatOneHasCheaply) {
  FailureBudget budget(small);
  EXPECT_EQ(failing(budget, "2001:db8::1", 9, start), 3);
  EXPECT_EQ(failing(budget, "2001:db8::2", 9, start), 0);
  EXPECT_EQ(failing(budget, "2001:db8:0:1::2", 9, start), 3);
  EXPECT_EQ(failing(budget, "::ffff:192.0.2.9", 9, start), 3);
  EXPECT_EQ(failing(budget, "192.0.2.9", 9, start), 0);
  EXPECT_EQ(failing(budget, "", 9, start), 3);
  EXPECT_EQ(failing(budget, "nonsense", 9, start), 0);
}

TEST(FailureBudget, ManyBlocksTogetherHaveOneToo) {
  FailureBudget budget(small);
  int verified = 0;
  for (int i = 0; i < 200; ++i) verified += failing(budget, "198.51.100." + std::to_string(i), 9, start);
  EXPECT_EQ(verified, 100);
  EXPECT_TRUE(budget.refuse("203.0.113.1", start).has_value());
  EXPECT_FALSE(budget.refuse("203.0.113.1", start + 100ms).has_value());
  EXPECT_GT(budget.counts().refused_by_all, 0u);
}

TEST(FailureBudget, AFloodFromElsewhereDoesNotHoldUpWhoIsKnown) {
  FailureBudget budget(small);
  budget.count_success("203.0.113.1", start);
  for (int i = 0; i < 200; ++i) failing(budget, "198.51.100." + std::to_string(i), 9, start + 1s);
  EXPECT_FALSE(budget.refuse("203.0.113.1", start + 1s).has_value());
  EXPECT_TRUE(budget.refuse("203.0.113.2", start + 1s).has_value());
  EXPECT_EQ(failing(budget, "203.0.113.1", 9, start + 1s), 3);  // its own budget holds for it all the same
  for (int i = 0; i < 200; ++i) failing(budget, "198.51.100." + std::to_string(i), 9, start + 61min);
  EXPECT_TRUE(budget.refuse("203.0.113.1", start + 61min).has_value());
}

TEST(FailureBudget, ManyWhoAreKnownHaveABudgetTogetherToo) {
  FailureBudget budget(small);
  int verified = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string address = "198.51.100." + std::to_string(i);
    budget.count_success(address, start);
    verified += failing(budget, address, 9, start);
  }
  EXPECT_EQ(verified, 100);
  EXPECT_FALSE(budget.refuse("203.0.113.1", start).has_value());  // a newcomer has nothing to do with it
}

TEST(FailureBudget, WhatIsRefusedBeforeTheSignatureCostsNothing) {
  for (const Errc cheap : {Errc::token_too_large, Errc::malformed_token, Errc::wrong_typ, Errc::unknown_key,
                           Errc::algorithm_not_allowed, Errc::missing_token, Errc::insufficient_scope, Errc::revoked})
    EXPECT_FALSE(costs_a_failure(cheap)) << name_of(cheap);
  for (const Errc dear :
       {Errc::bad_signature, Errc::expired, Errc::wrong_audience, Errc::missing_claim, Errc::unchecked_confirmation})
    EXPECT_TRUE(costs_a_failure(dear)) << name_of(dear);
}

TEST(FailureBudget, AClockThatGoesBackLocksNobodyOut) {
  FailureBudget budget(small);
  failing(budget, "192.0.2.1", 9, start + 24h);
  budget.count_success("192.0.2.2", start + 24h);
  EXPECT_TRUE(budget.refuse("192.0.2.1", start).has_value());  // as if it had just happened
  EXPECT_FALSE(budget.refuse("192.0.2.1", start + 1s).has_value());
  EXPECT_EQ(failing(budget, "192.0.2.3", 9, start + 1s), 3);
  // Nor does it keep anybody known for longer than an hour.
  for (int i = 0; i < 200; ++i) failing(budget, "198.51.100." + std::to_string(i), 9, start + 1s);
  EXPECT_TRUE(budget.refuse("192.0.2.2", start + 1s).has_value());
}

TEST(FailureBudget, ThreadsOverdrawItByTheirNumberAtMost) {
  FailureBudget budget(small);
  std::atomic<int> verified{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { verified += failing(budget, "192.0.2.1", 1'000, start); });
  }
  EXPECT_GE(verified, 3);
  EXPECT_LE(verified, 3 + 3);
}

}  // namespace
}  // namespace jeton
