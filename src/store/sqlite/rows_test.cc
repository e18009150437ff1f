// What the rows hold: the audit of state changes, a session's size, and states that only another hand can make.
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/session_rows.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gtest/gtest.h>

namespace jeton::store::sqlite {
namespace {

using namespace std::chrono_literals;
using conformance::new_user;
using conformance::rotation_of;
using conformance::sid_of;
using conformance::sign_in_of;
using conformance::Waiting;

class Rows : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
    ASSERT_EQ(db().sign_in(sign_in_of("ada", 1, clock_.now())), SignInOutcome::signed_in);
  }

  Waiting db() { return Waiting{*store_}; }
  Rotation rotate(std::int64_t generation) { return db().rotate(rotation_of(1, generation, clock_.now())).value(); }
  std::vector<std::string> raw(const std::string& sql) { return RawDatabase{folder_.database()}.run(sql); }

  TestFolder folder_;
  StandingClock clock_;
  std::unique_ptr<Store> store_ = open_sqlite({.path = folder_.database(), .clock = clock_}).value();
};

TEST_F(Rows, AuditHoldsChangesOfStateAndNoRefreshes) {
  ASSERT_EQ(rotate(0).outcome, RotateOutcome::rotated);
  ASSERT_EQ(rotate(0).outcome, RotateOutcome::repeated);
  ASSERT_EQ(rotate(1).outcome, RotateOutcome::rotated);
  clock_.move(1min);
  ASSERT_EQ(rotate(0).outcome, RotateOutcome::reused);
  ASSERT_EQ(rotate(0).outcome, RotateOutcome::ended);
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, clock_.now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().end_session(sid_of(2), EndReason::logout), true);
  ASSERT_EQ(db().end_session(sid_of(2), EndReason::logout), false);
  ASSERT_EQ(db().set_claims("usr_ada", "{}"), true);
  ASSERT_EQ(db().change_password("usr_ada", "$new"), true);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  ASSERT_EQ(db().set_disabled("usr_ada", true), true);
  ASSERT_EQ(db().set_disabled("usr_ada", false), true);
  ASSERT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 0);
  ASSERT_EQ(db().end_all_sessions("usr_nobody", EndReason::revoked), 0);
  EXPECT_EQ(
      raw("SELECT kind, coalesce(detail, '-'), sub FROM audit ORDER BY id"),
      (std::vector<std::string>{"user_registered|-|usr_ada", "signed_in|first-party|usr_ada",
                                R"x(refresh_token_reused|{"presented":0,"stored":2,"address":"192.0.2.7",)x"
                                R"x("agent":"Mozilla/5.0 (X11; Linux x86_64)"}|usr_ada)x",
                                "signed_in|first-party|usr_ada", "session_ended|logout|usr_ada",
                                "claims_changed|-|usr_ada", "password_changed|-|usr_ada", "user_disabled|-|usr_ada",
                                "user_enabled|-|usr_ada", "all_sessions_ended|revoked|usr_ada"}));
  EXPECT_EQ(raw("SELECT at, hex(sid) FROM audit WHERE kind = 'refresh_token_reused'"),
            std::vector<std::string>{"1700000060000|01000000000000000000000000000001"});
}

TEST_F(Rows, HistoryThatWasLostIsAudited) {
  ASSERT_EQ(rotate(7).outcome, RotateOutcome::went_back);
  EXPECT_EQ(raw("SELECT kind, detail FROM audit ORDER BY id DESC LIMIT 1"),
            std::vector<std::string>{R"x(store_went_back|{"presented":7,"stored":0,"address":"192.0.2.7",)x"
                                     R"x("agent":"Mozilla/5.0 (X11; Linux x86_64)"})x"});
}

TEST_F(Rows, LastGenerationEndsTheSessionInsteadOfWrapping) {
  raw("UPDATE sessions SET generation = 4294967294");
  const auto last = rotate(4294967294);
  EXPECT_EQ(last.outcome, RotateOutcome::rotated);
  EXPECT_EQ(last.session.generation, 4294967295);
  EXPECT_EQ(rotate(4294967294).outcome, RotateOutcome::repeated) << "the last token can still be repeated";
  const auto over = rotate(4294967295);
  EXPECT_EQ(over.outcome, RotateOutcome::ended);
  EXPECT_EQ(over.session.generation, 4294967295);
  EXPECT_EQ(over.session.end_reason, EndReason::expired);
  EXPECT_EQ(over.session.ended_at, clock_.now());
  EXPECT_EQ(raw("SELECT kind, detail FROM audit ORDER BY id DESC LIMIT 1"),
            std::vector<std::string>{"session_ended|expired"});
}

TEST_F(Rows, SessionWhoseUserIsGoneIsEnded) {
  raw("PRAGMA foreign_keys = OFF; DELETE FROM users");
  EXPECT_EQ(rotate(0).outcome, RotateOutcome::ended);
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::logout), false);
}

