// The feed's log (design 4.5): what each revoking operation writes into it, and that its numbers tell the whole story.
#include "store/conformance/feed_reader.h"
#include "store/conformance/harness.h"

#include <atomic>
#include <thread>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto reason_revoked = RevocationReason::revoked;
constexpr auto reason_stale = RevocationReason::stale_claims;

std::string subject_of(const Sid& sid) { return {reinterpret_cast<const char*>(sid.data()), sid.size()}; }

// What is to be found for a session that was given its last access token at `issued`.
Revocation session_revoked(int sid, StoreTime issued) {
  return {.kind = RevocationKind::session,
          .reason = reason_revoked,
          .subject = subject_of(sid_of(sid)),
          .expires_at = revocation_expiry(issued + 15min)};
}

Revocation versions_revoked(std::string sub, std::int64_t least, RevocationReason reason, StoreTime issued) {
  return {.kind = RevocationKind::subject,
          .reason = reason,
          .subject = std::move(sub),
          .least = least,
          .expires_at = revocation_expiry(issued + 15min)};
}

TEST_P(StoreConformance, FeedOfANewStoreIsEmptyAndItsHashZero) {
  const auto head = db().read_head().value();
  EXPECT_EQ(head.number, 0U);
  EXPECT_EQ(head.hash, FeedHash{});
  EXPECT_EQ(head.now, now());
  EXPECT_TRUE(read_feed(subject_->store()).empty());
}

TEST_P(StoreConformance, SignInAndRotationDoNotTouchTheFeed) {
  sign_ada_in();
  rotate_up_to(3);
  ASSERT_EQ(rotate_outcome(2), RotateOutcome::repeated);
  EXPECT_EQ(db().read_head()->number, 0U);
}

TEST_P(StoreConformance, EndingASessionRevokesItsTokensUntilTheLastOfThemHasEnded) {
  sign_ada_in();
  rotate_up_to(1);
  const auto issued = now();
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{session_revoked(1, issued)});
}

TEST_P(StoreConformance, SessionThatWasNotLiveIsRevokedOnce) {
  sign_ada_in();
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), false);
  ASSERT_EQ(db().end_session(sid_of(9), EndReason::logout), false);
  EXPECT_EQ(db().read_head()->number, 1U);
}

TEST_P(StoreConformance, ReuseRevokesTheAccessTokensOfItsSession) {
  sign_ada_in();
  rotate_up_to(3);
  const auto issued = now();
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::reused);
  ASSERT_EQ(rotate_outcome(0), RotateOutcome::ended);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{session_revoked(1, issued)});
}

TEST_P(StoreConformance, GenerationFromTheFutureRevokesTheAccessTokensOfItsSession) {
  sign_ada_in();
  ASSERT_EQ(rotate_outcome(7), RotateOutcome::went_back);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{session_revoked(1, now())});
}

TEST_P(StoreConformance, EndingAllSessionsRevokesEveryOlderVersionByOneEntry) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 2);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{versions_revoked("usr_ada", 1, reason_revoked, now())});
}

TEST_P(StoreConformance, EntryOfAUserLivesAsLongAsTheLastTokenOfAnExpiredSession) {
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  auto request = sign_in_of("ada", 1, now());
  request.absolute = 1min;  // the session is over before its access token is
  ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  const auto issued = now();
  move_clock(2min);
  ASSERT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 0);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{versions_revoked("usr_ada", 1, reason_revoked, issued)});
}

TEST_P(StoreConformance, PasswordChangeRevokesEveryOlderVersion) {
  sign_ada_in();
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$new"), true);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{versions_revoked("usr_ada", 1, reason_revoked, now())});
}

TEST_P(StoreConformance, PasswordChangeTellsTheSessionThatIsKeptToRefreshAndRevokesTheOthers) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().change_password("usr_ada", "$argon2id$new", sid_of(1)), true);
  EXPECT_EQ(revocations_of(subject_->store()),
            (std::vector{session_revoked(2, now()), versions_revoked("usr_ada", 1, reason_stale, now())}));
}

TEST_P(StoreConformance, DisablingAUserRevokesEveryOlderVersionOnce) {
  sign_ada_in();
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  ASSERT_EQ(db().set_disabled("usr_ada", false), true);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{versions_revoked("usr_ada", 1, reason_revoked, now())});
}

