#include "guard/limits/test_charge.h"

#include <jeton/rate_limit.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr UnixTime noon = from_unix_seconds(1'700'000'000 / 86'400 * 86'400 + 43'200);
constexpr nanoseconds start = 1h;

bool passes(RateLimiter& limiter, const Charge& charge, nanoseconds at, UnixTime wall = noon) {
  return limiter.charge({&charge, 1}, at, wall).allowed();
}
int passing(RateLimiter& limiter, const Charge& charge, int tries, nanoseconds at, UnixTime wall = noon) {
  int passed = 0;
  for (int i = 0; i < tries; ++i) passed += passes(limiter, charge, at, wall) ? 1 : 0;
  return passed;
}

TEST(RateLimiter, ABurstAndThenTheRate) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "10/s burst 3");
  EXPECT_EQ(passing(limiter, charge, 10, start), 3);
  EXPECT_FALSE(passes(limiter, charge, start + 99'999'999ns));
  EXPECT_TRUE(passes(limiter, charge, start + 100ms));
  EXPECT_FALSE(passes(limiter, charge, start + 100ms));
  EXPECT_EQ(passing(limiter, charge, 10, start + 10s), 3);
  EXPECT_TRUE(passes(limiter, charge_on(2, "10/s burst 3"), start));  // somebody else
}

TEST(RateLimiter, SaysWhatRemainsAndWhenToComeAgain) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "6/min burst 2", "audio");
  const auto first = limiter.charge({&charge, 1}, start, noon);
  EXPECT_EQ(first.statuses()[0].remaining, 1u);
  EXPECT_EQ(first.retry_after(), 0s);
  EXPECT_TRUE(passes(limiter, charge, start));
  const auto refused = limiter.charge({&charge, 1}, start + 500ms, noon);
  EXPECT_EQ(refused.verdict(), LimitVerdict::over_limit);
  EXPECT_EQ(refused.statuses()[0].remaining, 0u);
  EXPECT_TRUE(refused.statuses()[0].refused);
  EXPECT_EQ(refused.retry_after(), 10s);  // 9.5 s, rounded up
  EXPECT_FALSE(passes(limiter, charge, start + 9s));
  EXPECT_TRUE(passes(limiter, charge, start + 500ms + refused.retry_after()));
  const Charge other = charge_on(2, "6/min burst 3");
  EXPECT_TRUE(passes(limiter, other, start));
  const auto second = limiter.charge({&other, 1}, start + 4s, noon);
  EXPECT_EQ(second.statuses()[0].remaining, 1u);
  EXPECT_EQ(second.statuses()[0].next, 6s);  // 4 s of ten are over
}

