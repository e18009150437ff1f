// X07: what a session does when the clock is not what it was. Times are the database's; each case states its outcome.
#include "store/conformance/harness.h"

#include <gtest/gtest.h>

#include <chrono>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

TEST_P(StoreConformance, ClockThatJumpsAnHourAheadEndsTheGraceAndNothingElse) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 7), RotateOutcome::rotated);
  move_clock(1h);
  EXPECT_EQ(rotate_outcome(0, 7), RotateOutcome::repeated) << "its own key, however long ago";
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::rotated);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::reused) << "the rotation before is an hour ago";
}

TEST_P(StoreConformance, ClockThatGoesBackAnHourEndsNoSession) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(-1h);
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::rotated);
  EXPECT_EQ(rotate_outcome(2), RotateOutcome::rotated);
  EXPECT_FALSE(session().ended_at);
}

TEST_P(StoreConformance, ClockTenYearsAheadEndsTheSessionsAndBackAgainTheyGoOn) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(std::chrono::days{3650});
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::ended);
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::ended);
  move_clock(-std::chrono::days{3650});
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::rotated) << "a wrong clock has refused, and has written nothing";
}

TEST_P(StoreConformance, ClockThatStandsStillTellsRotationsApart) {
  sign_ada_in();
  for (std::int64_t generation = 0; generation < 50; ++generation) {
    const auto rotation = rotate(generation);
    ASSERT_EQ(rotation.outcome, RotateOutcome::rotated);
    ASSERT_EQ(rotation.session.generation, generation + 1);
  }
  EXPECT_EQ(rotate_outcome(49), RotateOutcome::repeated);
  EXPECT_EQ(rotate_outcome(40), RotateOutcome::reused) << "in the same millisecond as all the others";
}

TEST_P(StoreConformance, SecondThatIsRepeatedForALeapChangesNothing) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(-1s);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::repeated);
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::rotated);
  move_clock(10s);
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::reused) << "the grace is over by the clock that stands in the row";
}

// 2038-01-19T03:14:07Z is the last second that 32 bits hold; the other is the second before a leap.
TEST_P(StoreConformance, SecondsThatOtherClocksStumbleOverAreOrdinary) {
  for (const auto moment : {std::chrono::sys_seconds{2'147'483'647s}, std::chrono::sys_seconds{1'483'228'799s}}) {
    subject_ = GetParam().make();
    move_clock(moment - now());
    sign_ada_in();
    EXPECT_EQ(rotate_outcome(0), RotateOutcome::rotated);
    move_clock(2s);
    EXPECT_EQ(rotate_outcome(0), RotateOutcome::repeated);
    EXPECT_EQ(rotate_outcome(1), RotateOutcome::rotated);
    const auto row = session();
    EXPECT_EQ(row.rotated_at, moment + 2s);
    EXPECT_GT(row.idle_expires_at, row.rotated_at);
  }
}

}  // namespace
}  // namespace jeton::store::conformance
