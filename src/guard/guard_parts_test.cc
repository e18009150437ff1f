// The parts of a decision beside the token and the policy: revocation, its staleness, limits, wrong signatures, keys
// that nobody has heard, and a policy that is only tried.
#include "guard/feed/reader.h"

#include <jeton/guard.h>
#include <jeton/jws.h>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::int64_t start = 1'700'000'000;
constexpr UnixTime now = from_unix_seconds(start);
constexpr char issuer[] = "https://as.example";

const SigningKey& key() {
  static const SigningKey made = SigningKey::generate(Algorithm::es256);
  return made;
}

Verifier verifier(KeySet keys = KeySet({key().verification_key()})) {
  return Verifier{{.issuer = issuer, .audience = AudienceRule::must_include("api"), .keys = std::move(keys)}};
}

std::string bearer(const std::string& more = {}, const SigningKey& by = key()) {
  return "Bearer " +
         jws_sign(
             by,
             R"({"iss":"https://as.example","aud":"api","sub":"u1","sid":"AAAAAAAAAAAAAAAAAAAAAA","gen":0,"ver":1,)"
             R"("jti":"j1","iat":1700000000,"exp":1700000600)" +
                 more + "}",
             {.typ = "at+jwt"})
             .value();
}

struct Request {
  explicit Request(std::string value, std::string_view path = "/") : text(std::move(value)) {
    if (!text.empty()) authorization.emplace_back(text);
    facts.path = path;
    facts.authorization = authorization;
    facts.address = "192.0.2.7";
  }
  std::string text;
  std::vector<std::string_view> authorization{};
  RequestFacts facts{};
};

Decision decide(const Guard& guard, const std::string& value, Moment at = {now, 0ns}) {
  const Request request(value);
  return guard.decide(request.facts, at);
}

std::string outcome(const Decision& decision) {
  if (decision.undecided() != nullptr) return "undecided";
  if (decision.refused() == nullptr) return decision.allowed()->is_stale ? "allowed, stale" : "allowed";
  return std::to_string(decision.refused()->answer.status) + " " + std::string(name_of(decision.refused()->error.code));
}

std::string header(const Decision& decision, std::string_view name) {
  for (const auto& [one, value] : decision.refused()->answer.headers) {
    if (one == name) return value;
  }
  return "absent";
}

// The feed as it was heard at the monotonic time 0.
feed::Proved heard(std::vector<Revocation> revocations = {}) {
  feed::Proved proved{.replaces = true,
                      .begins_history = true,
                      .head = {.issuer = issuer, .epoch = "first", .time = start * 1000},
                      .entries = {},
                      .kids = {std::string(key().kid())}};
  std::uint64_t number = 0;
  for (Revocation& one : revocations) proved.entries.push_back({.number = ++number, .revocation = std::move(one)});
  return proved;
}

RevocationTable table() { return RevocationTable({.issuers = {{issuer}}}); }

void hear(RevocationTable& revocations, const feed::Proved& proved) {
  revocations.apply(issuer, proved, std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(start)),
                    nanoseconds{0});
}

TEST(GuardParts, ARevokedTokenIsRefusedAlsoWhenItIsInTheCache) {
  TokenCache cache;
  RevocationTable revocations = table();
  const Guard guard{verifier(), Policy{}, {.cache = &cache, .revocations = &revocations}};
  hear(revocations, heard());
  const std::string token = bearer();
  EXPECT_EQ(outcome(decide(guard, token)), "allowed");
  EXPECT_EQ(outcome(decide(guard, token)), "allowed");
  hear(revocations, heard({{.kind = RevocationKind::subject, .subject = "u1", .least = 2, .expires_at = start + 900}}));
  EXPECT_EQ(outcome(decide(guard, token)), "401 revoked");
  hear(revocations, heard({{.kind = RevocationKind::subject,
                            .reason = RevocationReason::stale_claims,
                            .subject = "u1",
                            .least = 2,
                            .expires_at = start + 900}}));
  const Decision stale = decide(guard, token);
  EXPECT_EQ(outcome(stale), "401 stale_claims");
  EXPECT_EQ(stale.refused()->answer.body, R"({"error":"Token expired","reason":"stale_claims"})");
  EXPECT_GT(cache.counts().hits, 0u);
}

