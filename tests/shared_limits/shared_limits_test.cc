// Gateways in three processes on a real server: what they let through together, and what happens when it is away.
#include "gateway/shared_limits/shared_limits.h"

#include "limits_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace jeton::gateway {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

class SharedLimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_STRNE(JETON_LIMITS_SERVER, "") << "needs valkey-server or redis-server; tools/install-dependencies test";
    server.start();
  }
  LimitsServer server;
};

constexpr const char* hundred = "1/h_burst_100";  // one regained in an hour: none during a test

// One request at a time, told before the next one: nobody has more than that to learn.
TEST_F(SharedLimitsTest, ThreeGatewaysLetThroughNoMoreThanOneEachBeyondTheLimit) {
  for (const std::string rate : {"100/day", hundred}) {
    Peer a(server), b(server), c(server);
    std::uint64_t allowed = 0;
    for (bool any = true; any;) {
      any = false;
      for (Peer* peer : {&a, &b, &c}) {
        const Charged charged = peer->charge("one" + rate.substr(0, 3).append(rate == hundred ? "r" : "q"), rate, 1);
        ASSERT_EQ(charged.unavailable, 0u);
        ASSERT_TRUE(peer->settle());
        allowed += charged.allowed;
        any = any || charged.allowed > 0;
      }
      ASSERT_LT(allowed, 200u);
    }
    EXPECT_GE(allowed, 100u);
    EXPECT_LE(allowed, 102u) << rate;
  }
}

// As fast as they can: burst + rate * T + (N - 1) * (burst + rate * lag), with the T and the lag that there were.
TEST_F(SharedLimitsTest, ThreeGatewaysAtFullSpeedStayWithinTheStatedOvershoot) {
  Peer a(server), b(server), c(server);
  const auto began = std::chrono::steady_clock::now();
  for (Peer* peer : {&a, &b, &c}) peer->begin("charge speed 500/s_burst_50 4000000");
  double allowed = 0, lag = 0;
  for (Peer* peer : {&a, &b, &c}) allowed += static_cast<double>(peer->end_charge().allowed);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  for (Peer* peer : {&a, &b, &c}) {
    ASSERT_TRUE(peer->settle());
    lag = std::max(lag, static_cast<double>(peer->counts().lag_max) * 1e-9);
  }
  const double bound = 50 + 500 * seconds + 2 * (50 + 500 * lag);
  EXPECT_LE(allowed, bound) << seconds << " s, lag " << lag << " s";
  EXPECT_GE(allowed, 100);
  RecordProperty("allowed", std::to_string(allowed));
  RecordProperty("bound", std::to_string(bound));
  RecordProperty("alone", std::to_string(3 * (50 + 500 * seconds)));
  RecordProperty("lag_seconds", std::to_string(lag));
}

TEST_F(SharedLimitsTest, AServerThatComesBackEmptyLearnsWhatTheGatewaysKnow) {
  Peer a(server);
  EXPECT_EQ(a.charge("r", hundred, 60).allowed, 60u);
  EXPECT_EQ(a.charge("q", "100/day", 60).allowed, 60u);
  ASSERT_TRUE(a.settle());
  server.kill();
  EXPECT_EQ(a.charge("r", hundred, 20).allowed, 20u);  // alone it goes on
  EXPECT_EQ(a.charge("q", "100/day", 20).allowed, 20u);
  EXPECT_TRUE(comes_true([&] { return a.counts().away == 1; }));
  server.start();
  ASSERT_TRUE(a.settle());
  EXPECT_EQ(a.counts().away, 0);

  Peer b(server);
  for (const auto& [name, rate] : {std::pair{"r", hundred}, std::pair{"q", "100/day"}}) {
    EXPECT_EQ(b.charge(name, rate, 1).allowed, 1u);
    ASSERT_TRUE(b.settle());
    EXPECT_EQ(b.charge(name, rate, 200).allowed, 19u) << name;
  }
}

