// What is known of a session's device, suspicion, one's own sessions, and their cap.
#include "store/conformance/feed_reader.h"
#include "store/conformance/harness.h"

namespace jeton::store::conformance {

using namespace std::chrono_literals;

constexpr const char* chrome = "Chrome/126;Linux";

void DeviceConformance::SetUp() {
  StoreConformance::SetUp();
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  for (int sid = 1; sid <= 3; ++sid) {
    auto request = sign_in_of("ada", sid, now());
    request.user_agent = chrome;
    request.address = "192.0.2.7";
    request.fingerprint = Fingerprint{std::byte{7}};
    ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  }
}

RotateRequest DeviceConformance::from_home(std::int64_t generation, int sid) {
  auto request = rotation_of(sid, generation, now());
  request.user_agent = chrome;
  request.address = "192.0.2.7";
  request.fingerprint = Fingerprint{std::byte{7}};
  request.suspicion = {.log = 30, .notify = 60, .login = 80, .end = 100};
  return request;
}

namespace {

TEST_P(DeviceConformance, FirstAndLastAddressAreKept) {
  EXPECT_EQ(session().user_agent, chrome);
  EXPECT_EQ(session().first_address, "192.0.2.7");
  auto request = from_home(0);
  request.address = "2001:db8::1";
  request.user_agent = "Chrome/127;Linux";
  EXPECT_EQ(rotate_as(request).outcome, RotateOutcome::rotated);
  request.generation = 1;
  request.address = "198.51.100.9";
  EXPECT_EQ(rotate_as(request).outcome, RotateOutcome::rotated);
  EXPECT_EQ(session().address, "198.51.100.9");
  EXPECT_EQ(session().first_address, "192.0.2.7");
  EXPECT_EQ(session().user_agent, "Chrome/127;Linux");
  request.generation = 2;
  request.address.clear();
  EXPECT_EQ(rotate_as(request).outcome, RotateOutcome::rotated);
  EXPECT_EQ(session().address, "198.51.100.9") << "what is not said stays";
}

TEST_P(DeviceConformance, RepeatsOfAGenerationAreCounted) {
  EXPECT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::rotated);
  EXPECT_EQ(session().repeats, 0);
  move_clock(1s);
  EXPECT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::repeated);
  EXPECT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::repeated);
  EXPECT_EQ(session().repeats, 2);
  EXPECT_EQ(session().repeated_at, now());
  EXPECT_EQ(rotate_as(from_home(1)).outcome, RotateOutcome::rotated);
  EXPECT_EQ(session().repeats, 0);
  EXPECT_FALSE(session().repeated_at);
}

// mission row 19: on suspicion exactly that session ends, the others stay.
TEST_P(DeviceConformance, AThiefEndsTheSessionHeStoleFromAndNoOther) {
  auto thief = from_home(0);
  thief.user_agent = "curl/8";
  thief.address = "203.0.113.9";
  thief.fingerprint.reset();
  const auto rotation = rotate_as(thief);
  EXPECT_EQ(rotation.outcome, RotateOutcome::suspected);
  EXPECT_EQ(rotation.suspicion.score, 140U);
  EXPECT_EQ(rotation.session.generation, 0);
  EXPECT_EQ(session().end_reason, EndReason::suspicion);
  EXPECT_FALSE(live(1));
  EXPECT_TRUE(live(2));
  EXPECT_TRUE(live(3));
  EXPECT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::ended);
  EXPECT_EQ(rotate_as(from_home(0, 2)).outcome, RotateOutcome::rotated);
}

TEST_P(DeviceConformance, WhoMustSignInGetsNothingAndTheOwnerGoesOn) {
  auto stranger = from_home(0);
  stranger.user_agent = "curl/8";
  stranger.address = "203.0.113.9";
  for (int i = 0; i < 3; ++i) {
    const auto rotation = rotate_as(stranger);
    EXPECT_EQ(rotation.outcome, RotateOutcome::login_demanded);
    EXPECT_EQ(rotation.session.generation, 0);
  }
  EXPECT_EQ(session().address, "192.0.2.7");
  EXPECT_EQ(session().least_generation, 1) << "access tokens of this generation are cut, the next one's are good";
  EXPECT_EQ(session(2).least_generation, 0);
  EXPECT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::rotated);
}