TEST(GuardParts, PastTheStalenessTheRouteSaysWhatHappens) {
  RevocationTable revocations = table();
  const auto guard = [&](WhenStale then, bool can_introspect = false) {
    return Guard{verifier(),
                 Policy{.staleness_max = 10s, .when_stale = then},
                 {.revocations = &revocations, .can_introspect = can_introspect}};
  };
  const std::string token = bearer();
  // Never heard counts as infinitely stale.
  EXPECT_EQ(outcome(decide(guard(WhenStale::allow), token)), "allowed, stale");
  EXPECT_EQ(outcome(decide(guard(WhenStale::deny), token)), "503 stale_revocations");
  hear(revocations, heard());
  EXPECT_EQ(outcome(decide(guard(WhenStale::deny), token, {now, 10s})), "allowed");
  const Decision denied = decide(guard(WhenStale::deny), token, {now, 10s + 1ns});
  EXPECT_EQ(outcome(denied), "503 stale_revocations");
  EXPECT_EQ(header(denied, "Retry-After"), "1");
  EXPECT_EQ(header(denied, "WWW-Authenticate"), "absent");
  EXPECT_EQ(outcome(decide(guard(WhenStale::allow), token, {now, 1h})), "allowed, stale");
  EXPECT_EQ(outcome(decide(guard(WhenStale::introspect), token, {now, 1h})), "503 stale_revocations");
  EXPECT_EQ(outcome(decide(guard(WhenStale::introspect, true), token, {now, 1h})), "undecided");
  EXPECT_EQ(outcome(decide(guard(WhenStale::introspect, true), token, {now, 10s})), "allowed");
  // Who comes without a token, or with a bad one, is answered that and nothing about the feed.
  EXPECT_EQ(outcome(decide(guard(WhenStale::deny), "", {now, 1h})), "401 missing_token");
  EXPECT_EQ(outcome(decide(guard(WhenStale::deny), "Bearer a.b.c", {now, 1h})).substr(0, 3), "403");
}

TEST(GuardParts, AnIssuerWithoutAFeedIsNeverStale) {
  const RevocationTable revocations({.issuers = {{"https://other.example"}}});
  const Guard guard{verifier(), Policy{.when_stale = WhenStale::deny}, {.revocations = &revocations}};
  EXPECT_EQ(outcome(decide(guard, bearer(), {now, 1h})), "allowed");
}

TEST(GuardParts, WhatTheIssuerSaysOfATokenSettlesIt) {
  RevocationTable revocations = table();
  RateLimiter limiter;
  const Guard guard{verifier(),
                    Policy{.plans = {"pro"},
                           .limits = {{.name = "r", .allowance = Rate::per(3600s, 1).value()}},
                           .when_stale = WhenStale::introspect,
                           .pass = {{{"sub"}, *HeaderName::of("X-User")}}},
                    {.revocations = &revocations, .limiter = &limiter, .can_introspect = true}};
  // What the policy refuses in any case is not asked about.
  EXPECT_EQ(outcome(decide(guard, bearer())), "403 insufficient_plan");
  const Decision decision = decide(guard, bearer(R"(,"plan":"pro")"));
  ASSERT_EQ(outcome(decision), "undecided");
  const auto settle = [&](Introspection said, UnixTime at = now, std::chrono::nanoseconds monotonic = 0ns) {
    return guard.settle(*decision.undecided(), said, "192.0.2.7", {at, monotonic});
  };
  EXPECT_EQ(outcome(settle(Introspection::inactive)), "401 revoked");
  EXPECT_EQ(outcome(settle(Introspection::failed)), "503 stale_revocations");
  EXPECT_EQ(outcome(settle(Introspection::active, now + 3600s)),
            "401 expired");  // ended meanwhile
  const Decision settled = settle(Introspection::active);
  ASSERT_EQ(outcome(settled), "allowed");
  EXPECT_EQ(settled.allowed()->pass.at(0).value.text(), "u1");
  EXPECT_EQ(outcome(settle(Introspection::active)), "429 over_limit");
}

