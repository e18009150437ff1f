// Limits and the budget of failures, as the guard charges them.
#include "guard/limits/exchange.h"

#include <jeton/guard.h>
#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);
const Moment begin{now, 1h};
Moment after(std::chrono::nanoseconds time) {
  return {now + std::chrono::floor<std::chrono::seconds>(time), begin.monotonic + time};
}

const SigningKey& key() {
  static const SigningKey made = SigningKey::generate(Algorithm::es256);
  return made;
}
Verifier verifier() {
  return Verifier{
      {.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet({key().verification_key()})}};
}
std::string token(const Claims& claims, const SigningKey& by = key(), UnixTime at = now) {
  const Signer signer{by, {.issuer = "i", .audiences = {"api"}, .lifetime = 900s}};
  return signer.sign(claims, at).value();
}
Decision decide(const Guard& guard, const std::string& compact, Moment at = begin,
                std::string_view address = "192.0.2.1") {
  const std::string authorization = "Bearer " + compact;
  const std::array<std::string_view, 1> views{authorization};
  const std::span<const std::string_view> given(views.data(), compact.empty() ? 0 : 1);
  return guard.decide({.authorization = given, .address = address}, at);
}
int allowed(const Guard& guard, const std::string& compact, int tries, Moment at = begin) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += decide(guard, compact, at).allowed() != nullptr ? 1 : 0;
  return count;
}
std::string header(const Decision& decision, std::string_view name) {
  if (decision.refused() == nullptr) return "allowed";
  for (const auto& [known, value] : decision.refused()->answer.headers) {
    if (known == name) return value;
  }
  return "absent";
}
Rate rate(std::string_view text) { return parse_rate(text).value(); }

const Policy by_plan{
    .limits = {{.name = "audio", .allowance = PlanRates{{{"free", rate("1/min burst 2")}, {"premium", rate("5/s")}}}}}};

// mission row 24: the limit is the plan's, out of the claim; the guard holds no database, file or connection.
TEST(GuardLimits, ThePlanInTheTokenLimitsItsRequests) {
  const Guard guard(verifier(), by_plan);
  const std::string free = token(Claims{"a"}.with("plan", "free")),
                    premium = token(Claims{"b"}.with("plan", "premium"));
  EXPECT_EQ(allowed(guard, free, 9), 2);
  EXPECT_EQ(allowed(guard, premium, 9), 5);
  const Decision refused = decide(guard, free);
  ASSERT_NE(refused.refused(), nullptr);
  EXPECT_EQ(refused.refused()->error.code, Errc::over_limit);
  EXPECT_EQ(refused.refused()->answer.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "60");
  EXPECT_EQ(header(refused, "RateLimit"), R"("audio";r=0;t=60)");
  EXPECT_EQ(header(refused, "RateLimit-Policy"), R"("audio";q=2;w=120)");
  EXPECT_EQ(allowed(guard, free, 9, after(60s)), 1);
  EXPECT_EQ(allowed(guard, premium, 9, after(60s)), 5);
  EXPECT_EQ(allowed(guard, token(Claims{"c"}.with("plan", "free")), 9), 2);  // somebody else
}

TEST(GuardLimits, ATokenOfAnotherPlanIsForbiddenAndNotTooEarly) {
  const Guard guard(verifier(), by_plan);
  const Decision refused = decide(guard, token(Claims{"a"}.with("plan", "gold")));
  ASSERT_NE(refused.refused(), nullptr);
  EXPECT_EQ(refused.refused()->error.code, Errc::insufficient_plan);
  EXPECT_EQ(refused.refused()->answer.status, 403);
}

// mission row 23: the account's limit is a claim, and checking it asks nobody.
TEST(GuardLimits, TheAccountsLimitInItsTokenIsKept) {
  const Guard guard(
      verifier(),
      Policy{.limits = {{.name = "audio", .allowance = ClaimRate{{"limits", "audio"}, rate("1/h"), rate("7/h")}}}});
  const auto with_limit = [](std::string subject, Value limit) {
    Value limits = Value::object();
    limits.set("audio", std::move(limit));
    return token(Claims{std::move(subject)}.with("limits", std::move(limits)));
  };
  EXPECT_EQ(allowed(guard, with_limit("a", 3), 9), 3);
  EXPECT_EQ(allowed(guard, with_limit("b", 1'000'000), 9), 7);
  EXPECT_EQ(allowed(guard, with_limit("c", "2/h"), 9), 2);
  for (Value wrong : {Value(0), Value(-3), Value(2.5), Value("many"), Value(true)}) {
    const Decision refused = decide(guard, with_limit("d", wrong));
    ASSERT_NE(refused.refused(), nullptr) << wrong.to_json();
    EXPECT_EQ(refused.refused()->answer.status, 403) << wrong.to_json();
  }
}

TEST(GuardLimits, WhatIsRefusedForAnotherReasonIsNotCharged) {
  Policy policy = by_plan;
  policy.scopes = {"listen"};
  const Guard guard(verifier(), policy);
  const std::string without = token(Claims{"a"}.with("plan", "free"));
  EXPECT_EQ(allowed(guard, without, 9), 0);
  EXPECT_EQ(allowed(guard, token(Claims{"a"}.with("plan", "free").with("scope", "listen")), 9), 2);
}

