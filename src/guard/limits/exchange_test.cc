#include "guard/limits/exchange.h"

#include "guard/limits/test_charge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr UnixTime noon = from_unix_seconds(1'700'000'000 / 86'400 * 86'400 + 43'200);
constexpr nanoseconds start = 1h;

struct Gateway {
  RateLimiter limiter{{.entries_max = 70}};
  LimitExchange exchange{limiter, [this] { ++woken; }};
  int woken = 0;

  bool passes(const Charge& charge, nanoseconds at, UnixTime wall = noon) {
    return limiter.charge({&charge, 1}, at, wall).allowed();
  }
  int passing(const Charge& charge, int tries, nanoseconds at, UnixTime wall = noon) {
    int passed = 0;
    for (int i = 0; i < tries; ++i) passed += passes(charge, at, wall) ? 1 : 0;
    return passed;
  }
  std::vector<UnsentCount> changes(nanoseconds at) {
    std::vector<UnsentCount> told;
    exchange.take_changes(told, 1'000, at);
    return told;
  }
};

TEST(LimitExchange, TellsWhatWasCountedOnce) {
  Gateway gateway;
  EXPECT_FALSE(gateway.exchange.has_changes());
  EXPECT_EQ(gateway.passing(charge_on(1, "10/s"), 20, start), 10);  // what was refused is not told
  EXPECT_EQ(gateway.passing(charge_on(2, "5/day"), 3, start + 1s), 3);
  EXPECT_TRUE(gateway.passes(charge_on(3, "5 concurrent"), start));
  EXPECT_TRUE(gateway.exchange.has_changes());
  const auto told = gateway.changes(start + 1s);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].count, 10u);
  EXPECT_EQ(told[0].since, start);
  EXPECT_EQ(told[0].ahead, 0s);
  EXPECT_EQ(told[1].count, 3u);
  EXPECT_EQ(told[1].counted_on_day, 0u);
  EXPECT_EQ(told[1].day, noon.time_since_epoch() / 24h);
  EXPECT_TRUE(gateway.changes(start + 1s).empty());
  EXPECT_FALSE(gateway.exchange.has_changes());
  EXPECT_TRUE(gateway.passes(charge_on(2, "5/day"), start));
  const auto later = gateway.changes(start + 1s);
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].count, 1u);
  EXPECT_EQ(later[0].counted_on_day, 3u);
}

TEST(LimitExchange, TellsWhatIsKnownWithoutWhatItTells) {
  Gateway gateway;
  const Charge rate = charge_on(1, "1/s burst 100");
  EXPECT_EQ(gateway.passing(rate, 3, start), 3);
  const auto first = gateway.changes(start);
  EXPECT_EQ(first.at(0).ahead, 0s);
  gateway.exchange.learn_ahead(first[0], 40s, start);
  EXPECT_EQ(gateway.passing(rate, 3, start + 2s), 3);
  const auto second = gateway.changes(start + 2s);
  EXPECT_EQ(second.at(0).ahead, 38s);
  EXPECT_EQ(second.at(0).count, 3u);
}