TEST(GuardParts, WithinTheLeewayATokenIsSettledAsItWasVerified) {
  RevocationTable revocations = table();
  const Verifier lenient{{.issuer = issuer,
                          .audience = AudienceRule::must_include("api"),
                          .keys = KeySet({key().verification_key()}),
                          .leeway = 30s}};
  const Guard guard{
      lenient, Policy{.when_stale = WhenStale::introspect}, {.revocations = &revocations, .can_introspect = true}};
  const Decision decision = decide(guard, bearer(), {now + 629s, 0ns});
  ASSERT_EQ(outcome(decision), "undecided");
  const auto settle = [&](UnixTime at) {
    return outcome(guard.settle(*decision.undecided(), Introspection::active, "192.0.2.7", {at, 0ns}));
  };
  EXPECT_EQ(settle(now + 629s), "allowed");
  EXPECT_EQ(settle(now + 630s), "401 expired");
}

TEST(GuardParts, WhatIsHeardWhileTheIssuerIsAskedCounts) {
  RevocationTable revocations = table();
  const Guard guard{verifier(),
                    Policy{.staleness_max = 10s, .when_stale = WhenStale::introspect},
                    {.revocations = &revocations, .can_introspect = true}};
  const Decision decision = decide(guard, bearer());
  ASSERT_EQ(outcome(decision), "undecided");
  const auto settle = [&](Introspection said, std::chrono::nanoseconds at = 0ns) {
    return outcome(guard.settle(*decision.undecided(), said, "192.0.2.7", {now, at}));
  };
  hear(revocations, heard());  // the feed is back, and knows nothing against the token
  EXPECT_EQ(settle(Introspection::failed), "allowed");
  EXPECT_EQ(settle(Introspection::inactive), "401 revoked");
  EXPECT_EQ(settle(Introspection::failed, 10s + 1ns), "503 stale_revocations");
  hear(revocations, heard({{.kind = RevocationKind::subject, .subject = "u1", .least = 2, .expires_at = start + 900}}));
  EXPECT_EQ(settle(Introspection::active), "401 revoked");
}

// mission row 24: the rate is the plan's, enforced with no look-up.
TEST(GuardParts, OverTheLimitTheAnswerSaysWhenToComeBack) {
  RateLimiter limiter;
  const Policy policy{
      .limits = {{.name = "audio",
                  .allowance = PlanRates{{{"free", Rate::per(60s, 2).value()}, {"pro", Rate::per(60s, 4).value()}}}}}};
  const Guard guard{verifier(), policy, {.limiter = &limiter}};
  const std::string free = bearer(R"(,"plan":"free")");
  for (int i = 0; i < 2; ++i) {
    const Decision decision = decide(guard, free);
    ASSERT_EQ(outcome(decision), "allowed");
    std::string told;
    decision.allowed()->limits->append_policy(told);
    EXPECT_EQ(told, R"("audio";q=2;w=60)");
  }
  const Decision refused = decide(guard, free);
  EXPECT_EQ(outcome(refused), "429 over_limit");
  EXPECT_EQ(header(refused, "Retry-After"), "30");
  EXPECT_EQ(header(refused, "RateLimit-Policy"), R"("audio";q=2;w=60)");
  EXPECT_EQ(header(refused, "RateLimit").substr(0, 11), R"("audio";r=0)");
  EXPECT_EQ(outcome(decide(guard, free, {now, 30s})), "allowed");
}

TEST(GuardParts, ALimitHoldsWithoutALimiterOfTheCallers) {
  const Guard guard{verifier(), Policy{.limits = {{.name = "r", .allowance = Rate::per(60s, 1).value()}}}};
  const Guard copy = guard;
  EXPECT_EQ(outcome(decide(guard, bearer())), "allowed");
  EXPECT_EQ(outcome(decide(copy, bearer())), "429 over_limit");
}