TEST_P(DeviceConformance, LesserSignsRotateAndAreTold) {
  auto other = from_home(0);
  other.fingerprint = Fingerprint{std::byte{8}};
  auto rotation = rotate_as(other);
  EXPECT_EQ(rotation.outcome, RotateOutcome::rotated);
  EXPECT_EQ(rotation.suspicion.action, SuspicionAction::notify);
  EXPECT_EQ(rotation.session.generation, 1);
  other.generation = 1;
  rotation = rotate_as(other);
  EXPECT_EQ(rotation.suspicion.action, SuspicionAction::none) << "it is the known one now";
  other.generation = 2;
  other.address = "203.0.113.9";
  EXPECT_EQ(rotate_as(other).suspicion.score, 10U);
}

TEST_P(DeviceConformance, TheSameTokenFromTwoPlacesAtOnceEndsTheSession) {
  EXPECT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::rotated);
  auto roaming = from_home(0);
  roaming.address = "203.0.113.9";
  EXPECT_EQ(rotate_as(roaming).outcome, RotateOutcome::repeated) << "one's own telephone, between two networks";
  auto thief = roaming;
  thief.user_agent = "curl/8";
  EXPECT_EQ(rotate_as(thief).outcome, RotateOutcome::suspected);
  EXPECT_FALSE(live(1));
  EXPECT_TRUE(live(2));
}

TEST_P(DeviceConformance, SuspicionComesAfterEveryOtherCheck) {
  auto thief = from_home(5);
  thief.user_agent = "curl/8";
  thief.address = "203.0.113.9";
  thief.fingerprint.reset();
  thief.client_id = "other";
  EXPECT_EQ(rotate_as(thief).outcome, RotateOutcome::other_client);
  thief.client_id = from_home(0).client_id;
  EXPECT_EQ(rotate_as(thief).outcome, RotateOutcome::went_back);
}

TEST_P(DeviceConformance, WithoutRulesNobodyIsSuspected) {
  auto stranger = from_home(0);
  stranger.user_agent = "curl/8";
  stranger.address = "203.0.113.9";
  stranger.fingerprint.reset();
  stranger.suspicion = {};
  EXPECT_EQ(rotate_as(stranger).outcome, RotateOutcome::rotated);
}

TEST_P(DeviceConformance, OnesOwnLiveSessionsAreListedTheLastUsedFirst) {
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 9, now())), SignInOutcome::signed_in);
  move_clock(1min);
  EXPECT_EQ(rotate_as(from_home(0, 2)).outcome, RotateOutcome::rotated);
  ASSERT_EQ(db().end_session(sid_of(3), EndReason::logout), true);
  const auto listed = db().live_sessions_of("usr_ada").value();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].sid, sid_of(2));
  EXPECT_EQ(listed[0].user_agent, chrome);
  EXPECT_EQ(listed[0].sub, "usr_ada");
  EXPECT_EQ(listed[1].sid, sid_of(1));
  EXPECT_TRUE(db().live_sessions_of("usr_nobody").value().empty());
  move_clock(idle);
  EXPECT_TRUE(db().live_sessions_of("usr_ada").value().empty());
}

TEST_P(DeviceConformance, OnesOwnSessionEndsAndNobodyElsesDoes) {
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  EXPECT_EQ(db().end_own_session("usr_bob", sid_of(1), EndReason::revoked), false);
  EXPECT_EQ(db().end_own_session("usr_bob", sid_of(77), EndReason::revoked), false);
  EXPECT_TRUE(live(1));
  EXPECT_EQ(db().end_own_session("usr_ada", sid_of(1), EndReason::revoked), true);
  EXPECT_EQ(db().end_own_session("usr_ada", sid_of(1), EndReason::revoked), false);
  EXPECT_EQ(session(1).end_reason, EndReason::revoked);
  EXPECT_TRUE(live(2));
}

TEST_P(DeviceConformance, AllOthersEndAndThisOneStays) {
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 9, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().end_other_sessions("usr_ada", sid_of(2), EndReason::revoked), 2);
  EXPECT_FALSE(live(1));
  EXPECT_TRUE(live(2));
  EXPECT_FALSE(live(3));
  EXPECT_TRUE(live(9));
  EXPECT_EQ(db().end_other_sessions("usr_ada", sid_of(2), EndReason::revoked), 0);
  EXPECT_EQ(ada().version, 0) << "the one that stays keeps its tokens";
}

