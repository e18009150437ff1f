#include "guard/limits/test_charge.h"

#include <jeton/rate_limit.h>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace jeton {
namespace {

Rate rate(std::string_view text) { return parse_rate(text).value(); }
const LimitSeed seed = LimitSeed::derived_from("a seed");

Charge charged(const LimitRule& rule, const VerifiedToken* token, std::string_view address = "192.0.2.1") {
  return charge_for(rule, token, address, seed).value();
}
Errc refusal(const LimitRule& rule, const VerifiedToken* token) {
  const auto charge = charge_for(rule, token, "192.0.2.1", seed);
  return charge.has_value() ? Errc{} : charge.error().code;
}

// mission row 24: the rate is that of the plan in the token; nothing else is asked.
TEST(LimitRule, ThePlanInTheTokenSaysTheRate) {
  const LimitRule rule{
      .name = "audio",
      .allowance = PlanRates{{{"free", rate("60/min")}, {"premium", rate("600/min")}, {"family", rate("1200/min")}}}};
  const auto rate_of = [&](std::string_view rest) {
    const VerifiedToken token = limited_token(rest);
    return charged(rule, &token).rate.text();
  };
  EXPECT_EQ(rate_of(R"(,"sub":"u","plan":"premium")"), "600/min");
  EXPECT_EQ(rate_of(R"(,"sub":"u","plan":"family")"), "1200/min");
  EXPECT_EQ(rate_of(R"(,"sub":"u","plan":["free","premium"])"), "600/min");
}

TEST(LimitRule, APlanThatIsNotListedIsRefusedOrHasTheOtherRate) {
  LimitRule rule{.name = "audio", .allowance = PlanRates{{{"premium", rate("600/min")}}}};
  for (const std::string_view rest : {R"(,"sub":"u","plan":"pro")", R"(,"sub":"u")", R"(,"sub":"u","plan":7)",
                                      R"(,"sub":"u","plan":"Premium")", R"(,"sub":"u","plan":[["premium"]])"}) {
    const VerifiedToken token = limited_token(rest);
    rule.otherwise.reset();
    EXPECT_EQ(refusal(rule, &token), Errc::insufficient_plan) << rest;
    rule.otherwise = rate("10/min");
    EXPECT_EQ(charged(rule, &token).rate, rate("10/min")) << rest;
  }
}

// mission row 23: a limit of the account, carried in its token, is read from there and nowhere else.
TEST(LimitRule, AnAccountsLimitIsCarriedInItsToken) {
  const LimitRule rule{
      .name = "audio",
      .allowance = ClaimRate{.claim = {"limits", "audio"}, .per = rate("1/min"), .most = rate("9000/min")}};
  const auto rate_of = [&](std::string_view rest) {
    const VerifiedToken token = limited_token(rest);
    return charged(rule, &token).rate.text();
  };
  EXPECT_EQ(rate_of(R"(,"sub":"u","limits":{"audio":320})"), "320/min");
  EXPECT_EQ(rate_of(R"(,"sub":"u","limits":{"audio":"10/s burst 20"})"), "10/s burst 20");
  EXPECT_EQ(rate_of(R"(,"sub":"u","limits":{"audio":9000})"), "9000/min");
}

TEST(LimitRule, ATokenCannotAskForMoreThanTheMost) {
  const LimitRule rule{
      .name = "audio",
      .allowance = ClaimRate{.claim = {"limits", "audio"}, .per = rate("1/min"), .most = rate("9000/min")}};
  for (const std::string_view claim : {"9001", "1000000001", "9223372036854775807", R"("1000/s")"}) {
    const VerifiedToken token = limited_token(R"(,"sub":"u","limits":{"audio":)" + std::string(claim) + "}");
    EXPECT_EQ(charged(rule, &token).rate, rate("9000/min")) << claim;
  }
}

TEST(LimitRule, NorForMoreAtOnce) {
  const LimitRule rule{.name = "audio",
                       .allowance = ClaimRate{.claim = {"a"}, .per = rate("1/min"), .most = rate("60/min burst 9")}};
  for (const auto& [claim, expected] :
       {std::pair{R"("1/h burst 700")", "1/h burst 9"}, std::pair{"30", "30/min burst 9"},
        std::pair{R"("30/min burst 8")", "30/min burst 8"}, std::pair{"61", "60/min burst 9"}}) {
    const VerifiedToken token = limited_token(std::string(R"(,"sub":"u","a":)") + claim);
    EXPECT_EQ(charged(rule, &token).rate.text(), expected) << claim;
  }
}

TEST(LimitRule, ALimitThatCannotBeReadIsNotOneThatIsAbsent) {
  LimitRule rule{.name = "audio",
                 .allowance = ClaimRate{.claim = {"limits", "audio"}, .per = rate("1/min"), .most = rate("9000/min")},
                 .otherwise = rate("10/min")};
  for (const std::string_view claim :
       {"0", "-1", "-9223372036854775808", "1e3", "1.0", "true", "null", "[]", "[320]", "{}", R"("320")", R"("0/min")",
        R"("-5/min")", R"("600/min ")", R"("10000/day")", R"("4 concurrent")", R"("")"}) {
    const VerifiedToken token = limited_token(R"(,"sub":"u","limits":{"audio":)" + std::string(claim) + "}");
    EXPECT_EQ(refusal(rule, &token), Errc::insufficient_plan) << claim;
  }
  const VerifiedToken absent = limited_token(R"(,"sub":"u","limits":{"video":5})");
  EXPECT_EQ(charged(rule, &absent).rate, rate("10/min"));
  rule.otherwise.reset();
  EXPECT_EQ(refusal(rule, &absent), Errc::insufficient_plan);
}

TEST(LimitRule, AnObjectThatIsNoneOnTheWayIsUnreadable) {
  const LimitRule rule{
      .name = "audio",
      .allowance = ClaimRate{.claim = {"limits", "audio"}, .per = rate("1/min"), .most = rate("9000/min")},
      .otherwise = rate("10/min")};
  const VerifiedToken token = limited_token(R"(,"sub":"u","limits":"audio")");
  EXPECT_EQ(refusal(rule, &token), Errc::insufficient_plan);
}

TEST(LimitRule, CountsOfTheDayAndOfWhatIsUnderWayAreCarriedToo) {
  const VerifiedToken token = limited_token(R"(,"sub":"u","day":500,"streams":2)");
  const LimitRule quota{.name = "q", .allowance = ClaimRate{{"day"}, rate("1/day"), rate("1000/day")}};
  EXPECT_EQ(charged(quota, &token).rate, rate("500/day"));
  const LimitRule streams{.name = "s", .allowance = ClaimRate{{"streams"}, rate("1 concurrent"), rate("9 concurrent")}};
  EXPECT_EQ(charged(streams, &token).rate, rate("2 concurrent"));
}

TEST(LimitRule, CallersAreToldApart) {
  const auto key_by = [](LimitBy by, const VerifiedToken& token, std::string_view address = "192.0.2.1") {
    return charged({.name = "n", .by = by, .by_claim = {"team"}, .allowance = rate("1/s")}, &token, address).key;
  };
  const VerifiedToken a = limited_token(R"(,"sub":"u","client_id":"c","team":7)");
  const VerifiedToken same = limited_token(R"(,"sub":"u","client_id":"c","team":7,"jti":"x")");
  const VerifiedToken elsewhere = limited_token(R"(,"sub":"u","client_id":"c","team":7)", "j");
  const VerifiedToken other = limited_token(R"(,"sub":"v","client_id":"d","team":"7")");
  for (const LimitBy by : {LimitBy::subject, LimitBy::client, LimitBy::claim}) {
    EXPECT_EQ(key_by(by, a), key_by(by, same));
    EXPECT_NE(key_by(by, a), key_by(by, other));
    EXPECT_NE(key_by(by, a), key_by(by, elsewhere));
    EXPECT_EQ(key_by(by, a), key_by(by, a, "198.51.100.9"));
  }
  EXPECT_EQ(key_by(LimitBy::all, a), key_by(LimitBy::all, elsewhere, "198.51.100.9"));
  EXPECT_EQ(key_by(LimitBy::address, a), key_by(LimitBy::address, other));
  EXPECT_NE(key_by(LimitBy::address, a), key_by(LimitBy::address, a, "192.0.2.2"));
  EXPECT_NE(key_by(LimitBy::subject, a), key_by(LimitBy::client, limited_token(R"(,"client_id":"u")")));
}

TEST(LimitRule, AddressesThatOneHasCheaplyAreOne) {
  const LimitRule rule{.name = "n", .by = LimitBy::address, .allowance = rate("1/s")};
  const auto key_of = [&](std::string_view address) { return charged(rule, nullptr, address).key; };
  EXPECT_EQ(key_of("2001:db8:1:2:3:4:5:6"), key_of("2001:db8:1:2::1"));
  EXPECT_NE(key_of("2001:db8:1:2::1"), key_of("2001:db8:1:3::1"));
  EXPECT_EQ(key_of("::ffff:192.0.2.7"), key_of("192.0.2.7"));
  EXPECT_NE(key_of("192.0.2.7"), key_of("192.0.2.8"));
  EXPECT_EQ(key_of(""), key_of("no address"));
  EXPECT_EQ(key_of(""), key_of(std::string(5000, '1')));
  EXPECT_NE(key_of(""), key_of("0.0.0.0"));
  EXPECT_TRUE(charged(rule, nullptr).by_address);
}

TEST(LimitRule, WhoHasNoTokenIsItsAddress) {
  LimitRule rule{.name = "n", .by = LimitBy::subject, .allowance = rate("1/s")};
  EXPECT_EQ(charged(rule, nullptr, "192.0.2.1").key, charged(rule, nullptr, "192.0.2.1").key);
  EXPECT_NE(charged(rule, nullptr, "192.0.2.1").key, charged(rule, nullptr, "192.0.2.2").key);
  EXPECT_TRUE(charged(rule, nullptr).by_address);
  rule.allowance = PlanRates{{{"pro", rate("9/s")}}};
  EXPECT_EQ(refusal(rule, nullptr), Errc::missing_token);
  rule.otherwise = rate("2/s");
  EXPECT_EQ(charged(rule, nullptr).rate, rate("2/s"));
}

TEST(LimitRule, WithoutTheClaimItIsCountedByNobodyPasses) {
  const LimitRule rule{.name = "n", .by = LimitBy::claim, .by_claim = {"team"}, .allowance = rate("1/s")};
  for (const std::string_view rest : {"", R"(,"team":null)", R"(,"team":["a"])", R"(,"team":1.5)"}) {
    const VerifiedToken token = limited_token(rest);
    EXPECT_EQ(refusal(rule, &token), Errc::missing_claim) << rest;
  }
}

TEST(LimitRule, AKeyChangesWithTheRuleAndTheSeed) {
  const VerifiedToken token = limited_token(R"(,"sub":"u")");
  const LimitRule rule{.name = "n", .allowance = rate("10/s")};
  const LimitKey key = charged(rule, &token).key;
  EXPECT_EQ(key, charged({.name = "n", .allowance = rate("600/min burst 10")}, &token).key);  // the same in other words
  EXPECT_NE(key, charged({.name = "m", .allowance = rate("10/s")}, &token).key);
  EXPECT_NE(key, charged({.name = "n", .allowance = rate("20/s")}, &token).key);
  EXPECT_NE(key, charged({.name = "n", .allowance = rate("10/day")}, &token).key);
  EXPECT_EQ(charged({.name = "n", .allowance = rate("20/day")}, &token).key,
            charged({.name = "n", .allowance = rate("10/day")}, &token).key);
  EXPECT_EQ(charge_for(rule, &token, "", LimitSeed::derived_from("a seed"))->key, key);
  EXPECT_NE(charge_for(rule, &token, "", LimitSeed::derived_from("another"))->key, key);
  EXPECT_NE(charge_for(rule, &token, "", LimitSeed::random())->key, key);
}

TEST(LimitRule, WhatCannotBeMeantIsRefusedWhenItIsLoaded) {
  const LimitRule good{.name = "audio",
                       .allowance = ClaimRate{{"limits", "audio"}, rate("1/min"), rate("9000/min")},
                       .otherwise = rate("10/s")};
  EXPECT_TRUE(check(good).has_value());
  const auto fault_after = [&](auto change) {
    LimitRule rule = good;
    change(rule);
    const auto checked = check(rule);
    return checked.has_value() ? std::string() : checked.error().claim;
  };
  EXPECT_EQ(fault_after([](LimitRule& r) { r.name.clear(); }), "name");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.name = std::string(65, 'n'); }), "name");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.name = std::string(64, 'n'); }), "");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.name = "a\r\nb"; }), "name");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.by = LimitBy::claim; }), "by");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.otherwise = rate("10/day"); }), "otherwise");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.allowance = PlanRates{}; }), "plan");
  EXPECT_EQ(fault_after([](LimitRule& r) { r.allowance = PlanRates{{{"a", rate("1/s")}, {"b", rate("1/day")}}}; }),
            "plan");
  EXPECT_EQ(fault_after([](LimitRule& r) { std::get<ClaimRate>(r.allowance).claim.clear(); }), "claim");
  EXPECT_EQ(fault_after([](LimitRule& r) { std::get<ClaimRate>(r.allowance).most = rate("1/day"); }), "most");
}

}  // namespace
}  // namespace jeton
