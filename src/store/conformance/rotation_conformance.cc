// Rule 4.3 of the design, case by case: what each distance between the stored and the presented generation means.
//
// mission row 17: the refresh token is stored, as its session's row, with an expiry in a database.
#include "store/conformance/harness.h"
#include "store/rotation_rule.h"

#include <limits>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto grace = 10'000ms;

TEST_P(StoreConformance, CurrentGenerationRotates) {
  sign_ada_in();
  move_clock(1min);
  auto request = rotation_of(1, 0, now());
  request.key_id = 2;
  const auto rotation = db().rotate(request).value();
  EXPECT_EQ(rotation.outcome, RotateOutcome::rotated);
  EXPECT_EQ(rotation.session.generation, 1);
  EXPECT_EQ(rotation.session.key_id, 2U);
  EXPECT_EQ(rotation.session.rotated_at, now());
  EXPECT_EQ(rotation.session.previous_rotated_at, now() - 1min);
  EXPECT_EQ(rotation.session.access_expires_max, now() + 15min);
  EXPECT_EQ(rotation.session.sub, "usr_ada");
  EXPECT_EQ(rotation.session.scope, "read write");
  EXPECT_EQ(rotation.session.audience, "api");
  EXPECT_EQ(rotation.user.sub, "usr_ada");
  EXPECT_EQ(rotation.user.claims_json, new_user("ada").claims_json);
}

TEST_P(StoreConformance, EachRotationGoesOneGenerationOn) {
  sign_ada_in();
  rotate_up_to(5);
  EXPECT_EQ(session().generation, 5);
}

TEST_P(StoreConformance, RotationSurvivesARestart) {
  sign_ada_in();
  rotate_up_to(3);
  subject_->restart();
  EXPECT_EQ(session().generation, 3);
  move_clock(1min);
  EXPECT_EQ(rotate_outcome(2), RotateOutcome::reused);
}

TEST_P(StoreConformance, OneBehindWithinTheGraceIsRepeatedAndDoesNotRotate) {
  sign_ada_in();
  move_clock(1min);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(grace - 1ms);
  auto request = rotation_of(1, 0, now());
  request.key_id = 9;
  const auto repeat = db().rotate(request).value();
  EXPECT_EQ(repeat.outcome, RotateOutcome::repeated);
  EXPECT_EQ(repeat.session.generation, 1);
  EXPECT_EQ(repeat.session.key_id, 1U) << "the current token is recomputed with the row's key";
  EXPECT_EQ(repeat.session.rotated_at, now() - (grace - 1ms));
  EXPECT_EQ(repeat.user.sub, "usr_ada");
}

TEST_P(StoreConformance, OneBehindWhenTheGraceHasPassedIsReuse) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(grace);
  const auto rotation = rotate(0);
  EXPECT_EQ(rotation.outcome, RotateOutcome::reused);
  EXPECT_EQ(rotation.session.ended_at, now());
  EXPECT_EQ(rotation.session.end_reason, EndReason::reuse);
}

TEST_P(StoreConformance, GraceDoesNotSlideWithRepeats) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(6s);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::repeated);
  move_clock(3s);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::repeated);
  move_clock(1s);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::reused);
}

TEST_P(StoreConformance, NegativeAgeCountsAsNoneSoThatAClockSetBackRepeats) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(-1h);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::repeated);
}

TEST_P(StoreConformance, GraceOfZeroMeansNone) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  auto request = rotation_of(1, 0, now());
  request.grace = 0ms;
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::reused);
}

TEST_P(StoreConformance, GraceIsNeverMoreThanFiveMinutes) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  auto request = rotation_of(1, 0, now());
  request.grace = 24h;
  move_clock(300s - 1ms);
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::repeated);
  move_clock(1ms);
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::reused);
}

