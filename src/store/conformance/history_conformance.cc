// Which history a database is of, and what a new one begins with.
#include "store/conformance/feed_reader.h"
#include "store/conformance/harness.h"

namespace jeton::store::conformance {
namespace {

TEST_P(StoreConformance, NewStoreHasNoEpochAndNoProgress) {
  const auto mark = db().read_mark().value();
  EXPECT_EQ(mark.epoch, "");
  EXPECT_EQ(mark.progress, 0);
  EXPECT_EQ(mark.feed_number, 0U);
  EXPECT_FALSE(mark.has_gone_back);
}

TEST_P(StoreConformance, MarkGoesUpAndSaysHowFarTheFeedHasCome) {
  ASSERT_TRUE(db().settle({{"store_epoch", "first"}}));
  sign_ada_in();
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  const auto mark = db().advance().value();
  EXPECT_EQ(mark.epoch, "first");
  EXPECT_EQ(mark.progress, 1);
  EXPECT_EQ(mark.feed_number, 1U);
  EXPECT_EQ(mark.feed_hash, db().read_head()->hash);
  EXPECT_EQ(db().advance()->progress, 2);
  subject_->restart();
  EXPECT_EQ(db().read_mark()->progress, 2);
}

TEST_P(StoreConformance, NewHistoryEndsEverySessionForgetsTheKeysAndEmptiesTheFeed) {
  ASSERT_TRUE(db().settle({{"store_epoch", "first"}}));
  sign_ada_in();
  ASSERT_EQ(db().set_claims("usr_ada", "{}"), true);
  ASSERT_EQ(db().import_key({.kid = "k1", .algorithm = "ES256", .state = KeyState::active, .public_jwk = "{}"}),
            KeyChange::done);
  ASSERT_TRUE(db().note_gone_back("a test says so"));
  EXPECT_TRUE(db().read_mark()->has_gone_back);
  EXPECT_TRUE(db().read_entries(0)->head.has_gone_back);

  const auto mark = db().begin_history("second").value();
  EXPECT_EQ(mark.epoch, "second");
  EXPECT_EQ(mark.progress, 1);
  EXPECT_EQ(mark.feed_number, 0U);
  EXPECT_EQ(mark.feed_hash, FeedHash{});
  EXPECT_FALSE(mark.has_gone_back);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended);
  EXPECT_EQ(session().end_reason, EndReason::store_went_back);
  EXPECT_TRUE(db().read_keys()->keys.empty());
  EXPECT_TRUE(read_feed(subject_->store()).empty());
  EXPECT_TRUE(db().find_by_sub("usr_ada").value()) << "users stay";
}

TEST_P(StoreConformance, FormerEpochsAreRememberedNewestFirst) {
  ASSERT_TRUE(db().settle({{"store_epoch", "epoch-0"}}));
  for (int i = 1; i <= former_epochs_max + 3; ++i) {
    ASSERT_TRUE(db().begin_history("epoch-" + std::to_string(i)));
  }
  const auto former = db().settle({})->at(former_epochs_setting);
  EXPECT_TRUE(former.starts_with("epoch-18 epoch-17 ")) << former;
  EXPECT_TRUE(former.ends_with(" epoch-3")) << former;
}

TEST_P(StoreConformance, GenerationFromTheFutureIsNotedForAllProcesses) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(7), RotateOutcome::went_back);
  const auto other = subject_->open_another();
  EXPECT_TRUE(Waiting{*other}.read_mark()->has_gone_back);
}

}  // namespace
}  // namespace jeton::store::conformance
