// Signing in, and ending sessions.
#include "store/conformance/harness.h"

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

TEST_P(StoreConformance, SignInStartsASessionAtGenerationZero) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto request = sign_in_of("ada", 1, now());
  request.delivery = Delivery::cookie;
  request.key_id = 0xFFFFFFFF;
  ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  const auto made = session();
  EXPECT_EQ(made.sid, sid_of(1));
  EXPECT_EQ(made.generation, 0);
  EXPECT_EQ(made.key_id, 0xFFFFFFFF);
  EXPECT_EQ(made.sub, "usr_ada");
  EXPECT_EQ(made.client_id, "first-party");
  EXPECT_EQ(made.scope, "read write");
  EXPECT_EQ(made.audience, "api");
  EXPECT_EQ(made.delivery, Delivery::cookie);
  EXPECT_EQ(made.security_epoch, 0);
  EXPECT_EQ(made.auth_time, now());
  EXPECT_EQ(made.rotated_at, now());
  EXPECT_EQ(made.idle_expires_at, now() + idle);
  EXPECT_EQ(made.absolute_expires_at, now() + absolute);
  EXPECT_EQ(made.access_expires_max, now() + 15min);
  EXPECT_FALSE(made.ended_at);
}

TEST_P(StoreConformance, IdleExpiryOfASignInIsNeverPastTheAbsoluteOne) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto request = sign_in_of("ada", 1, now());
  request.absolute = 1h;
  ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  EXPECT_EQ(session().idle_expires_at, now() + 1h);
}

TEST_P(StoreConformance, SignInOfAnUnknownUserIsRefused) {
  EXPECT_EQ(db().sign_in(sign_in_of("nobody", 1, now())), SignInOutcome::refused);
  EXPECT_EQ(db().find_session(sid_of(1)).value(), std::nullopt);
}

TEST_P(StoreConformance, SignInOfADisabledUserIsRefused) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  auto request = sign_in_of("ada", 1, now());
  request.security_epoch = ada().security_epoch;
  EXPECT_EQ(db().sign_in(request), SignInOutcome::refused);
  EXPECT_EQ(db().find_session(sid_of(1)).value(), std::nullopt);
}

TEST_P(StoreConformance, SignInAgainstARaisedSecurityEpochIsRefused) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  const auto request = sign_in_of("ada", 1, now());  // the password was checked against epoch 0
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$new"), true);
  EXPECT_EQ(db().sign_in(request), SignInOutcome::refused);
  EXPECT_EQ(db().find_session(sid_of(1)).value(), std::nullopt);
  auto again = request;
  again.security_epoch = 1;
  EXPECT_EQ(db().sign_in(again), SignInOutcome::signed_in);
}

TEST_P(StoreConformance, SessionIdThatExistsIsAnErrorAndLeavesTheFirst) {
  sign_ada_in();
  rotate_up_to(1);
  EXPECT_FALSE(db().sign_in(sign_in_of("ada", 1, now())).has_value());
  EXPECT_EQ(session().generation, 1);
}

TEST_P(StoreConformance, EndingASessionIsTrueOnce) {
  sign_ada_in();
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  const auto ended = session();
  EXPECT_EQ(ended.ended_at, now());
  EXPECT_EQ(ended.end_reason, EndReason::logout);
  move_clock(1s);
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::revoked), false);
  EXPECT_EQ(session().end_reason, EndReason::logout);
  EXPECT_EQ(session().ended_at, ended.ended_at);
}

TEST_P(StoreConformance, EndingAnUnknownSessionIsFalse) {
  EXPECT_EQ(db().end_session(sid_of(77), EndReason::logout), false);
}

TEST_P(StoreConformance, EndingAnExpiredSessionIsFalse) {
  sign_ada_in();
  move_clock(idle);
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::logout), false);
}

TEST_P(StoreConformance, EndedSessionStaysEndedAfterARestart) {
  sign_ada_in();
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  subject_->restart();
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended);
}

TEST_P(StoreConformance, EndingAllSessionsEndsThoseOfTheUserAndRaisesBothCounters) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 3, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().end_session(sid_of(3), EndReason::logout), true);
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 4, now())), SignInOutcome::signed_in);

  EXPECT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 2);
  EXPECT_EQ(session(1).end_reason, EndReason::revoked);
  EXPECT_EQ(session(2).end_reason, EndReason::revoked);
  EXPECT_EQ(session(3).end_reason, EndReason::logout);
  EXPECT_FALSE(session(4).ended_at);
  EXPECT_EQ(ada().security_epoch, 1);
  EXPECT_EQ(ada().version, 1);
  EXPECT_EQ(db().find_by_sub("usr_bob")->value().version, 0);
  EXPECT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 0);
}

TEST_P(StoreConformance, EndingAllSessionsOfAnUnknownUserEndsNone) {
  EXPECT_EQ(db().end_all_sessions("usr_nobody", EndReason::revoked), 0);
}

TEST_P(StoreConformance, UnknownSessionIsNotFound) { EXPECT_EQ(db().find_session(sid_of(5)).value(), std::nullopt); }

TEST_P(StoreConformance, LongAgentsAndStrangeAddressesDoNoHarm) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto request = sign_in_of("ada", 1, now());
  request.user_agent = std::string(95, 'x') + std::string(20'000, '\xE2');
  request.address = std::string("not an address\0'; --", 20);
  EXPECT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  auto rotation = rotation_of(1, 0, now());
  rotation.user_agent = std::string(1, '\0');
  rotation.address = "2001:db8::1";
  EXPECT_EQ(db().rotate(rotation)->outcome, RotateOutcome::rotated);
}

}  // namespace
}  // namespace jeton::store::conformance
