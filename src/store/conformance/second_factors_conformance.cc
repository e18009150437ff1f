// Second factors: each step and each recovery code is good once, and tries have a budget.
#include "store/conformance/harness.h"

#include <algorithm>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

const std::vector<std::byte> secret{std::byte{1}, std::byte{2}, std::byte{3}};

void enable(Waiting db) {
  ASSERT_EQ(db.begin_factor("usr_ada", secret), true);
  ASSERT_EQ(db.confirm_factor("usr_ada", secret, 100, {key_of(1), key_of(2)}), true);
}

TEST_P(StoreConformance, FactorCountsOnlyOnceItIsConfirmed) {
  sign_ada_in();
  EXPECT_FALSE(db().find_factor("usr_ada").value());
  EXPECT_EQ(db().begin_factor("usr_nobody", secret), false);
  ASSERT_EQ(db().begin_factor("usr_ada", {std::byte{9}}), true);
  ASSERT_EQ(db().begin_factor("usr_ada", secret), true) << "begun anew, as long as it is not confirmed";
  EXPECT_FALSE(db().find_factor("usr_ada").value()->confirmed);
  EXPECT_EQ(db().use_step("usr_ada", 100), false);
  EXPECT_EQ(db().confirm_factor("usr_ada", {std::byte{9}}, 100, {}), false) << "another secret than the one shown last";
  ASSERT_EQ(db().confirm_factor("usr_ada", secret, 100, {key_of(1), key_of(2)}), true);
  const auto factor = db().find_factor("usr_ada").value();
  EXPECT_TRUE(factor->confirmed);
  EXPECT_EQ(factor->sealed, secret);
  EXPECT_EQ(factor->recovery_codes, 2);
  EXPECT_EQ(db().begin_factor("usr_ada", {std::byte{9}}), false) << "a confirmed one is not overwritten";
  EXPECT_EQ(db().confirm_factor("usr_ada", secret, 101, {}), false);
}

TEST_P(StoreConformance, StepIsUsedOnceAndNeverAnEarlierOne) {
  sign_ada_in();
  enable(db());
  EXPECT_EQ(db().use_step("usr_ada", 100), false) << "the step of the confirmation";
  EXPECT_EQ(db().use_step("usr_ada", 102), true);
  EXPECT_EQ(db().use_step("usr_ada", 102), false);
  EXPECT_EQ(db().use_step("usr_ada", 101), false);
  EXPECT_EQ(db().use_step("usr_ada", 103), true);
}

TEST_P(StoreConformance, RecoveryCodeIsUsedOnceAndByItsUserAlone) {
  sign_ada_in();
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  enable(db());
  EXPECT_EQ(db().use_recovery_code("usr_bob", key_of(1)), false);
  EXPECT_EQ(db().use_recovery_code("usr_ada", key_of(9)), false);
  EXPECT_EQ(db().use_recovery_code("usr_ada", key_of(1)), true);
  EXPECT_EQ(db().use_recovery_code("usr_ada", key_of(1)), false);
  EXPECT_EQ(db().find_factor("usr_ada").value()->recovery_codes, 1);
}

TEST_P(StoreConformance, TriesHaveABudgetThatASuccessOrTimeGivesBack) {
  sign_ada_in();
  EXPECT_EQ(db().take_try("usr_ada", 3, 10min), false) << "nothing to try";
  enable(db());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(db().take_try("usr_ada", 3, 10min), true);
  EXPECT_EQ(db().take_try("usr_ada", 3, 10min), false);
  move_clock(10min - 1ms);
  EXPECT_EQ(db().take_try("usr_ada", 3, 10min), false);
  move_clock(1ms);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(db().take_try("usr_ada", 3, 10min), true);
  EXPECT_EQ(db().take_try("usr_ada", 3, 10min), false);
  EXPECT_EQ(db().use_step("usr_ada", 200), true);
  EXPECT_EQ(db().take_try("usr_ada", 3, 10min), true);
  move_clock(-1h);
  EXPECT_EQ(db().take_try("usr_ada", 1, 10min), true) << "a clock that was set back does not close it for an hour";
}

TEST_P(StoreConformance, RemovedFactorLeavesNothingBehind) {
  sign_ada_in();
  EXPECT_EQ(db().remove_factor("usr_ada"), false);
  enable(db());
  EXPECT_EQ(db().remove_factor("usr_ada"), true);
  EXPECT_FALSE(db().find_factor("usr_ada").value());
  EXPECT_EQ(db().use_recovery_code("usr_ada", key_of(2)), false);
  enable(db());
}

TEST_P(StoreConformance, OfManyWhoUseOneStepAtOnceOneSucceeds) {
  sign_ada_in();
  enable(db());
  auto other = subject_->open_another();
  for (int round = 0; round < 10; ++round) {
    std::vector<std::future<Result<bool>>> answers;
    for (int i = 0; i < 6; ++i) {
      auto promise = std::make_shared<std::promise<Result<bool>>>();
      answers.push_back(promise->get_future());
      (i % 2 == 0 ? subject_->store() : *other)
          .second_factors()
          .use_step("usr_ada", 200 + round, [promise](Result<bool> result) { promise->set_value(std::move(result)); });
    }
    EXPECT_EQ(std::ranges::count_if(answers, [](auto& answer) { return answer.get().value(); }), 1);
  }
}

}  // namespace
}  // namespace jeton::store::conformance