TEST_P(StoreConformance, ChangedClaimsAreStaleAndNotRevoked) {
  sign_ada_in();
  ASSERT_EQ(db().set_claims("usr_ada", R"({"plan":"pro"})"), true);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{versions_revoked("usr_ada", 1, reason_stale, now())});
}

TEST_P(StoreConformance, NothingIsWrittenForAUserWhoDoesNotExist) {
  ASSERT_EQ(db().change_password("usr_nobody", "$argon2id$new"), false);
  ASSERT_EQ(db().set_claims("usr_nobody", "{}"), false);
  ASSERT_EQ(db().end_all_sessions("usr_nobody", EndReason::revoked), 0);
  EXPECT_EQ(db().read_head()->number, 0U);
}

TEST_P(StoreConformance, SingleTokenAndLeastGenerationCanBeRevoked) {
  const Revocation token{
      .kind = RevocationKind::token, .subject = "jti-1", .expires_at = revocation_expiry(now() + 15min)};
  const Revocation cut{.kind = RevocationKind::session,
                       .subject = subject_of(sid_of(4)),
                       .least = 7,
                       .expires_at = revocation_expiry(now() + 15min)};
  EXPECT_EQ(db().revoke(token), 1U);
  EXPECT_EQ(db().revoke(cut), 2U);
  EXPECT_EQ(revocations_of(subject_->store()), (std::vector{token, cut}));
}

TEST_P(StoreConformance, RevocationThatCannotBeWrittenIsAnErrorAndTakesNoNumber) {
  const auto until = revocation_expiry(now());
  EXPECT_FALSE(db().revoke({.kind = RevocationKind::token, .subject = "", .expires_at = until}).has_value());
  EXPECT_FALSE(
      db().revoke({.kind = RevocationKind::token, .subject = "j", .least = 1, .expires_at = until}).has_value());
  EXPECT_FALSE(db().revoke({.kind = RevocationKind::session, .subject = "short", .expires_at = until}).has_value());
  EXPECT_EQ(db().read_head()->number, 0U);
}

TEST_P(StoreConformance, EntryIsSkippedOnlyOnceNoTokenItConcernsCanBeAlive) {
  sign_ada_in();
  const auto issued = now();
  ASSERT_TRUE(db().purge(0ms).has_value());  // the feed's time begins
  const auto dead = 15min + revocation_margin;
  move_clock(dead - 1s);
  ASSERT_TRUE(db().purge(dead - 1s).has_value());
  ASSERT_EQ(db().set_claims("usr_ada", "{}"), true);
  EXPECT_EQ(revocations_of(subject_->store()), std::vector{versions_revoked("usr_ada", 1, reason_stale, issued)});
  move_clock(1s);
  ASSERT_TRUE(db().purge(1s).has_value());
  ASSERT_EQ(db().set_claims("usr_ada", "{}"), true);
  EXPECT_EQ(db().read_head()->number, 1U);
}

TEST_P(StoreConformance, FeedIsTheSameAfterARestart) {
  sign_ada_in();
  ASSERT_EQ(db().set_claims("usr_ada", "{}"), true);
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  const auto before = db().read_head().value();
  subject_->restart();
  const auto after = db().read_head().value();
  EXPECT_EQ(after.number, before.number);
  EXPECT_EQ(after.hash, before.hash);
  EXPECT_EQ(read_feed(subject_->store()).size(), 2U);
}

TEST_P(StoreConformance, EntriesAreReadFromAnyNumberOnAndEndAtTheHead) {
  for (int i = 1; i <= 5; ++i) {
    const Revocation one{
        .kind = RevocationKind::token, .subject = std::to_string(i), .expires_at = revocation_expiry(now())};
    ASSERT_EQ(db().revoke(one), static_cast<std::uint64_t>(i));
  }
  const auto page = db().read_entries(3).value();
  EXPECT_EQ(page.head.number, 5U);
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.entries[0].number, 4U);
  EXPECT_EQ(page.entries[1].hash, page.head.hash);
  EXPECT_TRUE(db().read_entries(5)->entries.empty());
  EXPECT_TRUE(db().read_entries(std::numeric_limits<std::uint64_t>::max())->entries.empty());
}

