// The audit: a chain of entries that tell what changed, verified in pieces, erased without being broken, forgotten from
// its beginning.
#include "store/conformance/harness.h"

namespace jeton::store::conformance {
namespace {

class AuditOf {
 public:
  explicit AuditOf(Store& store) : store_(store) {}

  std::vector<AuditEntry> list(AuditQuery query = {}) {
    return outcome_of<std::vector<AuditEntry>>(
               [&](auto done) { store_.audit().list_audit(std::move(query), std::move(done)); })
        .value();
  }
  AuditCheck verify(std::size_t piece = 1000) {
    AuditCheck check;
    while (!check.is_done && check.broken_at == 0) {
      check = outcome_of<AuditCheck>([&](auto done) {
                store_.audit().verify_audit(check, piece, std::move(done));
              }).value();
    }
    return check;
  }
  std::int64_t erase(std::string sub) {
    return outcome_of<std::int64_t>([&](auto done) { store_.audit().erase_audit_of(std::move(sub), std::move(done)); })
        .value();
  }
  std::int64_t forget(StoreTime before, std::size_t entries_max = 1000) {
    return outcome_of<std::int64_t>(
               [&](auto done) { store_.audit().forget_audit_before(before, entries_max, std::move(done)); })
        .value();
  }

 private:
  Store& store_;
};

TEST_P(StoreConformance, WhoeverChangesSomethingForOthersIsNamedInTheChain) {
  AuditOf audit(subject_->store());
  Store& store = subject_->store();
  const Actor backend{"client:backend request:4f1c"}, root{"cli:root"};
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  std::vector<std::string> expected{"user_registered ", "signed_in ", "signed_in "};
  const auto did = [&]<class T>(const char* kind, const Actor& by, std::type_identity<T>, auto call) {
    ASSERT_TRUE(outcome_of<T>(call).has_value()) << kind;
    expected.push_back(kind + (" " + by.text));
  };
  constexpr std::type_identity<bool> truth;
  did("session_ended", backend, truth, [&](auto done) {
    store.sessions().end_own_session("usr_ada", sid_of(1), EndReason::revoked, std::move(done), backend);
  });
  did("session_ended", root, truth,
      [&](auto done) { store.sessions().end_session(sid_of(2), EndReason::revoked, std::move(done), root); });
  did("claims_changed", backend, truth,
      [&](auto done) { store.users().set_claims("usr_ada", "{}", std::move(done), backend); });
  did("password_changed", backend, truth, [&](auto done) {
    store.users().change_password("usr_ada", "$argon2id$x", std::nullopt, std::move(done), backend);
  });
  did("all_sessions_ended", root, std::type_identity<std::int64_t>{},
      [&](auto done) { store.sessions().end_all_sessions("usr_ada", EndReason::revoked, std::move(done), root); });
  did("user_disabled", backend, truth,
      [&](auto done) { store.users().set_disabled("usr_ada", true, std::move(done), backend); });
  did("client_added", root, std::type_identity<ClientAddition>{}, [&](auto done) {
    store.clients().add_client({.id = "one", .name = "", .is_public = false, .secret_hash = key_of(1)}, std::move(done),
                               root);
  });
  did("client_changed", backend, std::type_identity<std::optional<Client>>{},
      [&](auto done) { store.clients().change_client("one", {.scopes = "read"}, std::move(done), backend); });
  did("client_secret_replaced", backend, truth, [&](auto done) {
    store.clients().replace_secret("one", key_of(2), std::chrono::hours{1}, std::move(done), backend);
  });
  did("client_disabled", backend, truth,
      [&](auto done) { store.clients().set_client_disabled("one", true, std::move(done), backend); });
  did("signing_key_added", root, std::type_identity<KeyChange>{}, [&](auto done) {
    store.signing_keys().import_key({.kid = "k", .algorithm = "ES256", .public_jwk = "{}", .sealed = {std::byte{1}}},
                                    std::move(done), root);
  });
  did("signing_key_revoked", backend, std::type_identity<KeyChange>{},
      [&](auto done) { store.signing_keys().revoke_key("k", std::move(done), backend); });
  ASSERT_EQ(db().register_user(new_user("eve")), Registration::registered);
  expected.emplace_back("user_registered ");  // what follows is nobody's again

  std::vector<std::string> told;
  for (const AuditEntry& entry : audit.list()) told.insert(told.begin(), entry.kind + " " + entry.actor);
  EXPECT_EQ(told, expected);
  EXPECT_TRUE(audit.verify().is_done);
  ASSERT_TRUE(outcome_of<bool>([&](auto done) { store.users().erase_user("usr_ada", std::move(done), root); }).value());
  EXPECT_EQ(audit.list({.entries_max = 1}).front().actor, root.text) << "who erased somebody stays known";
}

TEST_P(StoreConformance, EveryChangeIsAnEntryTheNewestFirst) {
  AuditOf audit(subject_->store());
  EXPECT_TRUE(audit.list().empty());
  EXPECT_TRUE(audit.verify().is_done);
  sign_ada_in();
  move_clock(std::chrono::minutes{1});
  ASSERT_EQ(db().end_session(sid_of(1), EndReason::logout), true);
  const auto entries = audit.list();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].number, 3);
  EXPECT_EQ(entries[0].kind, "session_ended");
  EXPECT_EQ(entries[0].at, now());
  EXPECT_EQ(entries[0].sub, "usr_ada");
  EXPECT_EQ(entries[0].sid, sid_of(1));
  EXPECT_EQ(entries[0].detail, "logout");
  EXPECT_EQ(entries[2].kind, "user_registered");
  EXPECT_EQ(entries[2].number, 1);
  EXPECT_FALSE(entries[2].sid);
  EXPECT_EQ(audit.verify().reached.number, 3);
}