TEST_F(SharedLimitsTest, AServerThatDoesNotAnswerHoldsNobodyUpAndCountsOnce) {
  Peer a(server);
  EXPECT_EQ(a.charge("r", hundred, 10).allowed, 10u);
  ASSERT_TRUE(a.settle());
  server.stop();
  EXPECT_EQ(a.charge("r", hundred, 10).allowed, 10u);
  const std::uint64_t faults = a.counts().faults;
  EXPECT_TRUE(comes_true([&] { return a.counts().faults > faults; }));  // it was sent, and no answer came
  EXPECT_EQ(a.charge("r", hundred, 10'000).allowed, 80u);
  server.go_on();
  ASSERT_TRUE(a.settle());

  // Sent again, and read twice by the server: 20 + 80, not 30 + 80.
  const std::string keys = server.ask({"KEYS", "jeton:r:*"});
  const std::string left = server.ask({"PTTL", keys.substr(0, keys.find('\n')).c_str()});
  EXPECT_LE(std::stoll(left), 100LL * 3600 * 1000 + 1000);
  EXPECT_GE(std::stoll(left), 99LL * 3600 * 1000);
}

TEST_F(SharedLimitsTest, WithRefuseNothingPassesWhileTheServerIsAway) {
  server.kill();
  Peer a(server, "refuse");
  EXPECT_EQ(a.charge("r", hundred, 5).unavailable, 5u);
  server.start();
  EXPECT_TRUE(comes_true([&] { return a.charge("r", hundred, 1).allowed == 1; }));
  ASSERT_TRUE(a.settle());
  server.stop();
  EXPECT_TRUE(comes_true([&] { return a.charge("r", "1000000/s", 1).unavailable == 1; }));
  server.go_on();
  EXPECT_TRUE(comes_true([&] { return a.charge("r", "1000000/s", 1).allowed == 1; }));
}

TEST_F(SharedLimitsTest, AForeignValueAtAKeyIsLeftAloneAndConcernsNobodyElse) {
  Peer a(server);
  EXPECT_EQ(a.charge("r", hundred, 1).allowed, 1u);
  ASSERT_TRUE(a.settle());
  const std::string keys = server.ask({"KEYS", "jeton:r:*"});
  const std::string key = keys.substr(0, keys.find('\n'));
  for (const auto& [command, value] : {std::pair{"LPUSH", "x"}, std::pair{"SET", "nan"}, std::pair{"SET", "text"}}) {
    server.ask({"DEL", key.c_str()});
    server.ask({command, key.c_str(), value});
    const std::uint64_t wrong = a.counts().wrong_keys;
    EXPECT_EQ(a.charge("r", hundred, 1).allowed, 1u);
    EXPECT_EQ(a.charge(std::string("other") + value, hundred, 10).allowed, 10u);
    ASSERT_TRUE(a.settle());
    EXPECT_GT(a.counts().wrong_keys, wrong) << value;
    EXPECT_EQ(a.counts().away, 0);
    EXPECT_EQ(server.ask({"TYPE", key.c_str()}), std::string(command) == "SET" ? "string" : "list");
    Peer b(server);
    EXPECT_EQ(b.charge(std::string("other") + value, hundred, 1).allowed, 1u);
    ASSERT_TRUE(b.settle());
    EXPECT_EQ(b.charge(std::string("other") + value, hundred, 200).allowed, 89u) << value;
  }
}

TEST_F(SharedLimitsTest, AFlushedScriptIsBroughtAgain) {
  Peer a(server), b(server);
  EXPECT_EQ(a.charge("r", hundred, 30).allowed, 30u);
  ASSERT_TRUE(a.settle());
  server.ask({"SCRIPT", "FLUSH"});
  EXPECT_EQ(a.charge("r", hundred, 30).allowed, 30u);
  ASSERT_TRUE(a.settle());
  EXPECT_EQ(a.counts().faults, 0u);
  EXPECT_EQ(b.charge("r", hundred, 1).allowed, 1u);
  ASSERT_TRUE(b.settle());
  EXPECT_EQ(b.charge("r", hundred, 200).allowed, 39u);
}

TEST_F(SharedLimitsTest, WhatIsLeftIsToldWhenAGatewayEnds) {
  {
    Peer a(server, "local", 50);
    EXPECT_EQ(a.charge("r", hundred, 70).allowed, 70u);
    EXPECT_EQ(a.charge("r", hundred, 10).allowed, 10u);
  }
  Peer b(server);
  EXPECT_EQ(b.charge("r", hundred, 1).allowed, 1u);
  ASSERT_TRUE(b.settle());
  EXPECT_EQ(b.charge("r", hundred, 200).allowed, 19u);
}

TEST_F(SharedLimitsTest, ManyCallersAtOnceAreAllTold) {
  RateLimiter a({}, LimitSeed::derived_from("s")), b({}, LimitSeed::derived_from("s"));
  platform::Metrics metrics_a, metrics_b;
  const auto steady = [] { return nanoseconds(std::chrono::steady_clock::now().time_since_epoch()); };
  const auto options = [&] {
    return SharedLimitsOptions{.connection = {.server = parse_server_address(server.address()).value()}};
  };
  SharedLimits shared_a(a, options(), steady, metrics_a), shared_b(b, options(), steady, metrics_b);
  const Rate rate = parse_rate("1/h burst 10").value();
  const auto charge_of = [&](std::uint64_t caller) {
    return Charge{.key = {.high = caller * 0x9E37'79B9'7F4A'7C15, .low = caller}, .rate = rate, .name = "n"};
  };
  constexpr std::uint64_t callers = 5'000;
  const auto each = [&](RateLimiter& limiter, int times) {
    std::uint64_t allowed = 0;
    for (std::uint64_t caller = 1; caller <= callers; ++caller) {
      const Charge charge = charge_of(caller);
      for (int i = 0; i < times; ++i) allowed += limiter.charge({&charge, 1}, steady(), UnixTime{}).allowed() ? 1 : 0;
    }
    return allowed;
  };
  EXPECT_EQ(each(a, 6), callers * 6);
  ASSERT_TRUE(shared_a.settle(60s));
  EXPECT_EQ(each(b, 1), callers);
  ASSERT_TRUE(shared_b.settle(60s));
  EXPECT_EQ(each(b, 9), callers * 3);
}

std::expected<Connection, std::string> connect(const LimitsServer& server, std::string_view password,
                                               std::string user = {}) {
  return Connection::open({.server = parse_server_address(server.address()).value(),
                           .user = std::move(user),
                           .password = SecretBytes::from_text(password)});
}

TEST(LimitsConnection, SaysItsPasswordAndNoFaultRepeatsIt) {
  LimitsServer server({"--requirepass", "correct horse"});
  server.start();
  EXPECT_TRUE(connect(server, "correct horse").has_value());
  EXPECT_TRUE(connect(server, "correct horse", "default").has_value());
  for (const char* wrong : {"", "battery staple"}) {
    const auto refused = connect(server, wrong);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().find("battery"), std::string::npos);
  }
  EXPECT_FALSE(connect(server, "correct horse", "nobody").has_value());
}

UnsentCount told_of(std::string_view rate, std::uint32_t count, nanoseconds since, nanoseconds ahead = {}) {
  return {
      .key = {1, 2}, .rate = parse_rate(rate).value(), .count = count, .since = since, .ahead = ahead, .day = 19'000};
}

TEST(LimitsConnection, ABatchCountsOnceHoweverOftenItIsSent) {
  LimitsServer server;
  server.start();
  Connection connection = connect(server, "").value();
  const nanoseconds now = 1h;
  const auto ahead = [&](std::uint64_t number, const UnsentCount& told) {
    const Batch batch{.number = number, .mark = "g", .told = {told}};
    return connection.exchange({&batch, 1}, now).value().at(0).at(0);
  };
  const auto hours = [](std::int64_t ns) { return (ns + nanoseconds(1min).count()) / nanoseconds(1h).count(); };
  EXPECT_EQ(hours(ahead(1, told_of("1/h burst 100", 5, now))), 5);
  EXPECT_EQ(hours(ahead(1, told_of("1/h burst 100", 5, now))), 5);
  EXPECT_EQ(hours(ahead(2, told_of("1/h burst 100", 5, now))), 10);
  EXPECT_EQ(ahead(3, told_of("10/day", 5, now)), 5);
  EXPECT_EQ(ahead(3, told_of("10/day", 5, now)), 5);
  EXPECT_EQ(ahead(4, told_of("10/day", 5, now)), 10);
}

TEST(LimitsConnection, WhatIsOwedHasAnEndAndWhatWasLateIsForgiven) {
  LimitsServer server;
  server.start();
  Connection connection = connect(server, "").value();
  const nanoseconds now = 1h;
  std::uint64_t number = 0;
  const auto hours_ahead = [&](const UnsentCount& told) {
    const Batch batch{.number = ++number, .mark = "g", .told = {told}};
    const std::int64_t ns = connection.exchange({&batch, 1}, now).value().at(0).at(0);
    return (ns + nanoseconds(1min).count()) / nanoseconds(1h).count();
  };
  EXPECT_EQ(hours_ahead(told_of("1/h burst 2", 1'000'000, now - 30min)), 2);  // late: one window
  EXPECT_EQ(hours_ahead(told_of("1/h burst 2", 1'000'000, now)), 17 * 2);     // at once: 16 more
  EXPECT_EQ(hours_ahead(told_of("1/h burst 2", 1'000'000, now)), 17 * 2);
  // A server without memory believes what the gateway knows.
  server.ask({"FLUSHALL"});
  EXPECT_EQ(hours_ahead(told_of("1/h burst 9", 2, now, 4h)), 6);
}

// The script against its rule in plain words, in hours: what little time passes during the test is rounded away.
TEST(LimitsConnection, TheScriptCountsAsItsRuleSays) {
  LimitsServer server;
  server.start();
  Connection connection = connect(server, "").value();
  constexpr std::int64_t window = 5, most_owed = 17 * window;
  std::mt19937_64 random(6379);
  std::array<std::int64_t, 3> full{}, counted{};
  for (std::uint64_t number = 1; number <= 300; ++number) {
    const nanoseconds now = 1000h;
    if (number % 60 == 0) {
      server.ask({"FLUSHDB"});
      full = counted = {};
    }
    Batch batch{.number = number, .mark = "g"};
    std::vector<std::int64_t> expected;
    for (std::size_t caller = 0; caller < full.size(); ++caller) {
      const auto count = static_cast<std::uint32_t>(1 + random() % (random() % 8 == 0 ? 200 : 4));
      const std::int64_t age = random() % 3 == 0 ? static_cast<std::int64_t>(1 + random() % 30) : 0;
      const std::int64_t ahead = random() % 4 == 0 ? static_cast<std::int64_t>(random() % most_owed) : 0;
      std::int64_t& here = full[caller];
      here = std::max(here, ahead);
      here = std::max(here, std::min(std::max(here, -age) + count, age == 0 ? most_owed : window));
      here = std::max<std::int64_t>(here, 0);
      expected.push_back(here);
      batch.told.push_back(told_of("1/h burst 5", count, now - std::chrono::hours(age), std::chrono::hours(ahead)));
      batch.told.back().key = {7, caller};
      const auto known = static_cast<std::int64_t>(random() % 4 == 0 ? random() % 50 : 0);
      counted[caller] = std::max(counted[caller], known) + count;
      expected.push_back(counted[caller]);
      batch.told.push_back(told_of("1000000/day", count, now));
      batch.told.back().key = {7, caller};
      batch.told.back().counted_on_day = static_cast<std::uint64_t>(known);
    }
    const BatchAnswer answer = connection.exchange({&batch, 1}, now).value().at(0);
    for (std::size_t i = 0; i < answer.size(); ++i) {
      const bool is_rate = i % 2 == 0;
      const std::int64_t told =
          is_rate ? (answer[i] + nanoseconds(30min).count()) / nanoseconds(1h).count() : answer[i];
      ASSERT_EQ(told, expected[i]) << "batch " << number << ", " << i;
    }
  }
}

}  // namespace
}  // namespace jeton::gateway