TEST_P(StoreConformance, PageIsBounded) {
  // All at once, so that many share a commit.
  std::vector<std::future<bool>> written;
  for (std::size_t i = 0; i < feed_page_entries_max + 1; ++i) {
    auto promise = std::make_shared<std::promise<bool>>();
    written.push_back(promise->get_future());
    subject_->store().revocations().revoke(
        {.kind = RevocationKind::token, .subject = std::to_string(i), .expires_at = revocation_expiry(now())},
        [promise](Result<std::uint64_t> number) { promise->set_value(number.has_value()); });
  }
  for (auto& one : written) ASSERT_TRUE(one.get());
  EXPECT_EQ(db().read_entries(0)->entries.size(), feed_page_entries_max);
  EXPECT_EQ(read_feed(subject_->store()).size(), feed_page_entries_max + 1);
}

TEST_P(StoreConformance, ExpiredEntriesAreForgottenAndTheHeadStays) {
  const auto revoke = [&](const char* jti, std::chrono::seconds after) {
    ASSERT_TRUE(
        db().revoke({.kind = RevocationKind::token, .subject = jti, .expires_at = revocation_expiry(now() + after)}));
  };
  ASSERT_TRUE(db().purge(0ms).has_value());
  revoke("long", 1h);
  revoke("short", 1min);
  const auto before = db().read_head().value();
  move_clock(1min + revocation_margin - 1s);
  EXPECT_EQ(db().purge(24h), 0U);
  move_clock(1s);
  EXPECT_EQ(db().purge(24h), 1U);
  const auto page = db().read_entries(0).value();
  EXPECT_EQ(page.purged_up_to, 2U);
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.entries[0].revocation.subject, "long");
  EXPECT_EQ(page.head.number, before.number);
  EXPECT_EQ(page.head.hash, before.hash);
}

TEST_P(StoreConformance, ClockThatJumpsAheadForAWhileForgetsNothingThatIsNeeded) {
  sign_ada_in();
  ASSERT_TRUE(db().purge(0ms).has_value());
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  move_clock(24h * 365);
  EXPECT_EQ(db().purge(1s), 0U);
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now() - 24h * 365)), SignInOutcome::signed_in);
  ASSERT_EQ(db().end_session(sid_of(2), EndReason::logout), true) << "by this clock its tokens ended long ago";
  move_clock(-24h * 365);
  EXPECT_EQ(db().purge(1s), 0U);
  EXPECT_EQ(read_feed(subject_->store()).size(), 2U);
}

TEST_P(StoreConformance, ClockThatIsSetBackDoesNotTakeTheFeedsTimeBack) {
  ASSERT_TRUE(db().purge(0ms).has_value());
  move_clock(-1h);
  ASSERT_TRUE(db().purge(1s).has_value());
  EXPECT_EQ(db().revoke({.kind = RevocationKind::token, .subject = "dead", .expires_at = revocation_expiry(now())}),
            0U);
}

// One client that follows the feed while two others revoke at once: it never sees a number before the one below it.
TEST_P(StoreConformance, ReaderNeverSeesANumberBeforeThoseBelowIt) {
  constexpr int each = 100;
  std::atomic<int> writing = 2;
  const auto other = subject_->open_another();
  const auto revoke_many = [&](Store& store, const char* name) {
    for (int i = 0; i < each; ++i) {
      EXPECT_TRUE(Waiting{store}.revoke({.kind = RevocationKind::token,
                                         .subject = name + std::to_string(i),
                                         .expires_at = revocation_expiry(now())}));
    }
    --writing;
  };
  std::thread first([&] { revoke_many(subject_->store(), "a"); });
  std::thread second([&] { revoke_many(*other, "b"); });
  FeedFollower follower{subject_->store()};
  while (writing > 0 && follower.fault().empty()) follower.catch_up();
  first.join();
  second.join();
  follower.catch_up();
  EXPECT_EQ(follower.fault(), "");
  EXPECT_EQ(follower.number(), 2U * each);
}

}  // namespace
}  // namespace jeton::store::conformance
