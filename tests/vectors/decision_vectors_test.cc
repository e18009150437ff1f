// The decisions of tests/vectors/decisions, through a Guard. Forward-auth and the proxy are given the same files.
#include "decision_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace jeton::gateway {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

// mission row 4: high-quality audio by the plan (audio.cases).
// mission row 9: the guard on protected endpoints (audio.cases, tokens.cases).
// mission row 23: limits and balances of the account (audio.cases).
// mission row 24: how often, by the plan (limits.cases).
TEST(DecisionVectors, EachRequestGetsTheDecisionThatIsWrittenDown) {
  std::size_t count = 0;
  for (const auto& path : policies()) {
    const PolicyFile file = policy_of(path);
    CaseRunner runner(file);
    for (const PolicyCase& one : cases_of(path)) {
      ++count;
      EXPECT_EQ(runner.objection_to(one, now), "") << path.stem() << ".cases:" << one.line << " " << one.title();
    }
  }
  EXPECT_GE(count, 300u);
}

TEST(DecisionVectors, ARouteThatRefusesAllowsSomebodyToo) {
  for (const auto& path : policies()) {
    std::set<std::string> met;
    for (const PolicyCase& one : cases_of(path)) {
      if (one.code.empty() && one.route.has_value()) met.insert(*one.route);
    }
    for (const PolicyCase& one : cases_of(path)) {
      if (one.route.has_value() && !one.code.empty() && !met.contains(*one.route))
        ADD_FAILURE() << path.stem() << ".cases:" << one.line << ": nobody is allowed by " << *one.route;
    }
  }
}

// The runner can fail: each case, expected to end otherwise, is objected to.
TEST(DecisionVectors, AnotherExpectationIsObjectedTo) {
  const auto path = std::filesystem::path(JETON_VECTORS_DIR "/decisions/audio.toml");
  const PolicyFile file = policy_of(path);
  CaseRunner runner(file);
  for (PolicyCase one : cases_of(path)) {
    PolicyCase other_end = one;
    other_end.code = one.code.empty() ? "insufficient_plan" : "";
    EXPECT_NE(runner.objection_to(other_end, now), "") << one.title();
    PolicyCase other_route = one;
    other_route.route = "elsewhere";
    EXPECT_NE(runner.objection_to(other_route, now), "") << one.title();
    PolicyCase other_header = one;
    other_header.pass = std::vector<CaseHeader>{CaseHeader{"X-Role", "admin"}};
    EXPECT_EQ(runner.objection_to(other_header, now).empty(), !one.code.empty()) << one.title();
  }
}

TEST(PolicyCases, AllThatIsWrongIsNamedByLine) {
  const auto cases = parse_policy_cases(R"(# a comment
name = a
request = GET
expekt = allowed

request = GET http://a
expect = 403 insufficient_plam
claims = [1]
token = bad
token = good
)",
                                        "x.cases");
  ASSERT_FALSE(cases.has_value());
  EXPECT_EQ(cases.error().what,
            "x.cases:3: request must be METHOD URL\n"
            "x.cases:4: expekt is not a key of a case. Did you mean expect?\n"
            "x.cases:2: the case has no expect\n"
            "x.cases:6: request must name a path\n"
            "x.cases:7: expect must be allowed, or a status and a code of docs/errors.md: 403 insufficient_plan\n"
            "x.cases:8: claims must be a JSON object\n"
            "x.cases:9: token must be good, none, forged or changed\n"
            "x.cases:10: token stands there twice");
  EXPECT_EQ(parse_policy_cases("# nothing\n", "x.cases").error().what, "x.cases: holds no case");
}

}  // namespace
}  // namespace jeton::gateway