TEST(GuardParts, ConcurrentRequestsAreCountedWhileTheirDecisionLives) {
  const Guard guard{verifier(), Policy{.limits = {{.name = "streams", .allowance = Rate::at_once(1).value()}}}};
  {
    const Decision first = decide(guard, bearer());
    EXPECT_EQ(outcome(first), "allowed");
    EXPECT_EQ(outcome(decide(guard, bearer())), "429 over_limit");
  }
  Decision next = decide(guard, bearer());
  ASSERT_EQ(outcome(next), "allowed");
  const Running running = next.allowed()->limits->take_running();
  next = decide(guard, "");
  EXPECT_EQ(outcome(decide(guard, bearer())), "429 over_limit");
}

TEST(GuardParts, ARequestThatThePolicyRefusesIsNotCharged) {
  const Guard guard{verifier(),
                    Policy{.roles = {"admin"}, .limits = {{.name = "r", .allowance = Rate::per(60s, 1).value()}}}};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(outcome(decide(guard, bearer())), "403 insufficient_role");
  EXPECT_EQ(outcome(decide(guard, bearer(R"(,"roles":["admin"])"))), "allowed");
}

TEST(GuardParts, WrongSignaturesHaveABudgetAndKnownTokensAreNotInItsWay) {
  TokenCache cache;
  FailureBudget failures({.block = Rate::per(60s, 3).value(), .all = Rate::per(60s, 1000).value()});
  const Guard guard{verifier(), Policy{}, {.cache = &cache, .failures = &failures}};
  const std::string good = bearer();
  EXPECT_EQ(outcome(decide(guard, good)), "allowed");
  std::string forged = bearer(R"(,"x":1)");
  forged.replace(forged.rfind('.'), std::string::npos, good.substr(good.rfind('.')));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(decide(guard, forged)), "403 bad_signature");
  const Decision refused = decide(guard, forged);
  EXPECT_EQ(outcome(refused), "429 too_many_failures");
  EXPECT_EQ(header(refused, "Retry-After"), "20");
  EXPECT_EQ(outcome(decide(guard, bearer(R"(,"x":2)"))), "429 too_many_failures");  // never seen: not looked at
  EXPECT_EQ(outcome(decide(guard, good)), "allowed");                               // in the cache
  EXPECT_EQ(outcome(decide(guard, bearer(R"(,"x":2)"), {now, 20s})), "allowed");
}

TEST(GuardParts, KeysThatNobodyHasHeardMakeUnknownOnesNoFaultOfTheClient) {
  const Guard unready{verifier(KeySet{}), Policy{}};
  const Decision refused = decide(unready, bearer());
  EXPECT_EQ(outcome(refused), "503 verifier_unavailable");
  EXPECT_EQ(header(refused, "Retry-After"), "1");
  EXPECT_EQ(outcome(decide(unready, "")), "401 missing_token");
  EXPECT_EQ(outcome(decide(unready, "Bearer a.b")), "403 malformed_token");
  const Guard ready{verifier(), Policy{}};
  EXPECT_EQ(outcome(decide(ready, bearer("", SigningKey::generate(Algorithm::es256)))), "403 unknown_key");
}

TEST(GuardParts, APolicyCanBeTriedBeforeItDecides) {
  const Guard guard{verifier(), Routes::build({{.name = "open", .match = {.path = "/**"}}}).value()};
  const Routes stricter =
      Routes::build(
          {{.name = "admin", .match = {.path = "/admin"}, .policy = {.roles = {"admin"}}},
           {.name = "login", .match = {.path = "/login"}, .policy = {.authentication = Authentication::forbidden}},
           {.name = "same", .match = {.path = "/same"}}})
          .value();
  const auto tried = [&](std::string_view path, const std::string& value) {
    const Request request(value, path);
    const Decision decision = guard.decide(request.facts, {now, 0ns});
    const auto objection = guard.objection_by(stricter, request.facts, decision, now);
    return objection ? std::string(name_of(objection->code)) : "nothing";
  };
  EXPECT_EQ(tried("/same", bearer()), "nothing");
  EXPECT_EQ(tried("/admin", bearer()), "insufficient_role");
  EXPECT_EQ(tried("/admin", bearer(R"(,"roles":["admin"])")), "nothing");
  EXPECT_EQ(tried("/login", bearer()), "unwanted_token");
  EXPECT_EQ(tried("/other", bearer()), "no_route");
  EXPECT_EQ(tried("/admin", ""), "nothing");  // refused already
}

