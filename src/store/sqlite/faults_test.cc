// A disk that is full, read-only or lying; a lock that is held; a queue that is full. Nothing is answered before it is
// durable, one bad group does not harm its neighbours, and the store comes back by itself.
#include "store/conformance/harness.h"
#include "store/sqlite/failing_vfs.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace jeton::store::sqlite {
namespace {

using namespace std::chrono_literals;
using conformance::new_user;
using conformance::rotation_of;
using conformance::sid_of;
using conformance::sign_in_of;
using conformance::Waiting;

class Faults : public testing::Test {
 protected:
  void SetUp() override {
    reopen({.path = folder_.database(), .clock = clock_});
    ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
    ASSERT_EQ(db().sign_in(sign_in_of("ada", 1, clock_.now())), SignInOutcome::signed_in);
  }

  void reopen(const SqliteOptions& options) {
    store_.reset();
    store_ = open_sqlite(options).value();
  }
  Waiting db() { return Waiting{*store_}; }
  Result<Rotation> rotate(std::int64_t generation) { return db().rotate(rotation_of(1, generation, clock_.now())); }

  void expect_rotates(std::int64_t generation) {
    const auto rotation = rotate(generation);
    ASSERT_TRUE(rotation.has_value()) << rotation.error().message;
    EXPECT_EQ(rotation->outcome, RotateOutcome::rotated);
    EXPECT_EQ(rotation->session.generation, generation + 1);
  }

  FailingVfs disk_;
  TestFolder folder_;
  StandingClock clock_;
  std::unique_ptr<Store> store_;
};

TEST_F(Faults, EveryAnswerComesAfterItsWritesWereSynced) {
  std::atomic<int> unsynced = 0;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 300; ++i) {
    store_->sessions().sign_in(sign_in_of("ada", 10 + i, clock_.now()), [&](Result<SignInOutcome> result) {
      EXPECT_EQ(result, SignInOutcome::signed_in);
      unsynced += disk_.wal_unsynced.load();
      ++answered;
    });
  }
  store_.reset();
  EXPECT_EQ(answered, 300);
  EXPECT_EQ(unsynced, 0);
}

TEST_F(Faults, ManyGroupsShareOneSync) {
  const int before = disk_.wal_syncs;
  {
    RawDatabase lock{folder_.database()};
    lock.run("BEGIN IMMEDIATE");  // so that they gather
    for (int i = 0; i < 200; ++i) store_->sessions().sign_in(sign_in_of("ada", 10 + i, clock_.now()), [](auto) {});
    lock.run("ROLLBACK");
  }
  ASSERT_TRUE(rotate(0).has_value());
  EXPECT_LE(disk_.wal_syncs - before, 8);
}

