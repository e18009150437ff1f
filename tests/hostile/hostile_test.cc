// Each input that must be refused, beside a twin that is accepted.
#include "case_file.h"
#include "judge.h"
#include "token_forge.h"

#include <jeton/token_cache.h>

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

namespace jeton::hostile {
namespace {

std::vector<Case> own_cases() { return read_cases(JETON_OWN_CASES); }

// Tokens and key sets of a shared file, if there is one; its other areas are not the library's.
std::vector<Case> shared_cases() {
  if (!exists(JETON_SHARED_CASES)) return {};
  auto cases = read_cases(JETON_SHARED_CASES);
  std::erase_if(cases, [](const Case& hostile) { return hostile.area != "jose" && hostile.area != "jwks"; });
  return cases;
}

std::string test_name(const testing::TestParamInfo<Case>& instance) {
  std::string name;
  for (const char c : instance.param.id) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

class OwnCase : public testing::TestWithParam<Case> {};

TEST_P(OwnCase, IsAnsweredAsItSays) {
  const Case& hostile = GetParam();
  bool only_group = false;
  EXPECT_EQ(complaint(hostile, judge(hostile), only_group), "") << hostile.place << " " << hostile.id;
}

TEST_P(OwnCase, CacheGivesTheSameAnswerTwice) {
  const Case& hostile = GetParam();
  if (hostile.area != "jose") return;
  const Verifier verifier = verifier_for(hostile);
  const std::string token = forge_token(hostile);
  TokenCache cache;
  const auto plain = verifier.verify(token, now_of(hostile));
  for (int round = 0; round < 3; ++round) {
    const auto cached = cache.verify(verifier, token, now_of(hostile));
    ASSERT_EQ(cached.has_value(), plain.has_value()) << hostile.place << " round " << round;
    if (!plain) {
      EXPECT_EQ(cached.error(), plain.error());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Hostile, OwnCase, testing::ValuesIn(own_cases()), test_name);

class SharedCase : public testing::TestWithParam<Case> {};

TEST_P(SharedCase, IsAnsweredAsItSays) {
  const Case& hostile = GetParam();
  bool only_group = false;
  const std::string wrong = complaint(hostile, judge(hostile), only_group);
  if (only_group) {
    std::cerr << "warning: " << hostile.id << ": " << wrong << "\n";
  } else {
    EXPECT_EQ(wrong, "") << hostile.place << " " << hostile.id;
  }
}

INSTANTIATE_TEST_SUITE_P(Hostile, SharedCase, testing::ValuesIn(shared_cases()), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SharedCase);

TEST(OwnCases, EachRefusedOneHasAnAcceptedTwinOfItsKind) {
  std::map<std::string, Case> by_id;
  for (const Case& hostile : own_cases())
    EXPECT_TRUE(by_id.emplace(hostile.id, hostile).second) << "twice: " << hostile.id;
  for (const auto& [id, hostile] : by_id) {
    if (hostile.accepted()) continue;
    const auto twin = by_id.find(hostile.twin);
    ASSERT_NE(twin, by_id.end()) << id << " has no twin";
    EXPECT_TRUE(twin->second.accepted()) << id;
    EXPECT_EQ(twin->second.area, hostile.area) << id;
  }
}

TEST(OwnCases, EveryRowOfTheListOfRefusedInputsIsCovered) {
  std::set<std::string> rows;
  for (const Case& hostile : own_cases()) {
    if (!hostile.accepted()) rows.insert(hostile.row);
  }
  for (int row = 1; row <= 25; ++row) EXPECT_TRUE(rows.contains(std::to_string(row))) << "row " << row;
}

}  // namespace
}  // namespace jeton::hostile