TEST_P(StoreConformance, OneBehindWithTheKeyOfTheRotationIsRepeatedHoweverLongAgo) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  move_clock(24h * 20);
  EXPECT_EQ(rotate_outcome(0, 5), RotateOutcome::repeated);
  EXPECT_EQ(rotate_outcome(0, 5), RotateOutcome::repeated);
  EXPECT_EQ(session().generation, 1);
}

TEST_P(StoreConformance, OneBehindLaterWithAnotherKeyIsReuse) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  move_clock(grace);
  EXPECT_EQ(rotate_outcome(0, 6), RotateOutcome::reused);
}

TEST_P(StoreConformance, OneBehindLaterWithoutTheKeyIsReuse) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  move_clock(grace);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::reused);
}

TEST_P(StoreConformance, KeyOfARotationWithoutOneMatchesNothing) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(grace);
  EXPECT_EQ(rotate_outcome(0, 5), RotateOutcome::reused);
}

TEST_P(StoreConformance, RepeatWithinTheGraceDoesNotReplaceTheStoredKey) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  ASSERT_EQ(rotate_outcome(0, 6), RotateOutcome::repeated);
  move_clock(grace);
  EXPECT_EQ(rotate_outcome(0, 5), RotateOutcome::repeated);
  EXPECT_EQ(rotate_outcome(0, 6), RotateOutcome::reused);
}

TEST_P(StoreConformance, StoredKeyAtTheCurrentGenerationIsRefusedAndChangesNothing) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  const auto before = session();
  move_clock(1s);
  EXPECT_EQ(rotate_outcome(1, 5), RotateOutcome::key_reused);
  const auto after = session();
  EXPECT_EQ(after.generation, 1);
  EXPECT_EQ(after.rotated_at, before.rotated_at);
  EXPECT_EQ(after.idle_expires_at, before.idle_expires_at);
  EXPECT_EQ(after.access_expires_max, before.access_expires_max);
  EXPECT_FALSE(after.ended_at);
  EXPECT_EQ(rotate_outcome(1, 6), RotateOutcome::rotated);
}

TEST_P(StoreConformance, KeyOfAnEarlierRotationMayComeAgain) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  ASSERT_EQ(rotate_outcome(1, 6), RotateOutcome::rotated);
  EXPECT_EQ(rotate_outcome(2, 5), RotateOutcome::rotated);
}

TEST_P(StoreConformance, RotationWithoutAKeyForgetsTheOneBefore) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  ASSERT_EQ(rotate_outcome(1), RotateOutcome::rotated);
  move_clock(grace);
  EXPECT_EQ(rotate_outcome(1, 5), RotateOutcome::reused);
}

// F07: only the last token may be repeated.
TEST_P(StoreConformance, TwoBehindWithinTheGraceOfTheRotationBeforeIsSupersededAndEndsNothing) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(5s);
  ASSERT_EQ(rotate_outcome(1), RotateOutcome::rotated);
  move_clock(5s - 1ms);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::superseded);
  EXPECT_FALSE(session().ended_at);
  EXPECT_EQ(rotate_outcome(2), RotateOutcome::rotated);
}

TEST_P(StoreConformance, TwoBehindWhenThatGraceHasPassedIsReuse) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(5s);
  ASSERT_EQ(rotate_outcome(1), RotateOutcome::rotated);
  move_clock(5s);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::reused);
}

TEST_P(StoreConformance, TwoBehindWithTheStoredKeyIsReuseAllTheSame) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0, 5), RotateOutcome::rotated);
  move_clock(1min);
  ASSERT_EQ(rotate_outcome(1, 6), RotateOutcome::rotated);
  EXPECT_EQ(rotate_outcome(0, 6), RotateOutcome::reused);
}

TEST_P(StoreConformance, ThreeBehindIsReuseEvenAtOnce) {
  sign_ada_in();
  for (int at = 0; at < 3; ++at) ASSERT_EQ(rotate_outcome(at), RotateOutcome::rotated);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::reused);
}