TEST_F(Rows, SessionOfAnOlderSecurityEpochIsEndedThoughNobodyEndedIt) {
  raw("UPDATE users SET security_epoch = 1");
  EXPECT_EQ(rotate(0).outcome, RotateOutcome::ended);
  clock_.move(1min);
  EXPECT_EQ(rotate(5).outcome, RotateOutcome::ended);
  EXPECT_EQ(raw("SELECT count(*) FROM audit WHERE kind LIKE '%reused' OR kind LIKE '%back'"),
            std::vector<std::string>{"0"});
}

TEST_F(Rows, SessionOfADisabledUserIsEndedThoughNobodyEndedIt) {
  raw("UPDATE users SET disabled = 1");
  EXPECT_EQ(rotate(0).outcome, RotateOutcome::ended);
  EXPECT_EQ(db().end_session(sid_of(1), EndReason::logout), false);
}

TEST_F(Rows, SessionsOfADisabledUserWhomAnotherHandEnablesGoOn) {
  raw("UPDATE users SET disabled = 1");
  raw("UPDATE users SET disabled = 0");
  EXPECT_EQ(rotate(0).outcome, RotateOutcome::rotated);
}

TEST_F(Rows, EndedSessionKeepsNothingOfItsUser) {
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, clock_.now())), SignInOutcome::signed_in);
  const std::string kept = "SELECT owner_email, owner_claims FROM sessions ORDER BY sid";
  const auto ada = new_user("ada");
  ASSERT_EQ(raw(kept), std::vector<std::string>(2, ada.email + "|" + ada.claims_json));
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  EXPECT_EQ(raw(kept), (std::vector<std::string>{"|", ada.email + "|" + ada.claims_json}));
  ASSERT_EQ(db().end_all_sessions("usr_ada", EndReason::revoked), 1);
  EXPECT_EQ(raw(kept), std::vector<std::string>(2, "|"));
}

// As a database was before sessions knew their user.
TEST_F(Rows, SessionsOfAnOlderDatabaseGoOnAfterItsMigration) {
  const std::string long_claims = R"({"note":")" + std::string(400, 'x') + R"("})";
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 2, clock_.now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().set_claims("usr_bob", long_claims), true);
  ASSERT_EQ(db().register_user(new_user("cleo")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("cleo", 3, clock_.now())), SignInOutcome::signed_in);
  store_.reset();
  raw("DROP TRIGGER users_changed; DROP TRIGGER users_gone; UPDATE users SET disabled = 1 WHERE sub = 'usr_cleo';"
      "ALTER TABLE sessions DROP COLUMN owner_epoch; ALTER TABLE sessions DROP COLUMN owner_version;"
      "ALTER TABLE sessions DROP COLUMN owner_sub; ALTER TABLE sessions DROP COLUMN owner_email;"
      "ALTER TABLE sessions DROP COLUMN owner_claims; PRAGMA user_version = 11");
  store_ = open_sqlite({.path = folder_.database(), .clock = clock_}).value();
  const auto of_ada = rotate(0);
  EXPECT_EQ(of_ada.outcome, RotateOutcome::rotated);
  EXPECT_EQ(of_ada.user.claims_json, new_user("ada").claims_json);
  EXPECT_EQ(of_ada.session.sub, "usr_ada");
  const auto of_bob = db().rotate(rotation_of(2, 0, clock_.now())).value();
  EXPECT_EQ(of_bob.outcome, RotateOutcome::rotated);
  EXPECT_EQ(of_bob.user.claims_json, long_claims);
  EXPECT_EQ(db().rotate(rotation_of(3, 0, clock_.now()))->outcome, RotateOutcome::ended) << "of a disabled user";
}

TEST_F(Rows, AbsoluteExpiryHoldsByItself) {
  raw("UPDATE sessions SET absolute_expires_at = 1700000000001");
  clock_.move(1ms);
  EXPECT_EQ(rotate(0).outcome, RotateOutcome::ended);
}

TEST_F(Rows, SessionOfANewerSecurityEpochIsEndedToo) {
  raw("UPDATE sessions SET security_epoch = 9");
  EXPECT_EQ(rotate(0).outcome, RotateOutcome::ended);
}

TEST_F(Rows, SessionCostsLessThanThreeHundredBytes) {
  constexpr int count = 2000;
  for (int i = 0; i < count; ++i) {
    auto request = sign_in_of("ada", 10 + i * 7919, clock_.now());
    request.user_agent = "Samsung Internet/25;Android";
    request.fingerprint = Fingerprint{std::byte{1}};
    store_->sessions().sign_in(std::move(request), [](auto result) { EXPECT_TRUE(result.has_value()); });
  }
  store_.reset();
  const auto bytes = raw("SELECT sum(pgsize - unused) FROM dbstat WHERE name LIKE 'sessions%'");
  RecordProperty("bytes_per_session", std::to_string(std::stol(bytes.front()) / count));
  EXPECT_LE(std::stol(bytes.front()), 300L * count);
}

