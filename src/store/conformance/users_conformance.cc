// Users: registration, passwords, claims and counters.
#include "store/conformance/harness.h"

#include <algorithm>

namespace jeton::store::conformance {
namespace {

OwnPasswordChange own_change_of(const std::string& name, int sid, std::int64_t epoch) {
  return {.sub = "usr_" + name, .session = sid_of(sid), .security_epoch = epoch, .new_hash = "$argon2id$own"};
}

TEST_P(StoreConformance, RegisteredUserIsFoundByAddressAndBySub) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  const auto by_email = db().find_by_email("ada@example.com").value().value();
  EXPECT_EQ(by_email.sub, "usr_ada");
  EXPECT_EQ(by_email.email, "ada@Example.com");
  EXPECT_EQ(by_email.password_hash, "$argon2id$ada");
  EXPECT_EQ(by_email.claims_json, new_user("ada").claims_json);
  EXPECT_EQ(by_email.security_epoch, 0);
  EXPECT_EQ(by_email.version, 0);
  EXPECT_FALSE(by_email.disabled);
  EXPECT_EQ(by_email.created_at, now());
  EXPECT_EQ(ada().email, "ada@Example.com");
}

TEST_P(StoreConformance, UnknownUserIsNotFound) {
  EXPECT_FALSE(db().find_by_email("nobody@example.com").value());
  EXPECT_FALSE(db().find_by_sub("usr_nobody").value());
  EXPECT_FALSE(db().find_by_email("").value());
}

TEST_P(StoreConformance, AddressIsTakenOnceAndTheFirstUserStays) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto second = new_user("ada");
  second.sub = "usr_other";
  second.password_hash = "$argon2id$other";
  EXPECT_EQ(db().register_user(second), Registration::email_taken);
  EXPECT_FALSE(db().find_by_sub("usr_other").value());
  EXPECT_EQ(ada().password_hash, "$argon2id$ada");
}

TEST_P(StoreConformance, OfTwoRegistrationsAtOnceExactlyOneSucceeds) {
  auto other = subject_->open_another();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<Result<Registration>>> answers;
    for (int i = 0; i < 6; ++i) {
      auto user = new_user("racer" + std::to_string(round));
      user.sub += "_" + std::to_string(i);
      auto promise = std::make_shared<std::promise<Result<Registration>>>();
      answers.push_back(promise->get_future());
      (i % 2 == 0 ? subject_->store() : *other).users().register_user(user, [promise](Result<Registration> result) {
        promise->set_value(std::move(result));
      });
    }
    const auto registered =
        std::ranges::count_if(answers, [](auto& answer) { return answer.get().value() == Registration::registered; });
    EXPECT_EQ(registered, 1);
  }
}

TEST_P(StoreConformance, SubThatExistsIsAnErrorAndLeavesTheFirst) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto second = new_user("ada");
  second.email_key = "second@example.com";
  EXPECT_FALSE(db().register_user(second).has_value());
  EXPECT_FALSE(db().find_by_email("second@example.com").value());
}

TEST_P(StoreConformance, TextIsKeptByteForByte) {
  auto user = new_user("ada");
  user.email = std::string("a\0b'\"; DROP TABLE users; --\xC3\xA9", 29);
  user.claims_json = R"({"name":"Zo\u00eb","n":9007199254740993})";
  ASSERT_EQ(db().register_user(user), Registration::registered);
  EXPECT_EQ(ada().email, user.email);
  EXPECT_EQ(ada().claims_json, user.claims_json);
}

TEST_P(StoreConformance, PasswordHashIsUpgradedOnlyFromTheOneThatWasRead) {
  sign_ada_in();
  EXPECT_EQ(db().upgrade_password_hash("usr_ada", "$argon2id$stale", "$argon2id$up"), false);
  EXPECT_EQ(ada().password_hash, "$argon2id$ada");
  EXPECT_EQ(db().upgrade_password_hash("usr_ada", "$argon2id$ada", "$argon2id$up"), true);
  EXPECT_EQ(ada().password_hash, "$argon2id$up");
  EXPECT_EQ(ada().security_epoch, 0);
  EXPECT_EQ(ada().version, 0);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::rotated);
}

TEST_P(StoreConformance, ChangedPasswordEndsEverySessionAndRaisesBothCounters) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().change_password("usr_ada", "$argon2id$new"), true);
  EXPECT_EQ(ada().password_hash, "$argon2id$new");
  EXPECT_EQ(ada().security_epoch, 1);
  EXPECT_EQ(ada().version, 1);
  EXPECT_EQ(session(1).end_reason, EndReason::password_changed);
  EXPECT_TRUE(session(1).ended_at && session(2).ended_at);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended);
}

TEST_P(StoreConformance, SessionKeptThroughAPasswordChangeGoesOnWithTheNewEpoch) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().change_password("usr_ada", "$argon2id$new", sid_of(1)), true);
  EXPECT_FALSE(session(1).ended_at);
  EXPECT_EQ(session(1).security_epoch, 1);
  EXPECT_TRUE(session(2).ended_at);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::rotated);
}

