// The feed's numbers on SQLite: a group that is undone leaves none, two processes share them, and the fault of taking
// one outside the transaction is seen by a reader.
#include "store/sqlite/revocation_log.h"
#include "store/conformance/feed_reader.h"
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"
#include "store/sqlite/writer.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace jeton::store::sqlite {
namespace {

using namespace std::chrono_literals;
using conformance::FeedFollower;
using conformance::new_user;
using conformance::read_feed;
using conformance::sid_of;
using conformance::sign_in_of;
using conformance::Waiting;

class RevocationLog : public testing::Test {
 protected:
  std::unique_ptr<Store> open() { return open_sqlite({.path = folder_.database(), .clock = clock_}).value(); }
  Opening opening() const { return {folder_.database(), clock_, 5s}; }
  Revocation token(const std::string& jti) const {
    return {.kind = RevocationKind::token, .subject = jti, .expires_at = revocation_expiry(clock_.now() + 15min)};
  }

  TestFolder folder_;
  StandingClock clock_;
};

TEST_F(RevocationLog, GroupThatIsUndoneLeavesNoNumber) {
  auto store = open();
  ASSERT_EQ(Waiting{*store}.register_user(new_user("ada")), Registration::registered);
  ASSERT_EQ(Waiting{*store}.sign_in(sign_in_of("ada", 1, clock_.now())), SignInOutcome::signed_in);
  RawDatabase raw{folder_.database()};
  raw.run(
      "CREATE TRIGGER refuse BEFORE INSERT ON audit WHEN NEW.kind = 'session_ended'"
      " BEGIN SELECT RAISE(ABORT, 'refused'); END");
  EXPECT_FALSE(Waiting{*store}.end_session(sid_of(1), EndReason::logout).has_value());
  EXPECT_EQ(Waiting{*store}.read_head()->number, 0U);
  EXPECT_FALSE(Waiting{*store}.find_session(sid_of(1)).value()->ended_at);
  raw.run("DROP TRIGGER refuse");
  EXPECT_EQ(Waiting{*store}.end_session(sid_of(1), EndReason::logout), true);
  EXPECT_EQ(read_feed(*store).size(), 1U);
}

// A revocation and its number stand or fall together, also with the groups beside them in one commit.
TEST_F(RevocationLog, UndoneGroupBetweenOthersInOneCommitLeavesNoGap) {
  auto store = open();
  constexpr int groups = 60;
  std::vector<std::future<Result<std::uint64_t>>> answers;
  for (int i = 0; i < groups; ++i) {
    auto promise = std::make_shared<std::promise<Result<std::uint64_t>>>();
    answers.push_back(promise->get_future());
    auto one = token("jti-" + std::to_string(i));
    if (i % 3 == 1) one.least = 5;  // cannot be written
    store->revocations().revoke(std::move(one), [promise](auto result) { promise->set_value(std::move(result)); });
  }
  int written = 0;
  for (auto& answer : answers) written += answer.get().has_value() ? 1 : 0;
  EXPECT_EQ(written, groups - groups / 3);
  EXPECT_EQ(read_feed(*store).size(), static_cast<std::size_t>(written));
}

int revoke_many(Store& store, const Revocation& like, const char* name, int count) {
  int done = 0;
  for (int i = 0; i < count; ++i) {
    auto one = like;
    one.subject = name + std::to_string(i);
    done += Waiting{store}.revoke(one).value_or(0) > 0 ? 1 : 0;
  }
  return done;
}

TEST_F(RevocationLog, TwoProcessesShareTheNumbersWithoutAGap) {
  constexpr int each = 150;
  open().reset();
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = open();
    if (::write(ready[1], "r", 1) != 1) ::_exit(1);
    const int done = revoke_many(*store, token(""), "child", each);
    store.reset();
    ::_exit(done == each ? 0 : 1);
  }
  auto store = open();
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(revoke_many(*store, token(""), "parent", each), each);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const auto entries = read_feed(*store);
  EXPECT_EQ(entries.size(), static_cast<std::size_t>(2 * each));
  for (const int end : ready) ::close(end);
}

// The planted fault: the number is taken in one transaction and the entry written in another. Between the two another
// writer comes, and a reader sees its number before the one below it.
TEST_F(RevocationLog, NumberTakenOutsideTheTransactionIsSeenByAReader) {
  auto store = open();
  FeedFollower follower{*store};
  RawDatabase faulty{folder_.database()};
  const auto taken = faulty.run("UPDATE feed_head SET n = n + 1 RETURNING n");
  ASSERT_EQ(taken, std::vector<std::string>{"1"});
  ASSERT_EQ(Waiting{*store}.revoke(token("overtakes")), 2U);
  follower.catch_up();
  EXPECT_EQ(follower.fault(), "number 2 after 0");
}

// The same fault where the transaction that took the number is then undone: nobody comes for it, and it is missing for
// ever.
TEST_F(RevocationLog, NumberOfAnUndoneTransactionThatWasTakenOutsideItIsAGap) {
  auto store = open();
  ASSERT_EQ(Waiting{*store}.revoke(token("first")), 1U);
  {
    RawDatabase faulty{folder_.database()};
    faulty.run("UPDATE feed_head SET n = n + 1");
    faulty.run("BEGIN IMMEDIATE; UPDATE users SET version = version + 1; ROLLBACK");
  }
  FeedFollower follower{*store};
  follower.catch_up();
  EXPECT_EQ(follower.fault(), "the head is not that of the last entry");
}

// The sound twin of the two: the same steps with the number taken inside.
TEST_F(RevocationLog, NumberTakenInsideTheTransactionIsUndoneWithIt) {
  auto store = open();
  ASSERT_EQ(Waiting{*store}.revoke(token("first")), 1U);
  auto db = open_for_writing(opening()).value();
  ASSERT_TRUE(db->execute("BEGIN IMMEDIATE"));
  EXPECT_EQ(append_revocation(*db, token("undone")), 2U);
  EXPECT_EQ(Waiting{*store}.read_head()->number, 1U) << "not seen before its commit";
  ASSERT_TRUE(db->execute("ROLLBACK"));
  EXPECT_EQ(Waiting{*store}.revoke(token("second")), 2U);
  EXPECT_EQ(read_feed(*store).size(), 2U);
}

TEST_F(RevocationLog, DamagedEntryIsAnErrorAndNotAnAnswer) {
  auto store = open();
  ASSERT_EQ(Waiting{*store}.revoke(token("one")), 1U);
  RawDatabase raw{folder_.database()};
  raw.run("UPDATE revocations SET kind = 9");
  EXPECT_EQ(Waiting{*store}.read_entries(0).error().code, Errc::corrupt);
  raw.run("UPDATE revocations SET kind = 4");
  EXPECT_TRUE(Waiting{*store}.read_entries(0).has_value());
}

TEST_F(RevocationLog, FeedWithoutItsHeadRefusesToRevoke) {
  auto store = open();
  RawDatabase raw{folder_.database()};
  raw.run("DELETE FROM feed_head");
  EXPECT_FALSE(Waiting{*store}.revoke(token("one")).has_value());
  EXPECT_FALSE(Waiting{*store}.read_head().has_value());
  EXPECT_FALSE(Waiting{*store}.read_entries(0).has_value());
  raw.run("INSERT INTO feed_head(id, n, h, purged, time) VALUES(1, 0, zeroblob(32), 0, 0)");
  EXPECT_EQ(Waiting{*store}.revoke(token("one")), 1U);
}

}  // namespace
}  // namespace jeton::store::sqlite