TEST(RateLimiter, FieldsAreThoseOfTheDraft) {
  RateLimiter limiter;
  const std::array charges{charge_on(1, "600/min", "au\"dio"), charge_on(1'000, "10000/day", "daily"),
                           charge_on(2'000, "4 concurrent", "streams")};
  auto result = limiter.charge(charges, start, noon + 1s);
  std::string policy, limit;
  result.append_policy(policy);
  result.append_rate_limit(limit);
  EXPECT_EQ(policy, R"("au\"dio";q=600;w=60, "daily";q=10000;w=86400, "streams";q=4;qu="concurrent-requests")");
  EXPECT_EQ(limit, R"("au\"dio";r=599;t=1, "daily";r=9999;t=43199, "streams";r=3)");
}

TEST(RateLimiter, AllChargesOrNone) {
  RateLimiter limiter;
  const Charge wide = charge_on(1, "10/s"), narrow = charge_on(2, "1/s"), running = charge_on(3, "5 concurrent");
  const std::array both{wide, running, narrow};
  auto first = limiter.charge(both, start, noon);
  EXPECT_TRUE(first.allowed());
  for (int i = 0; i < 20; ++i) {
    const auto refused = limiter.charge(both, start, noon);
    ASSERT_FALSE(refused.allowed());
    EXPECT_EQ(refused.statuses()[0].remaining, 9u);  // as before: nothing was taken
    EXPECT_FALSE(refused.statuses()[0].refused);
    EXPECT_EQ(refused.statuses()[1].remaining, 4u);
    EXPECT_TRUE(refused.statuses()[2].refused);
  }
  EXPECT_EQ(passing(limiter, wide, 20, start), 9);
  EXPECT_EQ(limiter.counts().refused, 31u);
}

TEST(RateLimiter, OfSeveralWaitsTheLongestIsSaid) {
  RateLimiter limiter;
  const Charge brief = charge_on(1, "1/s"), lasting = charge_on(2, "1/h");
  EXPECT_TRUE(limiter.charge(std::array{brief, lasting}, start, noon).allowed());
  EXPECT_EQ(limiter.charge(std::array{brief, lasting}, start, noon).retry_after(), 1h);
  EXPECT_EQ(limiter.charge(std::array{lasting, brief}, start, noon).retry_after(), 1h);
}

TEST(RateLimiter, ARefusalLeavesNoTraceOfANewCaller) {
  RateLimiter limiter;
  const Charge full = charge_on(1, "1/h"), fresh = charge_on(2, "2/h");
  EXPECT_TRUE(passes(limiter, full, start));
  EXPECT_FALSE(limiter.charge(std::array{fresh, full}, start, noon).allowed());
  EXPECT_EQ(passing(limiter, fresh, 5, start), 2);
}

TEST(RateLimiter, TheSameLimitTwiceIsChargedTwice) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "3/h");
  EXPECT_TRUE(limiter.charge(std::array{charge, charge}, start, noon).allowed());
  const auto refused = limiter.charge(std::array{charge, charge}, start, noon);
  EXPECT_FALSE(refused.allowed());
  EXPECT_GE(refused.retry_after(), 1s);
  EXPECT_TRUE(passes(limiter, charge, start));
}

TEST(RateLimiter, NoChargesAreAllowed) {
  RateLimiter limiter;
  EXPECT_TRUE(limiter.charge({}, start, noon).allowed());
}

TEST(RateLimiter, AQuotaEndsWithTheDay) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "3/day");
  EXPECT_EQ(passing(limiter, charge, 9, start, noon), 3);
  EXPECT_EQ(passing(limiter, charge, 9, start + 11h, noon + 11h + 59min + 59s), 0);
  const auto refused = limiter.charge({&charge, 1}, start, noon + 11h + 59min);
  EXPECT_GE(refused.retry_after(), 60s);
  EXPECT_LT(refused.retry_after(), 120s);
  EXPECT_EQ(passing(limiter, charge, 9, start, noon + 12h), 3);
}

TEST(RateLimiter, AQuotaThatWasLoweredCountsWhatWasUsed) {
  RateLimiter limiter;
  EXPECT_EQ(passing(limiter, charge_on(1, "10/day"), 5, start), 5);
  EXPECT_EQ(passing(limiter, charge_on(1, "3/day"), 5, start), 0);
  EXPECT_EQ(passing(limiter, charge_on(1, "6/day"), 5, start), 1);
}

TEST(RateLimiter, PlacesOfRequestsUnderWayAreGivenBack) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "2 concurrent");
  const auto begin = [&] { return limiter.charge({&charge, 1}, start, noon); };
  Running first = begin().take_running();
  EXPECT_EQ(first.places(), 1u);
  {
    const auto second = begin();  // the result holds it until it is taken
    EXPECT_TRUE(second.allowed());
    const auto refused = begin();
    EXPECT_FALSE(refused.allowed());
    EXPECT_EQ(refused.retry_after(), 1s);
  }
  Running again = begin().take_running();
  EXPECT_FALSE(begin().allowed());
  first.end();
  first.end();
  EXPECT_TRUE(begin().allowed());
  Running moved = std::move(again);
  again = Running();
  EXPECT_EQ(moved.places(), 1u);
  moved = begin().take_running();
  EXPECT_TRUE(begin().allowed());
}