TEST(GuardLimits, OfSeveralLimitsAllAreChargedOrNone) {
  Policy policy{.limits = {{.name = "wide", .allowance = rate("100/h")},
                           {.name = "narrow", .allowance = rate("2/h burst 2")},
                           {.name = "streams", .allowance = rate("1 concurrent")}}};
  const Guard guard(verifier(), policy);
  const std::string caller = token(Claims{"a"});
  Decision first = decide(guard, caller);
  ASSERT_NE(first.allowed(), nullptr);
  EXPECT_EQ(first.allowed()->limits->statuses()[0].remaining, 99u);
  EXPECT_EQ(allowed(guard, caller, 9), 0);  // the first is still under way
  {
    const Running running = first.allowed()->limits->take_running();
    EXPECT_EQ(allowed(guard, caller, 9), 0);
  }
  const Decision second = decide(guard, caller);
  ASSERT_NE(second.allowed(), nullptr);
  EXPECT_EQ(second.allowed()->limits->statuses()[0].remaining, 98u);
  EXPECT_EQ(header(decide(guard, caller), "RateLimit"), R"("wide";r=98;t=36, "narrow";r=0;t=1800, "streams";r=0)");
}

TEST(GuardLimits, WithoutATokenTheAddressIsCharged) {
  const Guard guard(verifier(), Policy{.authentication = Authentication::optional,
                                       .limits = {{.name = "n", .allowance = rate("2/h")}}});
  EXPECT_EQ(allowed(guard, "", 9), 2);
  EXPECT_NE(decide(guard, "", begin, "192.0.2.2").allowed(), nullptr);
  EXPECT_EQ(allowed(guard, token(Claims{"a"}), 9), 2);
}

TEST(GuardLimits, ACopyCountsWithTheFirstOne) {
  const Guard guard(verifier(), by_plan);
  const Guard copy = guard;
  const std::string free = token(Claims{"a"}.with("plan", "free"));
  EXPECT_EQ(allowed(guard, free, 1) + allowed(copy, free, 9), 2);
}

TEST(GuardLimits, LimitsThatNobodyKnowsAreNot429) {
  RateLimiter limiter;
  LimitExchange exchange(limiter, [] {});
  const Guard guard(verifier(), by_plan, {.limiter = &limiter});
  const std::string free = token(Claims{"a"}.with("plan", "free"));
  exchange.set_open(false);
  const Decision refused = decide(guard, free);
  ASSERT_NE(refused.refused(), nullptr);
  EXPECT_EQ(refused.refused()->answer.status, 503);
  EXPECT_EQ(header(refused, "Retry-After"), "1");
  EXPECT_EQ(header(refused, "RateLimit"), "absent");
  exchange.set_open(true);
  EXPECT_EQ(allowed(guard, free, 9), 2);
}

TEST(GuardLimits, LimitsOfOneRouteHaveNamesOfTheirOwn) {
  const auto built_with = [](std::string second) {
    return Routes::build({{.name = "r",
                           .policy = {.limits = {{.name = "n", .allowance = rate("2/h")},
                                                 {.name = std::move(second), .allowance = rate("9/day")}}}}});
  };
  EXPECT_TRUE(built_with("m").has_value());
  const auto twice = built_with("n");
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().at(0).text, R"(has two limits named "n"; give each a name)");
  EXPECT_FALSE(built_with("").has_value());
}

TEST(GuardLimits, WallTimeAloneIsTimeEnough) {
  const Guard guard(verifier(), by_plan);
  const std::string free = token(Claims{"a"}.with("plan", "free"));
  EXPECT_EQ(allowed(guard, free, 9, now), 2);
  EXPECT_EQ(allowed(guard, free, 9, now + 59s), 0);
  EXPECT_EQ(allowed(guard, free, 9, now + 60s), 1);
}

TEST(GuardLimits, TokensThatAreRefusedAfterTheirSignatureHaveABudget) {
  FailureBudget failures({.block = rate("1/s burst 3")});
  TokenCache cache;
  const Guard guard(verifier(), Policy{}, {.cache = &cache, .failures = &failures});
  const std::string good = token(Claims{"a"}), fresh = token(Claims{"b"});
  ASSERT_NE(decide(guard, good).allowed(), nullptr);
  std::string forged = token(Claims{"a"});
  forged.replace(forged.rfind('.') + 1, 3, "AAA");
  const std::string expired = token(Claims{"a"}, key(), now - 1h);
  EXPECT_EQ(decide(guard, forged).refused()->answer.status, 403);
  EXPECT_EQ(decide(guard, expired).refused()->answer.status, 401);
  EXPECT_EQ(decide(guard, expired).refused()->answer.status, 401);
  for (const std::string& held_up : {forged, expired, fresh}) {
    const Decision refused = decide(guard, held_up);
    ASSERT_NE(refused.refused(), nullptr);
    EXPECT_EQ(refused.refused()->answer.status, 429);
    EXPECT_EQ(header(refused, "Retry-After"), "1");
  }
  EXPECT_NE(decide(guard, good).allowed(), nullptr);  // known: it costs nothing
  EXPECT_NE(decide(guard, fresh, begin, "192.0.2.2").allowed(), nullptr);
  EXPECT_NE(decide(guard, fresh, after(1s)).allowed(), nullptr);
  // What costs nothing counts as nothing.
  for (int i = 0; i < 9; ++i) EXPECT_EQ(decide(guard, "x.y.z", begin, "192.0.2.9").refused()->answer.status, 403);
  EXPECT_NE(decide(guard, token(Claims{"c"}), begin, "192.0.2.9").allowed(), nullptr);
}

}  // namespace
}  // namespace jeton
