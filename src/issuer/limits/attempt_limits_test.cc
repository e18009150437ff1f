#include "issuer/limits/attempt_limits.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::issuer {
namespace {

using namespace std::chrono_literals;

constexpr store::StoreTime start{std::chrono::milliseconds{1'700'000'000'000}};
constexpr AttemptRate rate{.burst = 10, .period = 10min};

TEST(AttemptTable, AllowsABurstAndThenOneForEachIntervalThatPasses) {
  AttemptTable table(64);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(table.wait_for(7, rate, start)) << i;
    table.charge(7, rate, start);
  }
  EXPECT_EQ(table.wait_for(7, rate, start), 1min);
  EXPECT_EQ(table.wait_for(7, rate, start + 59s), 1s);
  EXPECT_FALSE(table.wait_for(7, rate, start + 1min));
  table.charge(7, rate, start + 1min);
  EXPECT_EQ(table.wait_for(7, rate, start + 1min), 1min);
  EXPECT_FALSE(table.wait_for(8, rate, start)) << "another is not concerned";
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(table.wait_for(7, rate, start + 1h)) << i << ", all is regained";
    table.charge(7, rate, start + 1h);
  }
  EXPECT_TRUE(table.wait_for(7, rate, start + 1h));
}

TEST(AttemptTable, DebtIsBoundedAndAClockSetBackLocksNobodyOutForLong) {
  AttemptTable table(64);
  for (int i = 0; i < 1000; ++i) table.charge(7, rate, start);
  EXPECT_EQ(table.wait_for(7, rate, start), 11min) << "one period in debt, and one attempt";
  EXPECT_EQ(table.wait_for(7, rate, start - 100h), 11min);
  EXPECT_FALSE(table.wait_for(7, rate, start + 11min));
}

TEST(AttemptTable, AFloodOfNamesDoesNotFreeWhoIsOverTheLimit) {
  AttemptTable table(8);  // one set
  for (int i = 0; i < 10; ++i) table.charge(7, rate, start);
  for (std::uint64_t who = 100; who < 10'000; ++who) table.charge(who, rate, start);
  EXPECT_TRUE(table.wait_for(7, rate, start));
  EXPECT_GT(table.evictions(), 0U);
}

class Limits : public ::testing::Test {
 protected:
  // Failures until the next one is refused.
  int failures_until_refused(const Attempt& attempt, int most) {
    for (int i = 0; i < most; ++i) {
      if (limits_.refuse(attempt, rules_, start)) return i;
      limits_.count_failure(attempt, rules_, start);
    }
    return most;
  }

  platform::Metrics metrics_;
  AttemptLimits limits_{metrics_};
  AttemptRules rules_;
};

TEST_F(Limits, AnAccountHasABudgetFromWhereverItIsTried) {
  int failures = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string address = "203.0." + std::to_string(i) + ".1";
    const Attempt attempt{.account = "a@b", .address = address, .device = {}};
    if (limits_.refuse(attempt, rules_, start)) break;
    limits_.count_failure(attempt, rules_, start);
    ++failures;
  }
  EXPECT_EQ(failures, 10);
  EXPECT_FALSE(limits_.refuse({.account = "b@b", .address = "203.0.1.1", .device = {}}, rules_, start));
}

TEST_F(Limits, ABlockOfAddressesHasABudgetForAllAccounts) {
  int failures = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string account = std::to_string(i), address = "203.0.113." + std::to_string(i % 250);
    const Attempt attempt{.account = account, .address = address, .device = {}};
    if (limits_.refuse(attempt, rules_, start)) break;
    limits_.count_failure(attempt, rules_, start);
    ++failures;
  }
  EXPECT_EQ(failures, 100);
  EXPECT_FALSE(limits_.refuse({.account = "x", .address = "203.0.114.1", .device = {}}, rules_, start));
}

TEST_F(Limits, AKnownDeviceIsNotConcernedByWhatStrangersTry) {
  const Attempt stranger{.account = "a@b", .address = "203.0.113.7", .device = {}};
  const Attempt known{.account = "a@b", .address = "203.0.113.7", .device = "device"};
  rules_.all.burst = 5;
  EXPECT_EQ(failures_until_refused(stranger, 100), 5);
  EXPECT_FALSE(limits_.refuse(known, rules_, start));
  EXPECT_EQ(failures_until_refused(known, 100), 10) << "a budget of its own, and one with an end";
  EXPECT_FALSE(limits_.refuse({.account = "a@b", .address = "203.0.113.7", .device = "another"}, rules_, start));
}

TEST_F(Limits, RequestsThatCostAMailHaveABudgetByBlock) {
  int taken = 0;
  while (taken < 1000 && !limits_.take_request("2001:db8:1:2::7", rules_, start)) ++taken;
  EXPECT_EQ(taken, 100);
  EXPECT_TRUE(limits_.take_request("2001:db8:1:2:ffff::1", rules_, start));
  EXPECT_FALSE(limits_.take_request("2001:db8:1:3::1", rules_, start));
}

TEST_F(Limits, BlocksAreWhatOneAttackerHasCheaply) {
  EXPECT_EQ(AttemptLimits::block_of("192.0.2.77"), "192.0.2.0/24");
  EXPECT_EQ(AttemptLimits::block_of("::ffff:192.0.2.77"), "192.0.2.0/24");
  EXPECT_EQ(AttemptLimits::block_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(AttemptLimits::block_of("unknown"), "unknown");
}

}  // namespace
}  // namespace jeton::issuer
