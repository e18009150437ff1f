// One-time links: single use, superseded by newer, and bound to the address and password they were made for.
#include "store/conformance/harness.h"

#include <algorithm>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

NewLink link_of(LinkPurpose purpose, int number) {
  return {.purpose = purpose,
          .email_key = "ada@example.com",
          .secret_hash = key_of(number),
          .lifetime = 1h,
          .pause = 1min,
          .sealed_mail = {std::byte{1}, std::byte{2}}};
}
NewLink reset(int number) { return link_of(LinkPurpose::reset_password, number); }
NewLink verify(int number) { return link_of(LinkPurpose::verify_email, number); }

TEST_P(StoreConformance, VerificationLinkMarksTheAddressOnce) {
  sign_ada_in();
  EXPECT_FALSE(ada().email_verified);
  ASSERT_EQ(db().make_link(verify(1)), LinkOutcome::made);
  EXPECT_EQ(db().find_link(LinkPurpose::verify_email, key_of(1)).value(), "usr_ada");
  EXPECT_EQ(db().verify_email(key_of(1)).value(), "usr_ada");
  EXPECT_TRUE(ada().email_verified);
  EXPECT_FALSE(db().verify_email(key_of(1)).value()) << "used up";
  EXPECT_EQ(db().make_link(verify(2)), LinkOutcome::needless);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::rotated) << "no session is touched";
}

TEST_P(StoreConformance, LinkBringsItsMailIntoTheOutbox) {
  sign_ada_in();
  ASSERT_EQ(db().make_link(reset(1)), LinkOutcome::made);
  const auto mail = db().claim(Channel::mail, 10, 30s).value();
  ASSERT_EQ(mail.size(), 1U);
  EXPECT_EQ(mail[0].kind, "reset_password");
  EXPECT_EQ(mail[0].sub, "usr_ada");
  EXPECT_EQ(mail[0].sealed, reset(1).sealed_mail);
}

TEST_P(StoreConformance, ResetLinkReplacesThePasswordAndEndsEverySession) {
  sign_ada_in();
  ASSERT_EQ(db().make_link(reset(1)), LinkOutcome::made);
  EXPECT_EQ(db().reset_password(key_of(1), "$argon2id$reset").value(), "usr_ada");
  EXPECT_EQ(ada().password_hash, "$argon2id$reset");
  EXPECT_TRUE(ada().email_verified) << "whoever used it reads the address";
  EXPECT_EQ(session(1).end_reason, EndReason::password_changed);
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::ended);
  EXPECT_FALSE(db().reset_password(key_of(1), "$argon2id$again").value());
  EXPECT_EQ(ada().password_hash, "$argon2id$reset");
}

TEST_P(StoreConformance, LinkOfTheOtherPurposeOpensNothing) {
  sign_ada_in();
  ASSERT_EQ(db().make_link(verify(1)), LinkOutcome::made);
  EXPECT_FALSE(db().reset_password(key_of(1), "$argon2id$reset").value());
  EXPECT_FALSE(db().find_link(LinkPurpose::reset_password, key_of(1)).value());
  EXPECT_TRUE(db().verify_email(key_of(1)).value()) << "and was not used up by the attempt";
}

TEST_P(StoreConformance, NewerLinkReplacesTheOlderOfItsPurpose) {
  sign_ada_in();
  ASSERT_EQ(db().make_link(reset(1)), LinkOutcome::made);
  ASSERT_EQ(db().make_link(verify(2)), LinkOutcome::made);
  EXPECT_EQ(db().make_link(reset(3)), LinkOutcome::too_soon);
  EXPECT_FALSE(db().find_link(LinkPurpose::reset_password, key_of(3)).value());
  move_clock(1min);
  ASSERT_EQ(db().make_link(reset(3)), LinkOutcome::made);
  EXPECT_FALSE(db().reset_password(key_of(1), "$argon2id$reset").value());
  EXPECT_TRUE(db().verify_email(key_of(2)).value());
  EXPECT_TRUE(db().reset_password(key_of(3), "$argon2id$reset").value());
}