TEST_P(DeviceConformance, AtTheCapTheOldestGoes) {
  move_clock(1min);
  EXPECT_EQ(rotate_as(from_home(0, 1)).outcome, RotateOutcome::rotated);
  auto request = sign_in_of("ada", 4, now());
  request.sessions_max = 3;
  EXPECT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  EXPECT_TRUE(live(1)) << "used just now";
  EXPECT_FALSE(live(2));
  EXPECT_EQ(session(2).end_reason, EndReason::session_cap);
  EXPECT_TRUE(live(3));
  EXPECT_TRUE(live(4));
  request.sid = sid_of(5);
  request.sessions_max = 1;
  EXPECT_EQ(db().sign_in(request), SignInOutcome::signed_in) << "a cap that was lowered";
  for (const int sid : {1, 3, 4}) EXPECT_FALSE(live(sid));
  EXPECT_TRUE(live(5));
}

TEST_P(DeviceConformance, AtTheCapANewOneIsRefusedWhereThatIsTheRule) {
  auto request = sign_in_of("ada", 4, now());
  request.sessions_max = 3;
  request.at_cap = AtCap::new_is_refused;
  EXPECT_EQ(db().sign_in(request), SignInOutcome::too_many);
  EXPECT_EQ(db().find_session(sid_of(4)).value(), std::nullopt);
  for (const int sid : {1, 2, 3}) EXPECT_TRUE(live(sid));
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  EXPECT_EQ(db().sign_in(request), SignInOutcome::signed_in);
}

TEST_P(DeviceConformance, ASignInThatIsRefusedEndsNoOther) {
  auto request = sign_in_of("ada", 4, now());
  request.sessions_max = 1;
  request.security_epoch = 9;
  EXPECT_EQ(db().sign_in(request), SignInOutcome::refused);
  for (const int sid : {1, 2, 3}) EXPECT_TRUE(live(sid));
}

TEST_P(DeviceConformance, WhateverEndsASessionOrCutsItsTokensIsInTheFeed) {
  const auto entry = [&](int sid, RevocationReason reason, std::optional<std::int64_t> least) {
    const Sid id = sid_of(sid);
    return Revocation{.kind = RevocationKind::session,
                      .reason = reason,
                      .subject = {reinterpret_cast<const char*>(id.data()), id.size()},
                      .least = least,
                      .expires_at = revocation_expiry(session(sid).access_expires_max)};
  };
  std::vector<Revocation> expected;
  auto stranger = from_home(0);
  stranger.user_agent = "curl/8";
  stranger.address = "203.0.113.9";
  for (int i = 0; i < 2; ++i) ASSERT_EQ(rotate_as(stranger).outcome, RotateOutcome::login_demanded);
  expected.push_back(entry(1, RevocationReason::stale_claims, 1));  // once: by least `gen`, the session goes on
  stranger.fingerprint.reset();
  ASSERT_EQ(rotate_as(stranger).outcome, RotateOutcome::suspected);
  expected.push_back(entry(1, RevocationReason::revoked, std::nullopt));
  ASSERT_EQ(db().end_other_sessions("usr_ada", sid_of(2), EndReason::revoked), 1);
  expected.push_back(entry(3, RevocationReason::revoked, std::nullopt));
  auto newer = sign_in_of("ada", 4, now());
  newer.sessions_max = 1;
  ASSERT_EQ(db().sign_in(newer), SignInOutcome::signed_in);
  expected.push_back(entry(2, RevocationReason::revoked, std::nullopt));
  ASSERT_EQ(db().end_own_session("usr_ada", sid_of(4), EndReason::revoked), true);
  expected.push_back(entry(4, RevocationReason::revoked, std::nullopt));
  EXPECT_EQ(revocations_of(subject_->store()), expected);
}

TEST_P(DeviceConformance, AStoryHoldsTheChangesOfStateInOrder) {
  auto stranger = from_home(0);
  stranger.user_agent = "curl/8";
  stranger.address = "203.0.113.9";
  ASSERT_EQ(rotate_as(stranger).outcome, RotateOutcome::login_demanded);
  ASSERT_EQ(rotate_as(stranger).outcome, RotateOutcome::login_demanded);
  ASSERT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::rotated);
  ASSERT_EQ(rotate_as(from_home(1)).outcome, RotateOutcome::rotated);
  move_clock(1min);
  ASSERT_EQ(rotate_as(from_home(0)).outcome, RotateOutcome::reused);
  const auto story = db().story_of(sid_of(1)).value();
  ASSERT_TRUE(story.session);
  EXPECT_FALSE(story.live);
  EXPECT_EQ(story.session->generation, 2);
  EXPECT_EQ(story.email, ada().email);
  ASSERT_EQ(story.events.size(), 3U) << "refreshes are not in it, and suspicion once a generation";
  EXPECT_EQ(story.events[0].kind, "signed_in");
  EXPECT_EQ(story.events[1].kind, "session_suspected");
  EXPECT_EQ(story.events[1].detail,
            R"({"score":80,"signs":"agent, network","action":"login","address":"203.0.113.9","agent":"curl/8"})");
  EXPECT_EQ(story.events[2].kind, "refresh_token_reused");
  EXPECT_EQ(story.events[2].at, now());
  EXPECT_TRUE(db().story_of(sid_of(2)).value().live);
  EXPECT_FALSE(db().story_of(sid_of(99)).value().session);
}