TEST_P(StoreConformance, ReuseEndsTheSessionAndItsLatestTokenWithIt) {
  sign_ada_in();
  rotate_up_to(2);
  move_clock(1min);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::reused);
  EXPECT_EQ(rotate_outcome(2), RotateOutcome::ended);
  const auto first_end = session().ended_at;
  move_clock(1min);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended) << "an ended session sees no second event";
  EXPECT_EQ(session().ended_at, first_end);
}

TEST_P(StoreConformance, ReuseLeavesOtherSessionsOfTheUser) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  rotate_up_to(2);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::reused);
  EXPECT_EQ(db().rotate(rotation_of(2, 0, now()))->outcome, RotateOutcome::rotated);
}

TEST_P(StoreConformance, AheadOfTheStoredMeansTheDatabaseWentBackAndEndsTheSession) {
  sign_ada_in();
  rotate_up_to(2);
  const auto rotation = rotate(3);
  EXPECT_EQ(rotation.outcome, RotateOutcome::went_back);
  EXPECT_EQ(rotation.session.end_reason, EndReason::store_went_back);
  EXPECT_EQ(rotation.session.ended_at, now());
  EXPECT_EQ(rotate_outcome(2), RotateOutcome::ended);
}

TEST_P(StoreConformance, DistanceIsSignedAndWide) {
  sign_ada_in();
  rotate_up_to(1);
  // As unsigned 32-bit numbers, or wrapped, each of these would look like a distance of 0, 1 or 2.
  EXPECT_EQ(rotate_outcome(std::numeric_limits<std::uint32_t>::max()), RotateOutcome::went_back);

  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 3, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().rotate(rotation_of(2, std::int64_t{1} << 32, now()))->outcome, RotateOutcome::went_back);
  EXPECT_EQ(db().rotate(rotation_of(3, std::numeric_limits<std::int64_t>::min(), now()))->outcome,
            RotateOutcome::reused);
}

TEST_P(StoreConformance, UnknownSessionIsUnknown) { EXPECT_EQ(rotate_outcome(0), RotateOutcome::unknown); }

TEST_P(StoreConformance, AnotherClientIsRefusedAndNothingChanges) {
  sign_ada_in();
  rotate_up_to(2);
  auto request = rotation_of(1, 0, now());  // reuse, were it the right client
  request.client_id = "another";
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::other_client);
  request.generation = 2;
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::other_client);
  EXPECT_FALSE(session().ended_at);
  EXPECT_EQ(session().generation, 2);
}

TEST_P(StoreConformance, ATokenThatWasDeliveredOtherwiseIsRefusedAndNothingChanges) {
  sign_ada_in();
  rotate_up_to(2);
  auto request = rotation_of(1, 2, now());
  request.delivery = Delivery::cookie;
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::other_delivery);
  request.generation = 0;
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::other_delivery) << "no reuse: it comes before the distance";
  EXPECT_FALSE(session().ended_at);
  EXPECT_EQ(session().generation, 2);
  EXPECT_EQ(rotate_outcome(2), RotateOutcome::rotated);
}

TEST_P(StoreConformance, WiderScopeIsRefusedAndNothingChanges) {
  sign_ada_in();
  rotate_up_to(2);
  auto request = rotation_of(1, 2, now());
  for (const auto* scope : {"admin", "read admin", "read write admin", "rea", "READ"}) {
    request.scope = scope;
    EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::wider_scope) << scope;
  }
  request.generation = 0;
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::wider_scope) << "scope comes before the distance";
  EXPECT_FALSE(session().ended_at);
  EXPECT_EQ(session().generation, 2);
}

TEST_P(StoreConformance, NarrowerScopeRotatesAndTheSessionKeepsItsOwn) {
  sign_ada_in();
  auto request = rotation_of(1, 0, now());
  request.scope = "write";
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::rotated);
  EXPECT_EQ(session().scope, "read write");
  request.generation = 1;
  request.scope = "write read";
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::rotated);
}