TEST_P(StoreConformance, LinkExpiringExactlyNowIsExpired) {
  sign_ada_in();
  ASSERT_EQ(db().make_link(reset(1)), LinkOutcome::made);
  move_clock(1h - 1ms);
  EXPECT_TRUE(db().find_link(LinkPurpose::reset_password, key_of(1)).value());
  move_clock(1ms);
  EXPECT_FALSE(db().find_link(LinkPurpose::reset_password, key_of(1)).value());
  EXPECT_FALSE(db().reset_password(key_of(1), "$argon2id$reset").value());
}

TEST_P(StoreConformance, ResetLinkOfAnOldPasswordOrADisabledUserOpensNothing) {
  sign_ada_in();
  ASSERT_EQ(db().make_link(reset(1)), LinkOutcome::made);
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$new"), true);
  EXPECT_FALSE(db().reset_password(key_of(1), "$argon2id$reset").value());
  move_clock(1min);
  ASSERT_EQ(db().make_link(reset(2)), LinkOutcome::made);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  EXPECT_FALSE(db().reset_password(key_of(2), "$argon2id$reset").value());
  move_clock(1min);
  EXPECT_EQ(db().make_link(reset(3)), LinkOutcome::needless);
  EXPECT_EQ(ada().password_hash, "$argon2id$new");
}

TEST_P(StoreConformance, LinkForAnUnknownAddressIsNeedlessAndLeavesNoMail) {
  sign_ada_in();
  auto link = reset(1);
  link.email_key = "nobody@example.com";
  EXPECT_EQ(db().make_link(link), LinkOutcome::needless);
  EXPECT_FALSE(db().next_due(Channel::mail).value());
}

TEST_P(StoreConformance, OfManyWhoUseOneLinkAtOnceOneSucceeds) {
  sign_ada_in();
  auto other = subject_->open_another();
  for (int round = 0; round < 10; ++round) {
    move_clock(1min);
    ASSERT_EQ(db().make_link(reset(round)), LinkOutcome::made);
    std::vector<std::future<Result<std::optional<std::string>>>> answers;
    for (int i = 0; i < 6; ++i) {
      auto promise = std::make_shared<std::promise<Result<std::optional<std::string>>>>();
      answers.push_back(promise->get_future());
      (i % 2 == 0 ? subject_->store() : *other)
          .one_time_links()
          .reset_password(
              key_of(round), "$argon2id$" + std::to_string(i),
              [promise](Result<std::optional<std::string>> result) { promise->set_value(std::move(result)); });
    }
    EXPECT_EQ(std::ranges::count_if(answers, [](auto& answer) { return answer.get().value().has_value(); }), 1);
    EXPECT_EQ(ada().security_epoch, round + 1);
  }
}

TEST_P(StoreConformance, ImportedUsersAreAddedUnlessTheirAddressOrSubIsTaken) {
  sign_ada_in();
  auto same_address = new_user("ada");
  same_address.sub = "usr_other";
  auto same_sub = new_user("bob");
  same_sub.sub = "usr_ada";
  const auto added = db().import_users({{.user = same_address},
                                        {.user = same_sub},
                                        {.user = new_user("cleo"), .email_verified = true},
                                        {.user = new_user("dora"), .disabled = true}});
  EXPECT_EQ(added.value(), (std::vector<bool>{false, false, true, true}));
  EXPECT_TRUE(db().find_by_sub("usr_cleo").value()->email_verified);
  EXPECT_FALSE(db().find_by_sub("usr_cleo").value()->disabled);
  EXPECT_TRUE(db().find_by_sub("usr_dora").value()->disabled);
  EXPECT_EQ(ada().password_hash, "$argon2id$ada");
}

}  // namespace
}  // namespace jeton::store::conformance
