// Every order in which three clients can take their steps, against the invariants I1 to I3 (I4, I5 are about faults
// of the disk: src/store/sqlite/faults_test.cc, tests/e2e), and faults planted beside the real store, each of which is
// to be found. tools/soak rotation walks more steps, and longer ones by chance.
#include "menus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace jeton::model {
namespace {

void expect_no_fault(const Menu& menu, int clients, int steps, Milliseconds age_kept = grace) {
  World world(Plant::nothing, age_kept);
  Walk walk(world, menu, age_kept);
  const Count count = walk.all(clients, steps);
  EXPECT_FALSE(walk.fault()) << *walk.fault();
  std::printf("%d clients, %d steps each, %zu kinds: %s walks, %zu points, %zu operations on the store, %zu restarts\n",
              clients, steps, menu.size(), text_of(count).c_str(), walk.points(), world.operations_done(),
              world.restarts());
}

// mission row 17, mission row 18: whatever honest clients do at once, none is signed out by it.
TEST(Model, ThreeClientsOnABadNetworkKeepTheInvariants) {
  Menu menu = bad_network;
  menu.erase(Action::refresh_without_key);
  menu.erase(Action::refresh_request_lost);
  expect_no_fault(menu, 3, 3);
}

TEST(Model, TwoClientsWithFourStepsKeepTheInvariants) { expect_no_fault(bad_network, 2, 4); }

TEST(Model, ServerThatIsKilledAndSetBackKeepsTheInvariants) { expect_no_fault(bad_server, 2, 2, age_with_steps_back); }

TEST(Model, EndsOfSessionsAreKeptThroughSignInsUnderWay) {
  const Menu menu{Action::refresh,       Action::log_out, Action::change_password, Action::change_password_and_keep,
                  Action::read_password, Action::sign_in};
  expect_no_fault(menu, 2, 3);
}

// A session that was begun after the copy was made, or ended before, is not there to go on with.
TEST(Model, NothingOfTheOldHistoryGoesOnAfterARestore) {
  const Menu menu{Action::refresh, Action::refresh_answer_lost, Action::retry,   Action::log_out,
                  Action::restore, Action::change_password,     Action::sign_in, Action::read_password};
  expect_no_fault(menu, 2, 3);
}

// Names that are changed on the way change no number of walks: the reductions of walk.h.
TEST(Model, WalksThatCountAsOneAreCountedInFull) {
  World world(Plant::nothing, grace);
  Walk walk(world, bad_network, grace);
  EXPECT_EQ(text_of(walk.all(3, 1)), "3,072");
  World plain_world(Plant::nothing, grace);
  Walk plain(plain_world, bad_network, grace, Walk::Names::kept);
  EXPECT_EQ(text_of(plain.all(3, 1)), "3,072");
  EXPECT_GT(plain.points(), walk.points());
}

std::string fault_of(Plant plant, const Menu& menu, int clients, int steps) {
  World world(plant, grace);
  Walk walk(world, menu, grace);
  walk.all(clients, steps);
  return walk.fault().value_or("none");
}

TEST(PlantedFault, GraceThatSlidesIsFound) {
  const Menu menu{Action::refresh, Action::refresh_answer_lost, Action::retry_without_key, Action::clock_on_6s};
  EXPECT_THAT(fault_of(Plant::sliding_grace, menu, 2, 3), testing::HasSubstr("no history explains"));
  EXPECT_EQ(fault_of(Plant::nothing, menu, 2, 3), "none");
}

TEST(PlantedFault, GenerationComparedBeforeItIsWrittenIsFound) {
  const Menu menu{Action::refresh, Action::hold_up, Action::arrive};
  EXPECT_THAT(fault_of(Plant::check_before_write, menu, 2, 2), testing::HasSubstr("I1: a token has two successors"));
  EXPECT_EQ(fault_of(Plant::nothing, menu, 2, 2), "none");
}

TEST(PlantedFault, GenerationByTheClockIsFound) {
  const Menu menu{Action::refresh, Action::clock_on_6s};
  EXPECT_THAT(fault_of(Plant::generation_by_seconds, menu, 1, 2),
              testing::HasSubstr("I1: a token is its own successor"));
  EXPECT_EQ(fault_of(Plant::nothing, menu, 1, 2), "none");
}

TEST(PlantedFault, RestoreThatEndsNoSessionIsFound) {
  const Menu menu{Action::refresh, Action::restore};
  EXPECT_THAT(fault_of(Plant::restore_without_new_history, menu, 1, 2),
              testing::HasSubstr("another session of the user was answered"));
  EXPECT_EQ(fault_of(Plant::nothing, menu, 1, 2), "none");
}

TEST(PlantedFault, SignInThatDoesNotAskForTheEpochIsFound) {
  const Menu menu{Action::read_password, Action::sign_in, Action::change_password};
  EXPECT_THAT(fault_of(Plant::epoch_not_compared, menu, 2, 2),
              testing::HasSubstr("I2: a session by a password that was changed before"));
  EXPECT_EQ(fault_of(Plant::nothing, menu, 2, 2), "none");
}

// What the soak does with a find.
TEST(PlantedFault, FoundByChanceItIsReducedToTheStepsThatMatter) {
  World world(Plant::sliding_grace, age_with_steps_back);
  Walk walk(world, bad_network, age_with_steps_back);
  std::mt19937_64 chance{1};
  for (int i = 0; i < 10'000; ++i) {
    if (!walk.one(chance, 3, 25, true)) break;
  }
  ASSERT_TRUE(walk.fault());
  const auto steps = walk.fewest(walk.steps_taken(), 3);
  EXPECT_LE(steps.size(), 6U) << *walk.fault();
  EXPECT_FALSE(walk.again(steps, 3));
}

}  // namespace
}  // namespace jeton::model