TEST_P(StoreConformance, ClientIsCheckedBeforeScopeAndLifeBeforeBoth) {
  sign_ada_in();
  auto request = rotation_of(1, 0, now());
  request.client_id = "another";
  request.scope = "admin";
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::other_client);
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  EXPECT_EQ(db().rotate(request)->outcome, RotateOutcome::ended);
}

TEST_P(StoreConformance, IdleSessionIsEnded) {
  sign_ada_in();
  move_clock(idle - 1ms);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  move_clock(idle);
  EXPECT_EQ(rotate_outcome(1), RotateOutcome::ended) << "expiring exactly now is expired";
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended) << "and so it is no reuse";
}

TEST_P(StoreConformance, RotationRaisesTheIdleExpiryAndNeverPastTheAbsoluteOne) {
  sign_ada_in();
  const auto begun = now();
  EXPECT_EQ(session().idle_expires_at, begun + idle);
  EXPECT_EQ(session().absolute_expires_at, begun + absolute);
  std::int64_t generation = 0;
  while (now() + idle < begun + absolute) {
    move_clock(24h * 20);
    ASSERT_EQ(rotate_outcome(generation++), RotateOutcome::rotated);
    EXPECT_EQ(session().idle_expires_at, std::min(now() + idle, begun + absolute));
  }
  EXPECT_EQ(session().idle_expires_at, begun + absolute);
  move_clock(begun + absolute - now() - 1ms);
  ASSERT_EQ(rotate_outcome(generation++), RotateOutcome::rotated);
  move_clock(1ms);
  EXPECT_EQ(rotate_outcome(generation), RotateOutcome::ended);
}

TEST_P(StoreConformance, RepeatDoesNotRaiseTheIdleExpiry) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  const auto raised = session().idle_expires_at;
  move_clock(5s);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::repeated);
  EXPECT_EQ(session().idle_expires_at, raised);
}

TEST_P(StoreConformance, AbsurdLifetimesAreBoundedInsteadOfWrapping) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto request = sign_in_of("ada", 1, now());
  request.idle = request.absolute = std::chrono::milliseconds::max();
  ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  auto rotation = rotation_of(1, 0, now());
  rotation.idle = std::chrono::milliseconds::max();
  EXPECT_EQ(db().rotate(rotation)->outcome, RotateOutcome::rotated);
  EXPECT_GT(session().idle_expires_at, now() + 24h * 365 * 100);
}

TEST_P(StoreConformance, AccessExpiryOnlyRises) {
  sign_ada_in();
  auto request = rotation_of(1, 0, now());
  request.access_expires_at = now() + 1h;
  EXPECT_EQ(db().rotate(request)->session.access_expires_max, now() + 1h);
  request.access_expires_at = now() + 2h;
  EXPECT_EQ(db().rotate(request)->session.access_expires_max, now() + 2h) << "a repeat raises it too";
  request.access_expires_at = now() + 1min;
  EXPECT_EQ(db().rotate(request)->session.access_expires_max, now() + 2h);
  request.generation = 1;
  EXPECT_EQ(db().rotate(request)->session.access_expires_max, now() + 2h);
}

TEST_P(StoreConformance, RaisedAccessExpiryOfARepeatSurvivesARestart) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::rotated);
  auto request = rotation_of(1, 0, now());
  request.access_expires_at = now() + 3h;
  ASSERT_EQ(db().rotate(request)->outcome, RotateOutcome::repeated);
  subject_->restart();
  EXPECT_EQ(session().access_expires_max, now() + 3h);
}

TEST_P(StoreConformance, ClaimsOfARotationAreThoseOfNow) {
  sign_ada_in();
  ASSERT_EQ(db().set_claims("usr_ada", R"({"plan":"pro"})"), true);
  const auto rotation = rotate(0);
  EXPECT_EQ(rotation.outcome, RotateOutcome::rotated);
  EXPECT_EQ(rotation.user.claims_json, R"({"plan":"pro"})");
  EXPECT_EQ(rotation.user.version, 1);
}

