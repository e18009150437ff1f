#include "store/suspicion_rule.h"

#include <gtest/gtest.h>

#include <array>

namespace jeton::store {
namespace {

using Bytes = std::vector<std::byte>;

Bytes v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return {static_cast<std::byte>(a), static_cast<std::byte>(b), static_cast<std::byte>(c), static_cast<std::byte>(d)};
}

const Bytes home = v4(192, 0, 2, 7), neighbour = v4(192, 0, 2, 200), away = v4(203, 0, 113, 9);
constexpr std::string_view agent = "Chrome/126;Linux";
constexpr SuspicionRules rules{.log = 30, .notify = 60, .login = 80, .end = 100};

Suspicion seen(std::string_view now_agent, const Bytes& now_address, bool repeats = false,
               std::optional<Fingerprint> before = std::nullopt, std::optional<Fingerprint> now = std::nullopt) {
  return suspect({agent, home, before}, {}, {now_agent, now_address, now}, repeats, rules);
}

TEST(Suspicion, TheSameDeviceIsNone) {
  EXPECT_EQ(seen(agent, home).score, 0U);
  EXPECT_EQ(seen("Chrome/131;Linux", home).score, 0U) << "a newer version is the same program";
  EXPECT_EQ(seen(agent, neighbour).score, 0U) << "the same network";
  EXPECT_EQ(seen(agent, home, true).score, 0U) << "another tab";
  EXPECT_EQ(seen(agent, home).action, SuspicionAction::none);
}

TEST(Suspicion, EachSignCountsForWhatIsStated) {
  const Fingerprint one{std::byte{1}}, other{std::byte{2}};
  EXPECT_EQ(seen(agent, home, false, one, other).score, 60U);
  EXPECT_EQ(seen(agent, home, false, one, std::nullopt).score, 60U);
  EXPECT_EQ(seen(agent, home, false, one, one).score, 0U);
  EXPECT_EQ(seen(agent, home, false, std::nullopt, one).score, 0U) << "there was none to compare with";
  EXPECT_EQ(seen("Firefox/127;Linux", home).score, 30U);
  EXPECT_EQ(seen("Chrome/126;Windows", home).score, 30U);
  EXPECT_EQ(seen("", home).score, 30U);
  EXPECT_EQ(seen(agent, away).score, 10U);
  EXPECT_EQ(seen("curl/8", away).score, 80U) << "both at once";
  EXPECT_EQ(seen(agent, away, true).score, 40U) << "two places";
  EXPECT_EQ(seen("curl/8", away, true).score, 110U);
  EXPECT_EQ(seen("curl/8", away, true, one, other).score, 170U);
  EXPECT_EQ(seen("curl/8", away, true, one, other).signs(), "fingerprint, agent, network, two places");
}

TEST(Suspicion, TheNetworkOfTheSignInIsHome) {
  EXPECT_EQ(suspect({agent, away}, home, {agent, neighbour}, false, rules).score, 0U);
  EXPECT_EQ(suspect({agent, away}, v4(198, 51, 100, 1), {agent, neighbour}, false, rules).score, 10U);
  EXPECT_TRUE(suspect({agent, away}, home, {agent, home}, true, rules).two_places) << "home, but at the same moment";
}

TEST(Suspicion, WhatIsNotKnownIsNoSign) {
  EXPECT_EQ(suspect({}, {}, {agent, home}, true, rules).score, 0U);
  EXPECT_EQ(suspect({agent, home}, {}, {agent, {}}, true, rules).score, 0U);
}

TEST(Suspicion, NetworksAreOfOneFamily) {
  Bytes six(16), near(16), far(16);
  six[5] = near[5] = std::byte{1};
  near[6] = std::byte{9};
  far[5] = std::byte{2};
  EXPECT_TRUE(same_network(six, near));
  EXPECT_FALSE(same_network(six, far));
  EXPECT_FALSE(same_network(six, home));
  EXPECT_FALSE(same_network({}, {}));
}

TEST(Suspicion, TheGravestThresholdThatIsReachedDecides) {
  EXPECT_EQ(action_for(29, rules), SuspicionAction::none);
  EXPECT_EQ(action_for(30, rules), SuspicionAction::log);
  EXPECT_EQ(action_for(60, rules), SuspicionAction::notify);
  EXPECT_EQ(action_for(80, rules), SuspicionAction::login);
  EXPECT_EQ(action_for(100, rules), SuspicionAction::end);
  EXPECT_EQ(action_for(1000, {}), SuspicionAction::none) << "0 is never";
  EXPECT_EQ(action_for(1000, {.notify = 60}), SuspicionAction::notify);
  EXPECT_FALSE(SuspicionRules{}.any());
}

}  // namespace
}  // namespace jeton::store