TEST_P(StoreConformance, OwnerChangesThePasswordAndKeepsTheSessionThatAsked) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().change_own_password(own_change_of("ada", 1, 0)), OwnPasswordOutcome::changed);
  EXPECT_EQ(ada().password_hash, "$argon2id$own");
  EXPECT_EQ(ada().security_epoch, 1);
  EXPECT_EQ(ada().version, 1);
  EXPECT_EQ(session(2).end_reason, EndReason::password_changed);
  EXPECT_TRUE(session(2).ended_at);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::rotated);
}

TEST_P(StoreConformance, OwnerWhoWasOvertakenOrIsNoLongerSignedInChangesNothing) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().change_own_password(own_change_of("ada", 1, 0)), OwnPasswordOutcome::changed);
  EXPECT_EQ(db().change_own_password(own_change_of("ada", 1, 0)), OwnPasswordOutcome::overtaken);
  EXPECT_EQ(db().change_own_password(own_change_of("ada", 2, 0)), OwnPasswordOutcome::session_over);
  EXPECT_EQ(db().change_own_password(own_change_of("ada", 3, 1)), OwnPasswordOutcome::session_over);
  EXPECT_EQ(db().change_own_password(own_change_of("bob", 1, 1)), OwnPasswordOutcome::session_over);
  EXPECT_EQ(ada().security_epoch, 1);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  EXPECT_EQ(db().change_own_password(own_change_of("ada", 1, 2)), OwnPasswordOutcome::session_over);
  EXPECT_EQ(ada().security_epoch, 2);
}

TEST_P(StoreConformance, OfTwoOwnersAtOnceExactlyOneChangesThePassword) {
  sign_ada_in();
  auto other = subject_->open_another();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<Result<OwnPasswordOutcome>>> answers;
    for (int i = 0; i < 6; ++i) {
      auto promise = std::make_shared<std::promise<Result<OwnPasswordOutcome>>>();
      answers.push_back(promise->get_future());
      (i % 2 == 0 ? subject_->store() : *other)
          .users()
          .change_own_password(own_change_of("ada", 1, round),
                               [promise](Result<OwnPasswordOutcome> result) { promise->set_value(std::move(result)); });
    }
    const auto changed = std::ranges::count_if(
        answers, [](auto& answer) { return answer.get().value() == OwnPasswordOutcome::changed; });
    EXPECT_EQ(changed, 1);
    EXPECT_EQ(ada().security_epoch, round + 1);
  }
}

TEST_P(StoreConformance, EndedSessionIsNotRevivedByBeingKept) {
  sign_ada_in();
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$new", sid_of(1)), true);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended);
}

TEST_P(StoreConformance, SessionOfAnotherUserIsNotTouchedByBeingKept) {
  sign_ada_in();
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$new", sid_of(2)), true);
  EXPECT_EQ(session(2).security_epoch, 0);
  EXPECT_EQ(db().rotate(rotation_of(2, 0, now()))->outcome, RotateOutcome::rotated);
  EXPECT_TRUE(session(1).ended_at);
}

TEST_P(StoreConformance, DisablingEndsEverySessionAndRaisesBothCountersOnce) {
  sign_ada_in();
  EXPECT_EQ(db().set_disabled("usr_ada", true), true);
  EXPECT_TRUE(ada().disabled);
  EXPECT_EQ(ada().security_epoch, 1);
  EXPECT_EQ(ada().version, 1);
  EXPECT_EQ(session().end_reason, EndReason::user_disabled);
  EXPECT_EQ(db().set_disabled("usr_ada", true), true);
  EXPECT_EQ(ada().security_epoch, 1);
  EXPECT_EQ(db().set_disabled("usr_ada", false), true);
  EXPECT_FALSE(ada().disabled);
  EXPECT_EQ(ada().security_epoch, 1);
}

TEST_P(StoreConformance, NewClaimsRaiseTheVersionAlone) {
  sign_ada_in();
  EXPECT_EQ(db().set_claims("usr_ada", R"({"plan":"pro"})"), true);
  EXPECT_EQ(ada().claims_json, R"({"plan":"pro"})");
  EXPECT_EQ(ada().version, 1);
  EXPECT_EQ(ada().security_epoch, 0);
  EXPECT_FALSE(session().ended_at);
}

TEST_P(StoreConformance, ChangesToAnUnknownUserAreFalse) {
  EXPECT_EQ(db().change_password("usr_nobody", "$argon2id$new"), false);
  EXPECT_EQ(db().set_disabled("usr_nobody", true), false);
  EXPECT_EQ(db().set_disabled("usr_nobody", false), false);
  EXPECT_EQ(db().set_claims("usr_nobody", "{}"), false);
  EXPECT_EQ(db().upgrade_password_hash("usr_nobody", "a", "b"), false);
}

}  // namespace
}  // namespace jeton::store::conformance