// All pieces of one sweep, as many as are needed; what was forgotten.
std::int64_t sweep(Waiting db, StoreTime time, std::size_t looked_at_max = 2, std::size_t changed_max = 1) {
  std::int64_t forgotten = 0;
  DeviceSweep piece{.place = device_sweep_start};
  while (!piece.is_done) {
    piece = db.forget_devices(time, piece.place, looked_at_max, changed_max).value();
    EXPECT_LE(piece.forgotten, static_cast<std::int64_t>(changed_max));
    forgotten += piece.forgotten;
  }
  return forgotten;
}

TEST_P(DeviceConformance, AddressesAndAgentsAreForgottenAfterTheirTimeAndNotBefore) {
  const auto signed_in = now();
  move_clock(1h);
  ASSERT_EQ(rotate_as(from_home(0, 2)).outcome, RotateOutcome::rotated);
  EXPECT_EQ(sweep(db(), signed_in - 1ms), 0);
  EXPECT_EQ(session(1).address, session(2).address);
  EXPECT_EQ(sweep(db(), signed_in), 2) << "of 1 and 3; 2 was seen since";
  for (const int sid : {1, 3}) {
    EXPECT_EQ(session(sid).address, "");
    EXPECT_EQ(session(sid).first_address, "");
    EXPECT_EQ(session(sid).user_agent, "");
    EXPECT_TRUE(live(sid)) << "it goes on";
  }
  EXPECT_NE(session(2).address, "");
  EXPECT_NE(session(2).user_agent, "");
  EXPECT_EQ(sweep(db(), signed_in), 0) << "nothing is left to forget";
}

TEST_P(DeviceConformance, AddressOfTheSignInIsForgottenWhereTheSessionGoesOn) {
  const auto signed_in = now();
  move_clock(1h);
  auto elsewhere = from_home(0);
  elsewhere.address = "198.51.100.7";
  ASSERT_EQ(rotate_as(elsewhere).outcome, RotateOutcome::rotated);
  ASSERT_NE(session().first_address, session().address);
  EXPECT_EQ(sweep(db(), signed_in), 3);
  EXPECT_EQ(session().address, "198.51.100.7");
  EXPECT_EQ(session().first_address, "");
  move_clock(1h);
  auto back = from_home(1);
  ASSERT_EQ(rotate_as(back).outcome, RotateOutcome::rotated);
  EXPECT_EQ(session().first_address, "") << "a later address is not the first";
}

TEST_P(DeviceConformance, SessionWhoseDeviceWasForgottenRefreshesAndLearnsAnew) {
  move_clock(1h);
  ASSERT_EQ(sweep(db(), now()), 3);
  const auto refreshed = rotate_as(from_home(0));
  EXPECT_EQ(refreshed.outcome, RotateOutcome::rotated);
  EXPECT_EQ(refreshed.suspicion.score, 0U) << "what is not known is no sign";
  EXPECT_EQ(session().address, from_home(0).address);
}

TEST_P(DeviceConformance, FingerprintIsForgottenOnceItsSessionHasEnded) {
  auto stranger = from_home(0);
  stranger.fingerprint = Fingerprint{std::byte{9}};
  move_clock(1h);
  ASSERT_EQ(sweep(db(), now()), 3);
  const auto refused = rotate_as(stranger);
  EXPECT_TRUE(refused.suspicion.fingerprint) << "a live session keeps it: it is what recognises a thief";
  ASSERT_EQ(db().end_session(sid_of(2), EndReason::logout), true);
  EXPECT_EQ(sweep(db(), now() - 30min), 1) << "the fingerprint of 2";
  EXPECT_EQ(sweep(db(), now() - 30min), 0);
}

}  // namespace
}  // namespace jeton::store::conformance