TEST(GuardParts, APolicyThatIsTriedAsksForTokensFreshRevocationsAndClaimsThatFit) {
  RevocationTable revocations = table();
  hear(revocations, heard());
  const Guard guard{verifier(), Policy{.authentication = Authentication::optional}, {.revocations = &revocations}};
  const auto tried = [&](Policy policy, const std::string& value, nanoseconds since = 0ns) {
    const Request request(value);
    const Moment at{now, since};
    const Decision decision = guard.decide(request.facts, at);
    const auto objection = guard.objection_by(Routes::everywhere(std::move(policy)), request.facts, decision, at);
    return objection ? std::string(name_of(objection->code)) : "nothing";
  };
  EXPECT_EQ(tried({.authentication = Authentication::optional}, ""), "nothing");
  EXPECT_EQ(tried({.authentication = Authentication::forbidden}, ""), "nothing");
  EXPECT_EQ(tried({}, ""), "missing_token");
  const Policy denies{.staleness_max = 10s, .when_stale = WhenStale::deny};
  EXPECT_EQ(tried(denies, bearer(), 10s), "nothing");
  EXPECT_EQ(tried(denies, bearer(), 10s + 1ns), "stale_revocations");
  EXPECT_EQ(tried({.staleness_max = 10s}, bearer(), 1h), "nothing");
  const Policy passes{.pass = {{.claim = {"note"}, .header = *HeaderName::of("X-Note")}}};
  const auto note = [](std::size_t size) { return bearer(R"(,"note":")" + std::string(size, 'n') + '"'); };
  EXPECT_EQ(tried(passes, note(passed_value_bytes_max)), "nothing");
  EXPECT_EQ(tried(passes, note(passed_value_bytes_max + 1)), "invalid_claim");
}

TEST(GuardParts, OnlyTextsNumbersTruthsAndListsOfThemArePassedOn) {
  const Guard guard{verifier(), Policy{.pass = {{.claim = {"c"}, .header = *HeaderName::of("X-C")}}}};
  const auto passed = [&](const std::string& value) {
    const Decision decision = decide(guard, bearer(R"(,"c":)" + value));
    EXPECT_EQ(outcome(decision), "allowed");
    return decision.allowed()->pass.empty() ? "nothing" : decision.allowed()->pass.at(0).value.text();
  };
  EXPECT_EQ(passed(R"("a b")"), "a b");
  EXPECT_EQ(passed("-7"), "-7");
  EXPECT_EQ(passed("0.5"), "0.5");
  EXPECT_EQ(passed("true"), "true");
  EXPECT_EQ(passed(R"(["a",7,true])"), "a,7,true");
  for (const char* value : {"null", "{}", "[]", R"(["a",null])", R"(["a",{}])", R"(["a",["b"]])"})
    EXPECT_EQ(passed(value), "nothing") << value;
}

TEST(GuardParts, WhatLastsEndsAsItsRouteSays) {
  RevocationTable revocations = table();
  hear(revocations, heard());
  const Guard guard{verifier(), Policy{}, {.revocations = &revocations}};
  const Decision decision = decide(guard, bearer());
  const auto later = [&](const Guard& asked, StreamsUntil until, std::chrono::seconds after, Policy policy = {}) {
    const Route route{.policy = std::move(policy), .streams_until = until};
    const auto objection = asked.objection_later(*decision.token(), route, {now + after, after});
    return objection ? std::string(name_of(objection->code)) : "nothing";
  };
  constexpr auto expiry = StreamsUntil::expiry, closed = StreamsUntil::closed;
  EXPECT_EQ(later(guard, expiry, 599s), "nothing");
  EXPECT_EQ(later(guard, expiry, 1h), "expired");
  EXPECT_EQ(later(guard, closed, 1h), "nothing");
  // A key that is there no more ends it at once, unless nothing does.
  const Guard other_keys{verifier(KeySet({SigningKey::generate(Algorithm::es256).verification_key()})), Policy{}};
  EXPECT_EQ(later(other_keys, expiry, 0s), "unknown_key");
  EXPECT_EQ(later(other_keys, closed, 0s), "nothing");
  // A feed that is not heard ends it where the route denies; and where the issuer is asked, for it is not asked again.
  const Policy denies{.staleness_max = 10s, .when_stale = WhenStale::deny};
  const Policy asks{.staleness_max = 10s, .when_stale = WhenStale::introspect};
  const Guard asking{verifier(), Policy{}, {.revocations = &revocations, .can_introspect = true}};
  EXPECT_EQ(later(guard, expiry, 10s, denies), "nothing");
  EXPECT_EQ(later(guard, expiry, 11s, denies), "stale_revocations");
  EXPECT_EQ(later(guard, closed, 11s, denies), "nothing");
  EXPECT_EQ(later(guard, expiry, 11s), "nothing");
  EXPECT_EQ(later(guard, expiry, 11s, asks), "stale_revocations");
  EXPECT_EQ(later(asking, expiry, 11s, asks), "stale_revocations");
  EXPECT_EQ(later(asking, expiry, 10s, asks), "nothing");
  EXPECT_EQ(later(asking, closed, 11s, asks), "nothing");

  Revocation one{.kind = RevocationKind::subject, .subject = "u1", .least = 2, .expires_at = start + 900};
  hear(revocations, heard({one}));
  EXPECT_EQ(later(guard, expiry, 0s), "revoked");
  EXPECT_EQ(later(guard, closed, 0s), "nothing");
  one.reason = RevocationReason::stale_claims;
  hear(revocations, heard({one}));
  EXPECT_EQ(later(guard, expiry, 0s), "stale_claims");
}

TEST(GuardParts, AClaimThatIsTooLongToPassRefusesTheRequest) {
  const Guard guard{verifier(), Policy{.pass = {{.claim = {"note"}, .header = *HeaderName::of("X-Note")}}}};
  const auto with_note = [](std::size_t size) { return bearer(R"(,"note":")" + std::string(size, 'n') + '"'); };
  const Decision longest = decide(guard, with_note(passed_value_bytes_max));
  ASSERT_EQ(outcome(longest), "allowed");
  EXPECT_EQ(longest.allowed()->pass.at(0).value.text().size(), passed_value_bytes_max);
  EXPECT_EQ(outcome(decide(guard, with_note(passed_value_bytes_max + 1))), "403 invalid_claim");
}

Decision decide_at(const Guard& guard, std::string_view path, const std::string& value) {
  const Request request(value, path);
  return guard.decide(request.facts, {now, 0ns});
}

TEST(GuardRoutes, WhatNoRouteIsForIsRefusedWhateverItsToken) {
  const Guard guard{verifier(), Routes::build({{.name = "one", .match = {.path = "/one"}}}).value()};
  EXPECT_EQ(outcome(decide_at(guard, "/one", bearer())), "allowed");
  EXPECT_EQ(outcome(decide_at(guard, "/two", bearer())), "404 no_route");
  EXPECT_EQ(outcome(decide_at(guard, "/two", "")), "404 no_route");
  EXPECT_EQ(outcome(decide_at(guard, "/one/../one", bearer())), "400 invalid_path");
}

TEST(GuardRoutes, WhereNoTokenIsWantedAGoodOneIsRefused) {
  const Guard guard{
      verifier(),
      Routes::build(
          {{.name = "a", .match = {.path = "/login"}, .policy = {.authentication = Authentication::forbidden}},
           {.name = "b", .match = {.path = "/news"}, .policy = {.authentication = Authentication::optional}}})
          .value()};
  EXPECT_EQ(outcome(decide_at(guard, "/login", "")), "allowed");
  EXPECT_EQ(outcome(decide_at(guard, "/login", bearer())), "400 unwanted_token");
  EXPECT_EQ(outcome(decide_at(guard, "/news", bearer())), "allowed");
}

}  // namespace
}  // namespace jeton