TEST(LimitExchange, ACallerIsNotedOnceHoweverMuchItDoes) {
  Gateway gateway;
  const Charge rate = charge_on(1, "1000000/s");
  EXPECT_EQ(gateway.passing(rate, 100'000, start), 100'000);
  EXPECT_EQ(gateway.exchange.counts().deferred, 0u);
  EXPECT_EQ(gateway.changes(start).at(0).count, 100'000u);
}

TEST(LimitExchange, WhoseCountsAreNotToldIsNotForgottenBeforeOthers) {
  RateLimiter limiter({.entries_max = 1});
  LimitExchange exchange(limiter, [] {});
  const auto charge = [&](std::uint64_t caller, nanoseconds at) {
    const Charge one = charge_on(caller, "10/s");
    return limiter.charge({&one, 1}, at, noon).allowed();
  };
  std::vector<UnsentCount> told;
  for (std::uint64_t caller = 1; caller <= 6; ++caller) EXPECT_TRUE(charge(caller, start));
  exchange.take_changes(told, 100, start);
  EXPECT_EQ(told.size(), 6u);
  EXPECT_TRUE(charge(7, start) && charge(7, start));
  // All seven have regained all by now; the seventh is not told yet.
  for (std::uint64_t caller = 8; caller <= 30; ++caller) EXPECT_TRUE(charge(caller, start + 1h));
  told.clear();
  exchange.take_changes(told, 100, start + 1h);
  ASSERT_EQ(told.size(), 7u);
  EXPECT_EQ(told[0].count, 2u);
}

TEST(LimitExchange, WhatOthersCountedIsCountedHere) {
  Gateway gateway;
  const Charge rate = charge_on(1, "1/h burst 10"), quota = charge_on(2, "10/day");
  EXPECT_EQ(gateway.passing(rate, 2, start) + gateway.passing(quota, 2, start), 4);
  const auto told = gateway.changes(start);
  EXPECT_TRUE(gateway.passes(rate, start));  // not told yet, and not among the seven
  gateway.exchange.learn_ahead(told[0], 7h, start);
  gateway.exchange.learn_count(told[1], 7);
  EXPECT_EQ(gateway.passing(rate, 20, start), 2);
  EXPECT_EQ(gateway.passing(quota, 20, start), 3);
  // What is learned takes nothing back.
  gateway.exchange.learn_ahead(told[0], 0h, start);
  gateway.exchange.learn_count(told[1], 0);
  EXPECT_EQ(gateway.passing(rate, 20, start) + gateway.passing(quota, 20, start), 0);
}

TEST(LimitExchange, WhatIsOwedIsWaitedFor) {
  Gateway gateway;
  const Charge rate = charge_on(1, "10/s burst 10");
  EXPECT_TRUE(gateway.passes(rate, start));
  const auto told = gateway.changes(start);
  gateway.exchange.learn_ahead(told[0], 3s, start);
  const auto refused = gateway.limiter.charge({&rate, 1}, start, noon);
  EXPECT_EQ(refused.retry_after(), 3s);  // 2.1 s, rounded up
  EXPECT_EQ(refused.statuses()[0].remaining, 0u);
  EXPECT_FALSE(gateway.passes(rate, start + 2'099ms));
  EXPECT_EQ(gateway.passing(rate, 9, start + 2'100ms), 1);
  gateway.exchange.learn_ahead(told[0], 24h, start);  // nobody owes more than 16 windows and one
  EXPECT_EQ(gateway.passing(rate, 9, start + 16'099ms), 0);
  EXPECT_EQ(gateway.passing(rate, 9, start + 16'100ms), 1);
}

TEST(LimitExchange, WhatWasLearnedOfAnotherDayIsNotOfThisOne) {
  Gateway gateway;
  const Charge quota = charge_on(1, "10/day");
  EXPECT_TRUE(gateway.passes(quota, start));
  const auto told = gateway.changes(start);
  EXPECT_TRUE(gateway.passes(quota, start, noon + 24h));
  gateway.exchange.learn_count(told[0], 10);
  EXPECT_EQ(gateway.passing(quota, 20, start, noon + 24h), 9);
}

TEST(LimitExchange, ClosedItIsUnavailableAndChargesNothing) {
  Gateway gateway;
  const Charge rate = charge_on(1, "2/h");
  gateway.exchange.set_open(false);
  const auto result = gateway.limiter.charge({&rate, 1}, start, noon);
  EXPECT_EQ(result.verdict(), LimitVerdict::unavailable);
  EXPECT_EQ(result.retry_after(), 1s);
  EXPECT_TRUE(result.statuses().empty());
  gateway.exchange.set_open(true);
  EXPECT_EQ(gateway.passing(rate, 9, start), 2);
}

TEST(LimitExchange, WakesOnceWhenItWasAskedTo) {
  Gateway gateway;
  EXPECT_TRUE(gateway.passes(charge_on(1, "9/s"), start));
  EXPECT_EQ(gateway.woken, 0);
  EXPECT_FALSE(gateway.exchange.sleep_until_changes());  // there is something already
  (void)gateway.changes(start);
  EXPECT_TRUE(gateway.exchange.sleep_until_changes());
  EXPECT_EQ(gateway.passing(charge_on(1, "9/s"), 3, start), 3);
  EXPECT_EQ(gateway.woken, 1);
}

TEST(LimitExchange, ACallerWhoWasForgottenBeforeItWasToldIsCounted) {
  RateLimiter limiter({.entries_max = 1});
  LimitExchange exchange(limiter, [] {});
  for (std::uint64_t caller = 1; caller <= 20; ++caller) {
    const Charge charge = charge_on(caller, "1/s");
    EXPECT_TRUE(limiter.charge({&charge, 1}, start, noon).allowed());
  }
  std::vector<UnsentCount> told;
  exchange.take_changes(told, 100, start);
  EXPECT_EQ(told.size(), 7u);
  EXPECT_EQ(exchange.counts().forgotten, 13u);
}

// The server as its script has it, in nanoseconds.
struct Server {
  std::int64_t full_at = 0;
  std::int64_t tell(const UnsentCount& told, std::int64_t sent, std::int64_t now) {
    const std::int64_t interval = told.rate.interval().count();
    const std::int64_t window = interval * static_cast<std::int64_t>(told.rate.burst());
    const std::int64_t age = sent - told.since.count();
    const std::int64_t most = now + window * (age < 1'000'000'000 ? 1 + LimitExchange::debt_windows : 1);
    full_at = std::max(std::min(full_at, now + window * (1 + LimitExchange::debt_windows)), now + told.ahead.count());
    full_at = std::max(full_at, std::min(std::max(full_at, now - age) + interval * std::int64_t{told.count}, most));
    return std::max<std::int64_t>(full_at - now, 0);
  }
};

// One gateway and what is under way between it and the server.
struct Talking {
  Gateway gateway;
  std::vector<UnsentCount> under_way;
  std::int64_t sent = 0, arrives = 0, answered = 0, ahead = -1;
};

// Gateways with a server between them, its network slow and uneven, and a client that seeks what it can get: the stated
// overshoot is what a bucket of burst + (N - 1) * (burst + rate * lag) would let through, at every moment.
TEST(LimitExchange, TogetherTheyStayWithinTheStatedOvershoot) {
  std::mt19937_64 random(23'114);
  std::int64_t worst = 0;
  for (int run = 0; run < 24; ++run) {
    const std::size_t count = 2 + random() % 4;
    const Charge charge = charge_on(1, std::array{"100/s burst 20", "1000/s burst 5", "10/s burst 50"}[random() % 3]);
    const std::int64_t interval = charge.rate.interval().count();
    const std::int64_t window = interval * static_cast<std::int64_t>(charge.rate.burst());
    std::vector<std::unique_ptr<Talking>> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<Talking>());
    Server server;
    std::int64_t now = nanoseconds(start).count(), full_at = 0, lag = 0, over = 0, admitted = 0;
    const std::int64_t began = now;
    for (int step = 0; step < 20'000; ++step) {
      now += static_cast<std::int64_t>(random() % 2'000'000);
      // The client asks all of them, one for a while, or rests.
      const std::uint64_t mood = static_cast<std::uint64_t>(now / 700'000'000) % 4;
      for (std::size_t i = 0; i < count; ++i) {
        Talking& one = *all[i];
        const bool is_asked = mood == 0 || (mood < 3 && static_cast<std::uint64_t>(now / 90'000'000) % count == i);
        for (std::uint64_t tries = is_asked ? random() % 40 : 0; tries > 0; --tries) {
          if (!one.gateway.passes(charge, nanoseconds(now))) continue;
          full_at = std::max(full_at, now) + interval;
          over = std::max(over, full_at - now - window);
          ++admitted;
        }
        if (!one.under_way.empty() && one.ahead < 0 && now >= one.arrives)
          one.ahead = server.tell(one.under_way[0], one.sent, now);
        if (one.ahead >= 0 && now >= one.answered) {
          one.gateway.exchange.learn_ahead(one.under_way[0], nanoseconds(one.ahead), nanoseconds(one.sent));
          lag = std::max(lag, now - one.under_way[0].since.count());
          one.under_way.clear();
          one.ahead = -1;
        }
        if (one.under_way.empty() && random() % 8 == 0) {
          one.under_way = one.gateway.changes(nanoseconds(now));
          one.sent = now;
          one.arrives = now + static_cast<std::int64_t>(random() % 5'000'000);
          one.answered = one.arrives + static_cast<std::int64_t>(random() % 5'000'000);
        }
      }
    }
    const auto others = static_cast<std::int64_t>(count) - 1;
    const std::int64_t stated = others * (window + lag);
    ASSERT_LE(over, stated) << "run " << run << ", " << count << " gateways, lag " << lag;
    worst = std::max(worst, over * 100 / stated);
    // The mean is the rate: nothing is given for good. And it is given: a limit is no wall.
    ASSERT_LE(admitted * interval, now - began + window + stated);
    ASSERT_GE(admitted * interval, (now - began) / 4);
  }
  EXPECT_GT(worst, 30);  // what is stated is near to what can be
}

TEST(LimitExchange, ThreadsChargeWhileOneTells) {
  RateLimiter limiter({.entries_max = 700});
  LimitExchange exchange(limiter, [] {});
  std::atomic<int> charging{3};
  std::atomic<std::uint64_t> allowed{0};
  std::uint64_t told_count = 0;
  const auto tell = [&] {
    std::vector<UnsentCount> told;
    exchange.take_changes(told, 64, start);
    for (const UnsentCount& one : told) {
      told_count += one.count;
      exchange.learn_ahead(one, one.ahead, start);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&] {
        for (std::uint64_t i = 0; i < 6'000; ++i) {
          const Charge charge = charge_on(1 + i % 50, "1/h burst 300");
          allowed += limiter.charge({&charge, 1}, start, noon).allowed() ? 1 : 0;
        }
        --charging;
      });
    }
    while (charging > 0) tell();
  }
  while (exchange.has_changes()) tell();
  EXPECT_EQ(allowed, 50u * 300);
  EXPECT_EQ(told_count, 50u * 300);
}

}  // namespace
}  // namespace jeton