TEST_P(StoreConformance, EntriesAreFoundByKindUserAndSession) {
  AuditOf audit(subject_->store());
  sign_ada_in();
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 2, now())), SignInOutcome::signed_in);
  EXPECT_EQ(audit.list({.kind = "signed_in"}).size(), 2U);
  EXPECT_EQ(audit.list({.sub = "usr_bob"}).size(), 2U);
  EXPECT_EQ(audit.list({.sid = sid_of(1)}).size(), 1U);
  EXPECT_EQ(audit.list({.before = 3}).front().number, 2);
  EXPECT_EQ(audit.list({.entries_max = 1}).size(), 1U);
}

TEST_P(StoreConformance, RefreshIsNoEntry) {
  AuditOf audit(subject_->store());
  sign_ada_in();
  const auto before = audit.list().size();
  rotate_up_to(3);
  EXPECT_EQ(audit.list().size(), before);
}

TEST_P(StoreConformance, ErasedUserLeavesAChainThatIsWholeAndTellsNothing) {
  AuditOf audit(subject_->store());
  sign_ada_in();
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  EXPECT_EQ(audit.erase("usr_ada"), 2);
  EXPECT_TRUE(audit.list({.sub = "usr_ada"}).empty());
  const auto check = audit.verify();
  EXPECT_TRUE(check.is_done) << check.broken_at << check.what;
  EXPECT_EQ(check.erased, 2);
  const auto entries = audit.list();
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_TRUE(entries[3].is_erased);
  EXPECT_EQ(entries[3].kind, "user_registered");
  EXPECT_EQ(entries[3].sub, "");
  EXPECT_EQ(entries[1].sub, "usr_bob");
  EXPECT_EQ(entries[0].kind, "audit_data_erased");
}

TEST_P(StoreConformance, EntriesPastTheirTimeAreForgottenFromTheBeginning) {
  AuditOf audit(subject_->store());
  sign_ada_in();
  move_clock(std::chrono::days{400});
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  const auto limit = now() - std::chrono::days{365};
  EXPECT_EQ(audit.forget(limit, 1), 1);
  EXPECT_EQ(audit.verify().first, 2);
  EXPECT_EQ(audit.forget(limit), 1);
  EXPECT_EQ(audit.forget(limit), 0);
  const auto check = audit.verify();
  EXPECT_TRUE(check.is_done) << check.broken_at << check.what;
  EXPECT_EQ(check.first, 3);
  EXPECT_EQ(audit.list().size(), 1U);
  EXPECT_EQ(audit.forget(now() + std::chrono::days{1}), 1) << "all of it";
  EXPECT_TRUE(audit.verify().is_done);
  ASSERT_EQ(db().register_user(new_user("cyd")), Registration::registered);
  EXPECT_EQ(audit.list().front().number, 4) << "numbers go on";
  EXPECT_TRUE(audit.verify().is_done);
}

TEST_P(StoreConformance, VerificationInPiecesSaysTheSameWhileEntriesArrive) {
  AuditOf audit(subject_->store());
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(db().register_user(new_user("user" + std::to_string(i))), Registration::registered);
  for (const std::size_t piece : {1U, 3U, 7U, 20U, 21U}) {
    const auto check = audit.verify(piece);
    EXPECT_TRUE(check.is_done) << piece << ": " << check.broken_at << check.what;
    EXPECT_EQ(check.reached.number, 20);
  }
  AuditCheck check = outcome_of<AuditCheck>([&](auto done) {
                       subject_->store().audit().verify_audit({}, 20, std::move(done));
                     }).value();
  EXPECT_FALSE(check.is_done);
  ASSERT_EQ(db().register_user(new_user("late")), Registration::registered);
  check = outcome_of<AuditCheck>([&](auto done) {
            subject_->store().audit().verify_audit(check, 20, std::move(done));
          }).value();
  EXPECT_TRUE(check.is_done);
  EXPECT_EQ(check.reached.number, 21);
}

}  // namespace
}  // namespace jeton::store::conformance