TEST_P(StoreConformance, ClaimsOfAnyLengthComeWithARotation) {
  sign_ada_in();
  const std::string long_claims = R"({"note":")" + std::string(4000, 'x') + R"("})";
  ASSERT_EQ(db().set_claims("usr_ada", long_claims), true);
  EXPECT_EQ(rotate(0).user.claims_json, long_claims);
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().rotate(rotation_of(2, 0, now()))->user.claims_json, long_claims) << "of a session begun with them";
  ASSERT_EQ(db().set_claims("usr_ada", R"({"plan":"pro"})"), true);
  const auto rotation = rotate(1);
  EXPECT_EQ(rotation.user.claims_json, R"({"plan":"pro"})");
  EXPECT_EQ(rotation.user.version, 2);
  EXPECT_EQ(rotation.user.sub, "usr_ada");
  EXPECT_EQ(rotation.user.email, new_user("ada").email);
}

// Whatever happened to the user between two rotations: each tells the claims and the version of that moment.
TEST_P(StoreConformance, RotationTellsOfItsUserAsASignInWould) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  const auto same_as_read = [&](const Rotation& rotation) {
    const auto read = db().find_by_sub("usr_ada").value();
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(rotation.outcome, RotateOutcome::rotated);
    EXPECT_EQ(rotation.user.sub, read->sub);
    EXPECT_EQ(rotation.user.email, read->email);
    EXPECT_EQ(rotation.user.claims_json, read->claims_json);
    EXPECT_EQ(rotation.user.version, read->version);
    EXPECT_EQ(rotation.user.security_epoch, read->security_epoch);
  };
  same_as_read(rotate(0));
  ASSERT_EQ(db().change_password("usr_ada", "$new", sid_of(1)), true);
  same_as_read(rotate(1));
  ASSERT_EQ(db().set_claims("usr_ada", R"({"roles":["admin"]})"), true);
  same_as_read(rotate(2));
  EXPECT_EQ(db().rotate(rotation_of(2, 0, now()))->outcome, RotateOutcome::ended) << "the other, by the new password";
}

TEST_P(StoreConformance, DisabledUserCannotRotate) {
  sign_ada_in();
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended);
  EXPECT_EQ(session().end_reason, EndReason::user_disabled);
  ASSERT_EQ(db().set_disabled("usr_ada", false), true);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended) << "enabling again revives nothing";
}

TEST_P(StoreConformance, ManyAtOnceHaveOneSuccessorAndAllTheRestRepeatIt) {
  sign_ada_in();
  auto other = subject_->open_another();
  constexpr int clients = 50;
  for (std::int64_t generation = 0; generation < 10; ++generation) {
    std::vector<std::future<Result<Rotation>>> answers;
    for (int i = 0; i < clients; ++i) {
      auto promise = std::make_shared<std::promise<Result<Rotation>>>();
      answers.push_back(promise->get_future());
      auto& store = i % 2 == 0 ? subject_->store() : *other;
      store.sessions().rotate(rotation_of(1, generation, now()),
                              [promise](Result<Rotation> result) { promise->set_value(std::move(result)); });
    }
    int rotated = 0;
    for (auto& answer : answers) {
      const auto rotation = answer.get().value();
      rotated += rotation.outcome == RotateOutcome::rotated ? 1 : 0;
      EXPECT_TRUE(rotation.outcome == RotateOutcome::rotated || rotation.outcome == RotateOutcome::repeated);
      EXPECT_EQ(rotation.session.generation, generation + 1);
    }
    EXPECT_EQ(rotated, 1);
  }
  EXPECT_FALSE(session().ended_at);
}

}  // namespace
}  // namespace jeton::store::conformance
