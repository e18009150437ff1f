// Tampering with the audit behind the program's back: each kind is noticed, and the first entry it concerns is named.
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gtest/gtest.h>

#include <string>

namespace jeton::store::sqlite {
namespace {

using conformance::new_user;
using conformance::outcome_of;
using conformance::Waiting;

class Tampering : public testing::Test {
 protected:
  void SetUp() override {
    store_ = open_sqlite({.path = folder_.database(), .clock = clock_}).value();
    for (int i = 1; i <= 9; ++i) {
      clock_.move(std::chrono::seconds{1});
      ASSERT_EQ(Waiting{*store_}.register_user(new_user("user" + std::to_string(i))), Registration::registered);
    }
    ASSERT_EQ(verdict(), "good");
  }

  std::string verdict() {
    AuditCheck check;
    while (!check.is_done && check.broken_at == 0) {
      check =
          outcome_of<AuditCheck>([&](auto done) { store_->audit().verify_audit(check, 4, std::move(done)); }).value();
    }
    return check.is_done ? "good" : std::to_string(check.broken_at) + " " + check.what;
  }

  std::string after(const std::string& sql) {
    RawDatabase{folder_.database()}.run(sql);
    return verdict();
  }

  TestFolder folder_;
  StandingClock clock_;
  std::unique_ptr<Store> store_;
};

constexpr auto changed = " is not the one that was written: it was changed, moved or put in";

TEST_F(Tampering, NothingDoneIsNoticedAsNothing) { EXPECT_EQ(after("SELECT 1"), "good"); }

TEST_F(Tampering, ChangedTimeKindOrCommitmentIsNoticed) {
  EXPECT_EQ(after("UPDATE audit_chain SET at = at + 1 WHERE number = 4"), std::string("4") + changed);
  EXPECT_EQ(after("UPDATE audit_chain SET at = at - 1 WHERE number = 4"), "good") << "put back";
  EXPECT_EQ(after("UPDATE audit_chain SET kind = 'user_praised' WHERE number = 9"), std::string("9") + changed);
  EXPECT_EQ(after("UPDATE audit_chain SET commitment = zeroblob(32) WHERE number = 1"), std::string("1") + changed);
}

TEST_F(Tampering, ChangedDataIsNoticed) {
  EXPECT_EQ(after("UPDATE audit SET sub = 'usr_mallory' WHERE id = 5"), "5 has other data than was written with it");
}

TEST_F(Tampering, DataMovedToAnotherEntryIsNoticed) {
  EXPECT_EQ(after("UPDATE audit SET id = 100 WHERE id = 5; UPDATE audit SET id = 5 WHERE id = 6;"
                  "UPDATE audit SET id = 6 WHERE id = 100"),
            "5 has other data than was written with it");
}

TEST_F(Tampering, DeletedEntryIsNoticed) {
  EXPECT_EQ(after("DELETE FROM audit_chain WHERE number = 6; DELETE FROM audit WHERE id = 6"), "6 is missing");
}

TEST_F(Tampering, DeletedEntryWithTheOthersMovedUpIsNoticed) {
  EXPECT_EQ(after("DELETE FROM audit_chain WHERE number = 6; DELETE FROM audit WHERE id = 6;"
                  "UPDATE audit_chain SET number = number - 1 WHERE number > 6"),
            std::string("6") + changed);
}

TEST_F(Tampering, InsertedEntryIsNoticed) {
  EXPECT_EQ(after("UPDATE audit_chain SET number = number + 100 WHERE number > 4;"
                  "UPDATE audit_chain SET number = number - 99 WHERE number > 100;"
                  "INSERT INTO audit_chain SELECT 5, at, kind, commitment, hash FROM audit_chain WHERE number = 4"),
            std::string("5") + changed);
}

TEST_F(Tampering, EntryAddedAtTheEndIsNoticed) {
  EXPECT_EQ(after("INSERT INTO audit_chain SELECT 10, at, kind, commitment, hash FROM audit_chain WHERE number = 9"),
            std::string("10") + changed);
}

TEST_F(Tampering, ReorderedEntriesAreNoticed) {
  EXPECT_EQ(after("UPDATE audit_chain SET number = 100 WHERE number = 3; UPDATE audit_chain SET number = 3 WHERE"
                  " number = 7; UPDATE audit_chain SET number = 7 WHERE number = 100"),
            std::string("3") + changed);
}

TEST_F(Tampering, TruncatedEndIsNoticed) {
  EXPECT_EQ(after("DELETE FROM audit_chain WHERE number > 7; DELETE FROM audit WHERE id > 7"), "8 is missing");
}

TEST_F(Tampering, EverythingDeletedIsNoticed) {
  EXPECT_EQ(after("DELETE FROM audit_chain; DELETE FROM audit"), "1 is missing");
}

TEST_F(Tampering, TruncatedBeginningIsNoticed) {
  EXPECT_EQ(after("DELETE FROM audit_chain WHERE number < 3; DELETE FROM audit WHERE id < 3"), "1 is missing");
}

TEST_F(Tampering, EndCutOffTogetherWithItsHeadIsNoticedByWhoKeptTheHead) {
  const auto head = outcome_of<AuditCheck>([&](auto done) { store_->audit().verify_audit({}, 100, std::move(done)); })
                        .value()
                        .reached;
  EXPECT_EQ(after("DELETE FROM audit_chain WHERE number > 7; DELETE FROM audit WHERE id > 7; UPDATE audit_head SET"
                  " number = 7, hash = (SELECT hash FROM audit_chain WHERE number = 7)"),
            "good")
      << "whoever can write everything can do that";
  ASSERT_EQ(Waiting{*store_}.register_user(new_user("other1")), Registration::registered);
  ASSERT_EQ(Waiting{*store_}.register_user(new_user("other2")), Registration::registered);
  const auto now = outcome_of<AuditCheck>([&](auto done) { store_->audit().verify_audit({}, 100, std::move(done)); })
                       .value()
                       .reached;
  EXPECT_EQ(now.number, head.number);
  EXPECT_NE(now, head);
}

TEST_F(Tampering, DataWithoutAPlaceInTheChainIsNoticed) {
  EXPECT_EQ(after("INSERT INTO audit(id, at, kind, salt) VALUES(10, 1, 'x', zeroblob(16))"),
            "10 has data and no place in the chain");
}

TEST_F(Tampering, GroupThatIsUndoneLeavesNoEntryAndNoGap) {
  ASSERT_EQ(Waiting{*store_}.register_user(new_user("user1")), Registration::email_taken);
  ASSERT_EQ(Waiting{*store_}.register_user(new_user("last")), Registration::registered);
  EXPECT_EQ(verdict(), "good");
}

TEST_F(Tampering, ErasedDataIsInNoFile) {
  RawDatabase raw{folder_.database()};
  ASSERT_EQ(raw.run("SELECT count(*) FROM audit WHERE sub = 'usr_user3'"), std::vector<std::string>{"1"});
  ASSERT_EQ(outcome_of<std::int64_t>([&](auto done) { store_->audit().erase_audit_of("usr_user3", std::move(done)); }),
            1);
  EXPECT_EQ(raw.run("SELECT count(*) FROM audit WHERE id = 3"), std::vector<std::string>{"0"});
  EXPECT_EQ(verdict(), "good");
}

}  // namespace
}  // namespace jeton::store::sqlite