// What a clock says is not believed: no time passes when it goes back, and nobody pays for its mistakes for longer than
// a window.
TEST(RateLimiter, AClockThatGoesBackGivesNothingAndTakesNoMoreThanAWindow) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "10/s burst 5");
  EXPECT_EQ(passing(limiter, charge, 9, start), 5);
  EXPECT_EQ(passing(limiter, charge, 9, start - 30min), 0);
  EXPECT_EQ(passing(limiter, charge, 9, start - 30min + 500ms), 5);
  // A thread that looked at the clock a moment before another one sees nothing of that.
  EXPECT_EQ(passing(limiter, charge, 9, start), 5);
  EXPECT_EQ(passing(limiter, charge, 9, start - 200ms), 0);
  EXPECT_EQ(passing(limiter, charge, 9, start + 99ms), 0);
  EXPECT_EQ(passing(limiter, charge, 9, start + 100ms), 1);
  for (const nanoseconds lie : {nanoseconds::min(), nanoseconds{-1}, nanoseconds{0}, nanoseconds::max()})
    EXPECT_LE(passing(limiter, charge, 9, lie), 5);
}

TEST(RateLimiter, ADayThatComesAgainGoesOn) {
  RateLimiter limiter;
  const Charge charge = charge_on(1, "4/day");
  const UnixTime midnight = noon + 12h;
  EXPECT_EQ(passing(limiter, charge, 2, start, midnight - 1s), 2);
  EXPECT_EQ(passing(limiter, charge, 2, start, midnight), 2);
  EXPECT_EQ(passing(limiter, charge, 9, start, midnight - 1s), 2);  // counted for the new day
  EXPECT_EQ(passing(limiter, charge, 9, start, midnight), 0);
  // A clock that was years ahead: what was counted goes on today, and tomorrow is a new day.
  const Charge far = charge_on(2, "4/day");
  EXPECT_EQ(passing(limiter, far, 3, start, noon + 24h * 4000), 3);
  EXPECT_EQ(passing(limiter, far, 9, start, noon), 1);
  EXPECT_EQ(passing(limiter, far, 9, start, noon + 24h), 4);
  for (const UnixTime lie : {UnixTime::min(), from_unix_seconds(-1), from_unix_seconds(0), UnixTime::max()})
    EXPECT_LE(passing(limiter, far, 9, start, lie), 4);
}