// Inner pages stay in the cache as long as they are few: then a rotation among a million sessions reads one page that
// is not there, the one with its row.
TEST_F(Rows, AnInnerPageOfTheSessionsLeadsToManyOthers) {
  for (int i = 0; i < 6000; ++i) {
    if (i == 3000) ASSERT_EQ(db().end_session(sid_of(9), EndReason::logout), false);  // so that the queue empties
    auto request = sign_in_of("ada", 1, clock_.now());
    const auto spread = static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15U;
    for (std::size_t at = 0; at < 8; ++at) request.sid[at] = static_cast<std::byte>(spread >> (56 - 8 * at));
    store_->sessions().sign_in(std::move(request), [](auto result) { EXPECT_TRUE(result.has_value()); });
  }
  store_.reset();
  const auto pages =
      raw("SELECT sum(pagetype = 'leaf') / sum(pagetype = 'internal') FROM dbstat WHERE name = 'sessions'");
  EXPECT_GE(std::stol(pages.front()), 60L);
}

TEST_F(Rows, SessionsLongOverAreForgottenBySignInsAndOthersAreKept) {
  // Ids in ascending order: 1 has just ended, 2 ended long ago, 3 expired long ago, 4 lives, 5 still has an access
  // token.
  const auto sid = [](int number) {
    Sid made{};
    made[0] = static_cast<std::byte>(number);
    return made;
  };
  raw("DELETE FROM sessions");
  for (int number = 2; number <= 5; ++number) {
    auto request = sign_in_of("ada", 1, clock_.now());
    request.sid = sid(number);
    if (number == 4) request.idle = 24h * 90;
    if (number == 5) request.access_expires_at = clock_.now() + 24h * 90;
    ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  }
  ASSERT_EQ(db().end_session(sid(2), EndReason::logout), true);
  const auto sign_in_first = [&](int number) {
    auto request = sign_in_of("ada", 1, clock_.now());
    request.sid = sid(number);
    ASSERT_EQ(db().sign_in(request), SignInOutcome::signed_in);
  };
  clock_.move(24h * 30 - 1ms);
  sign_in_first(1);
  EXPECT_EQ(raw("SELECT count(*) FROM sessions"), std::vector<std::string>{"5"});
  ASSERT_EQ(db().end_session(sid(1), EndReason::logout), true);
  clock_.move(24h * 30 + 1ms + 15min);
  sign_in_first(0);
  EXPECT_EQ(raw("SELECT hex(substr(sid, 1, 1)) FROM sessions ORDER BY sid"),
            (std::vector<std::string>{"00", "04", "05"}));
}

TEST_F(Rows, AgentIsCutBetweenCharacters) {
  EXPECT_EQ(short_user_agent("short"), "short");
  EXPECT_EQ(short_user_agent(std::string(200, 'x')).size(), 64U);
  EXPECT_EQ(short_user_agent(std::string(63, 'x') + "\xE2\x82\xAC").size(), 63U);
  EXPECT_EQ(short_user_agent(std::string(200, '\x80')).size(), 0U);
}

TEST_F(Rows, AddressesArePacked) {
  EXPECT_EQ(packed_address("192.0.2.7").size(), 4U);
  EXPECT_EQ(packed_address("2001:db8::1").size(), 16U);
  EXPECT_EQ(packed_address("").size(), 0U);
  EXPECT_EQ(packed_address("192.0.2.7:80").size(), 0U);
  raw("UPDATE sessions SET address = NULL");
  ASSERT_EQ(rotate(0).outcome, RotateOutcome::rotated);
  EXPECT_EQ(raw("SELECT hex(address) FROM sessions"), std::vector<std::string>{"C0000207"});
}

TEST_F(Rows, RotationUsesTheClockOfTheDatabase) {
  clock_.move(123ms);
  ASSERT_EQ(rotate(0).outcome, RotateOutcome::rotated);
  EXPECT_EQ(raw("SELECT previous_rotated_at, rotated_at FROM sessions"),
            std::vector<std::string>{"1700000000000|1700000000123"});
}

TEST_F(Rows, RotationReadsAndWritesByKeyAlone) {
  for (const auto* sql : {"SELECT 1 FROM sessions WHERE id = 1 AND sid = x'00' AND generation = 1",
                          "SELECT 1 FROM sessions WHERE user_id = 1 AND ended_at IS NULL"}) {
    const auto plan = raw(std::string{"EXPLAIN QUERY PLAN "} + sql);
    EXPECT_NE(plan.front().find("SEARCH"), std::string::npos) << plan.front();
  }
}

}  // namespace
}  // namespace jeton::store::sqlite