TEST_F(Faults, FullDiskIsUnavailableAndHealsByItself) {
  disk_.write_answer = SQLITE_FULL;
  const auto refused = rotate(0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_THAT(refused.error().message, testing::HasSubstr(folder_.database()));
  EXPECT_THAT(refused.error().message, testing::HasSubstr("Make room"));
  EXPECT_EQ(db().find_session(sid_of(1))->value().generation, 0) << "reading goes on";
  disk_.heal();
  expect_rotates(0);
}

TEST_F(Faults, ReadOnlyDiskIsUnavailableAndHealsByItself) {
  disk_.write_answer = SQLITE_READONLY;
  const auto refused = rotate(0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  disk_.heal();
  expect_rotates(0);
}

TEST_F(Faults, FailedSyncLeavesTheOutcomeUnknownAndIsNotRetried) {
  disk_.sync_answer = SQLITE_IOERR_FSYNC;
  disk_.target = FailingVfs::Target::wal;
  const int opened = disk_.databases_opened;
  const auto refused = rotate(0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unknown);
  EXPECT_EQ(disk_.refused, 1) << "one sync was tried, once";
  disk_.heal();
  expect_rotates(0);
  EXPECT_EQ(disk_.databases_opened, opened + 1) << "on a connection that has seen the failure nothing is written";
  expect_rotates(1);
  EXPECT_EQ(RawDatabase{folder_.database()}.run("PRAGMA integrity_check"), std::vector<std::string>{"ok"});
}

TEST_F(Faults, FailedWriteIsNeverSuccessAndHealsByItself) {
  disk_.write_answer = SQLITE_IOERR_WRITE;
  const auto refused = rotate(0);
  ASSERT_FALSE(refused.has_value());
  disk_.heal();
  expect_rotates(0);
}

TEST_F(Faults, WholeBatchFailsWithItsCommit) {
  RawDatabase lock{folder_.database()};
  lock.run("BEGIN IMMEDIATE");
  disk_.sync_answer = SQLITE_IOERR_FSYNC;
  disk_.target = FailingVfs::Target::wal;
  std::atomic<int> failed = 0;
  std::promise<void> last;
  for (int i = 0; i < 20; ++i) {
    store_->sessions().sign_in(sign_in_of("ada", 10 + i, clock_.now()), [&](Result<SignInOutcome> result) {
      failed += result.has_value() ? 0 : 1;
      if (failed == 20) last.set_value();
    });
  }
  lock.run("ROLLBACK");
  last.get_future().wait();
  disk_.heal();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(db().find_session(sid_of(10 + i)).value());
  expect_rotates(0);
}

TEST_F(Faults, CheckpointThatFailsHarmsNobodyAndIsTriedAgain) {
  reopen({.path = folder_.database(), .clock = clock_, .restart_pages = 1});
  disk_.target = FailingVfs::Target::database;
  std::int64_t generation = 0;
  for (const int answer : {SQLITE_IOERR_FSYNC, SQLITE_FULL}) {
    disk_.refused = 0;
    disk_.sync_answer = answer;
    for (int i = 0; i < 3; ++i) expect_rotates(generation++);
    EXPECT_GT(disk_.refused, 0);
    disk_.heal();
    expect_rotates(generation++);
  }
  EXPECT_EQ(RawDatabase{folder_.database()}.run("PRAGMA integrity_check"), std::vector<std::string>{"ok"});
}

TEST_F(Faults, CopyBesideTheCommitsThatFailsHarmsNobodyAndIsTriedAgain) {
  reopen({.path = folder_.database(), .clock = clock_, .checkpoint_pages = 3, .restart_pages = 1'000'000});
  disk_.target = FailingVfs::Target::database;
  std::int64_t generation = 0;
  constexpr std::int64_t rotations_max = 100'000;  // it is on a thread of its own: some are made before it has begun
  const auto rotate_until_copied = [&] {
    const int before = disk_.database_syncs;
    while (disk_.database_syncs == before && generation < rotations_max) expect_rotates(generation++);
    EXPECT_GT(disk_.database_syncs, before);
  };
  rotate_until_copied();
  disk_.sync_answer = SQLITE_IOERR_FSYNC;
  while (disk_.refused == 0 && generation < rotations_max) expect_rotates(generation++);
  EXPECT_GT(disk_.refused, 0);
  disk_.heal();
  rotate_until_copied();
  EXPECT_EQ(RawDatabase{folder_.database()}.run("PRAGMA integrity_check"), std::vector<std::string>{"ok"});
}

TEST_F(Faults, GroupThatFailsIsUndoneAlone) {
  RawDatabase lock{folder_.database()};
  lock.run("BEGIN IMMEDIATE");
  std::vector<std::promise<Result<SignInOutcome>>> answers(3);
  const auto submit = [&](std::size_t at, int sid) {
    store_->sessions().sign_in(sign_in_of("ada", sid, clock_.now()), [&answers, at](Result<SignInOutcome> result) {
      answers[at].set_value(std::move(result));
    });
  };
  submit(0, 20);
  submit(1, 1);  // exists already
  submit(2, 21);
  lock.run("ROLLBACK");
  EXPECT_EQ(answers[0].get_future().get(), SignInOutcome::signed_in);
  EXPECT_FALSE(answers[1].get_future().get().has_value());
  EXPECT_EQ(answers[2].get_future().get(), SignInOutcome::signed_in);
  EXPECT_TRUE(db().find_session(sid_of(20)).value());
  EXPECT_TRUE(db().find_session(sid_of(21)).value());
}

TEST_F(Faults, HalfOfAGroupIsNeverSeen) {
  // The audit row is the last statement of a password change; when it cannot be written, nothing of it has happened.
  RawDatabase{folder_.database()}.run(
      "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'audit is broken'); END");
  EXPECT_FALSE(db().change_password("usr_ada", "$argon2id$new").has_value());
  EXPECT_FALSE(db().end_all_sessions("usr_ada", EndReason::revoked).has_value());
  EXPECT_FALSE(db().set_disabled("usr_ada", true).has_value());
  const auto user = db().find_by_sub("usr_ada").value().value();
  EXPECT_EQ(user.password_hash, "$argon2id$ada");
  EXPECT_EQ(user.security_epoch, 0);
  EXPECT_FALSE(user.disabled);
  EXPECT_FALSE(db().find_session(sid_of(1))->value().ended_at);
  expect_rotates(0);
  // Nor does a reuse that cannot be recorded end the session, or count as answered.
  clock_.move(1min);
  EXPECT_FALSE(rotate(0).has_value());
  expect_rotates(1);
}

TEST_F(Faults, LockHeldByAnotherProcessIsWaitedForWithABound) {
  reopen({.path = folder_.database(), .clock = clock_, .busy_wait_max = 50ms});
  RawDatabase lock{folder_.database()};
  lock.run("BEGIN IMMEDIATE");
  const auto refused = rotate(0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  lock.run("ROLLBACK");
  expect_rotates(0);
}

TEST_F(Faults, LockReleasedInTimeIsNotNoticed) {
  RawDatabase lock{folder_.database()};
  lock.run("BEGIN IMMEDIATE");
  std::thread other([&] {
    std::this_thread::sleep_for(50ms);
    lock.run("COMMIT");
  });
  expect_rotates(0);
  other.join();
}

// X10: whoever comes when all come at once.
TEST_F(Faults, FullQueueIsOverloadedAtOnceAndEveryoneIsAnswered) {
  reopen({.path = folder_.database(), .clock = clock_, .queue_groups_max = 10, .batch_groups_max = 5});
  RawDatabase lock{folder_.database()};
  lock.run("BEGIN IMMEDIATE");
  std::atomic<int> overloaded = 0;
  std::atomic<int> signed_in = 0;
  std::promise<void> refused;
  for (int i = 0; i < 40; ++i) {
    store_->sessions().sign_in(sign_in_of("ada", 10 + i, clock_.now()), [&](Result<SignInOutcome> result) {
      if (result.has_value()) {
        ++signed_in;
      } else {
        EXPECT_EQ(result.error().code, Errc::overloaded);
        if (++overloaded == 25) refused.set_value();
      }
    });
  }
  refused.get_future().wait();  // while the writer still waits for the lock
  EXPECT_EQ(signed_in, 0);
  lock.run("ROLLBACK");
  store_.reset();
  EXPECT_EQ(signed_in + overloaded, 40);
  EXPECT_LE(signed_in, 15);
  EXPECT_GE(signed_in, 10);
}

TEST_F(Faults, LogStaysBoundedWhileAReaderComesAndGoes) {
  reopen({.path = folder_.database(), .clock = clock_, .restart_pages = 50, .wal_pages_max = 200});
  std::uintmax_t largest = 0;
  std::int64_t generation = 0;
  for (int round = 0; round < 10; ++round) {
    RawDatabase reader{folder_.database()};
    reader.run("BEGIN; SELECT count(*) FROM sessions");  // holds the log where it is
    for (int i = 0; i < 60; ++i) expect_rotates(generation++);
    reader.run("COMMIT");
    for (int i = 0; i < 40; ++i) expect_rotates(generation++);
    largest = std::max(largest, std::filesystem::file_size(folder_.database() + "-wal"));
  }
  EXPECT_LT(largest, 600U * 4120U);
}

TEST_F(Faults, LogStaysBoundedThoughThereIsAlwaysAReader) {
  reopen({.path = folder_.database(), .clock = clock_, .restart_pages = 20, .wal_pages_max = 200});
  std::atomic<bool> stop = false;
  std::thread readers([&] {
    RawDatabase one{folder_.database()};
    RawDatabase other{folder_.database()};
    one.run("BEGIN; SELECT count(*) FROM sessions");
    while (!stop) {
      std::this_thread::sleep_for(500us);
      other.run("BEGIN; SELECT count(*) FROM sessions");
      one.run("COMMIT");
      std::this_thread::sleep_for(500us);
      one.run("BEGIN; SELECT count(*) FROM sessions");
      other.run("COMMIT");
    }
  });
  for (std::int64_t generation = 0; generation < 2000; ++generation) expect_rotates(generation);
  stop = true;
  readers.join();
  // A rotation writes one page or more.
  EXPECT_LT(std::filesystem::file_size(folder_.database() + "-wal"), 1000U * 4120U);
}

TEST_F(Faults, ReaderThatStaysDoesNotHoldUpEveryCommit) {
  reopen({.path = folder_.database(), .clock = clock_, .restart_pages = 5, .wal_pages_max = 50});
  RawDatabase reader{folder_.database()};
  reader.run("BEGIN; SELECT count(*) FROM sessions");
  const int before = disk_.lock_calls;
  for (std::int64_t generation = 0; generation < 90; ++generation) expect_rotates(generation);
  // A wait of a second is about a thousand tries; one is made, where forty would be.
  EXPECT_LT(disk_.lock_calls - before, 8000);
  reader.run("COMMIT");
}

TEST_F(Faults, DamageFoundWhileRunningIsCorruptAndNotAnAnswer) {
  store_.reset();
  {
    RawDatabase{folder_.database()}.run(
        "PRAGMA ignore_check_constraints = ON; UPDATE sessions SET idempotency_key = x'0102'");
  }
  reopen({.path = folder_.database(), .clock = clock_});
  const auto refused = rotate(5);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace jeton::store::sqlite