// GCRA against a token bucket that is simulated plainly: tokens as a sum of nanoseconds, refilled at every step.
TEST(RateLimiter, DecidesAsATokenBucketDoes) {
  struct Bucket {
    std::int64_t credit, at;
  };
  constexpr std::array texts{"10/s",        "10/s burst 1",      "7/min burst 20",
                             "1/h burst 3", "1000000/s burst 5", "3/s burst 100"};
  std::mt19937_64 random(20'231'114);
  RateLimiter limiter({.entries_max = 64 * 1024});
  std::map<std::pair<std::size_t, std::uint64_t>, Bucket> buckets;
  std::int64_t now = nanoseconds(start).count();
  int allowed = 0;
  for (int step = 0; step < 200'000; ++step) {
    const std::size_t kind = random() % texts.size();
    const std::uint64_t caller = random() % 5;
    const Charge charge = charge_on(1 + kind * 100 + caller, texts[kind]);
    const std::int64_t interval = charge.rate.interval().count();
    const std::int64_t full = interval * static_cast<std::int64_t>(charge.rate.burst());
    switch (random() % 16) {  // a little, as for the quick ones, about an interval; mostly not at all
      case 1: now += static_cast<std::int64_t>(random() % 1'000); break;
      case 2: now += static_cast<std::int64_t>(random() % 200'000'000); break;
      case 3: now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(interval)); break;
      default: break;
    }
    Bucket& bucket = buckets.try_emplace({kind, caller}, Bucket{full, now}).first->second;
    bucket.credit = std::min(full, bucket.credit + (now - bucket.at));
    bucket.at = now;
    const bool expected = bucket.credit >= interval;
    if (expected) bucket.credit -= interval;
    const auto result = limiter.charge({&charge, 1}, nanoseconds(now), noon);
    ASSERT_EQ(result.allowed(), expected) << step << ' ' << texts[kind];
    ASSERT_EQ(result.statuses()[0].remaining, static_cast<std::uint64_t>(bucket.credit / interval)) << step;
    allowed += expected ? 1 : 0;
  }
  EXPECT_GT(allowed, 20'000);
  EXPECT_LT(allowed, 180'000);
  EXPECT_EQ(limiter.counts().evictions, 0u);
}

// All three kinds, several at once, callers that come twice in one request, places given back, days that pass: against
// what each is in plain words.
TEST(RateLimiter, DecidesAsThePlainWordsSay) {
  struct Plain {
    Rate rate;
    std::int64_t credit = 0, at = 0;    // rate
    std::int64_t day = 0, counted = 0;  // quota
    std::uint64_t running = 0;          // concurrent
    std::uint64_t remaining(std::int64_t now, std::int64_t today) {
      if (rate.kind() == LimitKind::rate) {
        const std::int64_t full = rate.interval().count() * static_cast<std::int64_t>(rate.burst());
        credit = std::min(full, credit + (now - at));
        at = now;
        return static_cast<std::uint64_t>(credit / rate.interval().count());
      }
      if (rate.kind() == LimitKind::concurrent) return rate.count() - running;
      if (std::exchange(day, today) != today) counted = 0;
      return rate.count() - static_cast<std::uint64_t>(counted);
    }
    void take(std::int64_t sign) {
      credit -= sign * rate.interval().count();
      counted += sign;
      running += static_cast<std::uint64_t>(sign);
    }
  };
  std::mt19937_64 random(1'114);
  RateLimiter limiter;
  std::vector<Charge> charges;
  std::vector<Plain> plain;
  std::int64_t now = nanoseconds(start).count();
  UnixTime wall = noon;
  for (const char* text : {"5/s", "20/min burst 3", "9/day", "40/day", "2 concurrent", "7 concurrent", "3/s burst 1"}) {
    charges.push_back(charge_on(1'000 + charges.size(), text, text));
    plain.push_back({.rate = charges.back().rate});
    plain.back().credit = std::int64_t{1} << 60;
    plain.back().at = now;
  }
  std::vector<std::pair<std::vector<std::size_t>, Running>> under_way;
  int allowed = 0, refused = 0;
  for (int step = 0; step < 60'000; ++step) {
    const auto passed = static_cast<std::int64_t>(random() % 3 == 0 ? random() % 400'000'000 : 0);
    now += passed;
    if (random() % 500 == 0) wall += 1h;
    const std::int64_t today = wall.time_since_epoch() / 24h;
    std::vector<std::size_t> which(1 + random() % 4);
    for (std::size_t& one : which) one = random() % charges.size();
    std::size_t taken = 0;
    while (taken < which.size() && plain[which[taken]].remaining(now, today) > 0) plain[which[taken++]].take(1);
    const bool expected = taken == which.size();
    for (std::size_t i = 0; !expected && i < taken; ++i) plain[which[i]].take(-1);

    std::vector<Charge> asked;
    for (const std::size_t one : which) asked.push_back(charges[one]);
    auto result = limiter.charge(asked, nanoseconds(now), wall);
    ASSERT_EQ(result.allowed(), expected) << step;
    for (std::size_t i = 0; i < which.size(); ++i)
      ASSERT_EQ(result.statuses()[i].remaining, plain[which[i]].remaining(now, today)) << step << ' ' << asked[i].name;
    (expected ? allowed : refused) += 1;
    if (expected) under_way.emplace_back(which, result.take_running());
    while (!under_way.empty() && random() % 2 == 0) {
      std::swap(under_way[random() % under_way.size()], under_way.back());
      auto& [ended, running] = under_way.back();
      for (const std::size_t one : ended) {
        if (plain[one].rate.kind() == LimitKind::concurrent) plain[one].running -= 1;
      }
      running.end();
      under_way.pop_back();
    }
  }
  EXPECT_GT(allowed, 5'000);
  EXPECT_GT(refused, 5'000);
}

// One set of seven: whoever makes room is the one of whom the least is remembered, whatever the others' rates are.
TEST(RateLimiter, AFloodOfNewCallersDoesNotResetOneWhoIsOverTheLimit) {
  RateLimiter limiter({.entries_max = 1});
  const Charge heavy = charge_on(1, "600/min burst 100");
  EXPECT_EQ(passing(limiter, heavy, 200, start), 100);
  for (std::uint64_t caller = 2; caller < 2'000; ++caller)
    EXPECT_TRUE(passes(limiter, charge_on(caller, "1/h"), start));
  EXPECT_FALSE(passes(limiter, heavy, start));
  EXPECT_GE(limiter.counts().evictions, 1'900u);
  // Six others that did more each: it costs more than it gives.
  for (std::uint64_t caller = 3'000; caller < 3'007; ++caller)
    EXPECT_EQ(passing(limiter, charge_on(caller, "600/min burst 150"), 150, start), 150);
  EXPECT_TRUE(passes(limiter, heavy, start));
}

TEST(RateLimiter, CallersKnownByAddressAloneDoNotPushOutOthers) {
  RateLimiter limiter({.entries_max = 1, .address_entries_max = 1});
  const Charge by_token = charge_on(1, "1/h");
  EXPECT_TRUE(passes(limiter, by_token, start));
  for (std::uint64_t caller = 2; caller < 200; ++caller) {
    Charge charge = charge_on(caller, "50/h");
    charge.by_address = true;
    EXPECT_EQ(passing(limiter, charge, 50, start), 50);
  }
  EXPECT_FALSE(passes(limiter, by_token, start));
}

TEST(RateLimiter, RequestsUnderWayAreNeverForgotten) {
  RateLimiter limiter({.entries_max = 1});
  std::vector<Running> running;
  for (std::uint64_t caller = 1; caller <= 7; ++caller) {
    const Charge charge = charge_on(caller, "1 concurrent");
    auto result = limiter.charge({&charge, 1}, start, noon);
    ASSERT_TRUE(result.allowed());
    running.push_back(result.take_running());
  }
  const Charge newcomer = charge_on(8, "10/s");
  const auto refused = limiter.charge({&newcomer, 1}, start, noon);
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(refused.retry_after(), 1s);
  EXPECT_EQ(limiter.counts().crowded, 1u);
  running.pop_back();
  EXPECT_TRUE(passes(limiter, newcomer, start));
  for (std::uint64_t caller = 1; caller <= 6; ++caller)
    EXPECT_FALSE(passes(limiter, charge_on(caller, "1 concurrent"), start));
}

TEST(RateLimiter, ManyThreadsTogetherGetWhatOneWouldGet) {
  RateLimiter limiter({.entries_max = 70});
  const std::array charges{charge_on(1, "1000/h"), charge_on(2, "1500/h"), charge_on(3, "700/day"),
                           charge_on(4, "3 concurrent")};
  std::atomic<int> first{0}, second{0}, running{0}, most_running{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 2'000; ++i) {
          // In another order on every thread: no two wait for one another.
          const std::array mine = thread % 2 == 0 ? std::array{charges[0], charges[2], charges[3]}
                                                  : std::array{charges[3], charges[2], charges[1]};
          auto result = limiter.charge(mine, start, noon);
          if (!result.allowed()) continue;
          (thread % 2 == 0 ? first : second) += 1;
          int now_running = ++running;
          for (int most = most_running; now_running > most && !most_running.compare_exchange_weak(most, now_running);) {
          }
          --running;
          result.take_running().end();
        }
      });
    }
  }
  EXPECT_EQ(first + second, 700);
  EXPECT_LE(most_running, 3);
  EXPECT_EQ(passing(limiter, charges[0], 2'000, start), 1000 - first);
  EXPECT_EQ(passing(limiter, charges[1], 2'000, start), 1500 - second);
  EXPECT_TRUE(passes(limiter, charges[3], start));
}

}  // namespace
}  // namespace jeton
