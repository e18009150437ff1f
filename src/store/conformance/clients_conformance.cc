// Clients: what is kept of them, what raises their version, and assertions that count once.
#include "store/conformance/harness.h"

#include <algorithm>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

Client confidential(const std::string& id) {
  return {.id = id,
          .name = "Billing",
          .is_public = false,
          .secret_hash = key_of(1),
          .jwks = R"({"keys":[]})",
          .grants = "client_credentials refresh_token",
          .scopes = "read write",
          .audiences = "api reports",
          .algorithm = "RS256",
          .claims_json = R"({"tier":"gold"})",
          .trusted = true};
}

Client open_client(const std::string& id) { return {.id = id, .name = "App", .grants = "refresh_token"}; }

AssertionUse use_of(int number, StoreTime expires_at) {
  AssertionUse use{.id = sid_of(number), .expires_at = expires_at};
  return use;
}

TEST_P(StoreConformance, ClientIsKeptAsItWasAdded) {
  ASSERT_EQ(db().add_client(confidential("billing")), ClientAddition::added);
  subject_->restart();
  const auto found = db().find_client("billing").value().value();
  EXPECT_EQ(found.id, "billing");
  EXPECT_EQ(found.name, "Billing");
  EXPECT_FALSE(found.is_public);
  EXPECT_EQ(found.secret_hash, key_of(1));
  EXPECT_FALSE(found.previous_secret_hash);
  EXPECT_EQ(found.jwks, R"({"keys":[]})");
  EXPECT_EQ(found.grants, "client_credentials refresh_token");
  EXPECT_EQ(found.scopes, "read write");
  EXPECT_EQ(found.audiences, "api reports");
  EXPECT_EQ(found.algorithm, "RS256");
  EXPECT_EQ(found.claims_json, R"({"tier":"gold"})");
  EXPECT_TRUE(found.trusted);
  EXPECT_FALSE(found.disabled);
  EXPECT_EQ(found.version, 0);
  EXPECT_EQ(found.created_at, now());
  EXPECT_FALSE(db().find_client("nobody").value());
}

TEST_P(StoreConformance, ClientIdIsTakenOnceAndNeverAUsers) {
  ASSERT_EQ(db().add_client(confidential("billing")), ClientAddition::added);
  EXPECT_EQ(db().add_client(open_client("billing")), ClientAddition::id_taken);
  EXPECT_FALSE(db().find_client("billing").value()->is_public) << "the first stays";
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  EXPECT_EQ(db().add_client(open_client("usr_ada")), ClientAddition::id_taken);
  EXPECT_FALSE(db().find_client("usr_ada").value());
}

TEST_P(StoreConformance, ConfidentialClientWithoutSecretAndKeysIsAnError) {
  auto bare = confidential("bare");
  bare.secret_hash.reset();
  bare.jwks.clear();
  EXPECT_FALSE(db().add_client(bare).has_value());
  auto talkative = open_client("open");
  talkative.secret_hash = key_of(1);
  EXPECT_FALSE(db().add_client(talkative).has_value());
  EXPECT_EQ(db().add_client(open_client("open")), ClientAddition::added);
}

TEST_P(StoreConformance, ClientsAreListedInPages) {
  for (const std::string id : {"c", "a", "d", "b"}) ASSERT_EQ(db().add_client(open_client(id)), ClientAddition::added);
  const auto ids = [](const std::vector<Client>& clients) {
    std::string text;
    for (const auto& client : clients) text += client.id;
    return text;
  };
  EXPECT_EQ(ids(db().list_clients("", 10).value()), "abcd");
  EXPECT_EQ(ids(db().list_clients("", 2).value()), "ab");
  EXPECT_EQ(ids(db().list_clients("b", 2).value()), "cd");
  EXPECT_EQ(ids(db().list_clients("d", 2).value()), "");
}

TEST_P(StoreConformance, ChangedClientRaisesItsVersionAndANameAloneDoesNot) {
  ASSERT_EQ(db().add_client(confidential("billing")), ClientAddition::added);
  auto changed = db().change_client("billing", {.name = "Invoices"}).value().value();
  EXPECT_EQ(changed.name, "Invoices");
  EXPECT_EQ(changed.version, 0);
  changed = db().change_client("billing", {.scopes = "read", .trusted = false}).value().value();
  EXPECT_EQ(changed.scopes, "read");
  EXPECT_FALSE(changed.trusted);
  EXPECT_EQ(changed.version, 1);
  EXPECT_EQ(changed.audiences, "api reports");
  EXPECT_EQ(changed.name, "Invoices");
  changed = db().change_client("billing", {.claims_json = "{}", .jwks = R"({"keys":[{}]})"}).value().value();
  EXPECT_EQ(changed.claims_json, "{}");
  EXPECT_EQ(changed.jwks, R"({"keys":[{}]})");
  EXPECT_EQ(changed.version, 2);
  EXPECT_FALSE(db().change_client("nobody", {.scopes = "read"}).value());
}

TEST_P(StoreConformance, PublicClientIsGivenNoKeysAndNoSecret) {
  ASSERT_EQ(db().add_client(open_client("app")), ClientAddition::added);
  EXPECT_EQ(db().change_client("app", {.jwks = R"({"keys":[]})"}).value()->jwks, "");
  EXPECT_EQ(db().replace_secret("app", key_of(2), 0ms), false);
  EXPECT_FALSE(db().find_client("app").value()->secret_hash);
  EXPECT_EQ(db().find_client("app").value()->version, 0);
}

TEST_P(StoreConformance, DisabledClientRaisesItsVersionOnce) {
  ASSERT_EQ(db().add_client(confidential("billing")), ClientAddition::added);
  EXPECT_EQ(db().set_client_disabled("billing", true), true);
  EXPECT_EQ(db().set_client_disabled("billing", true), true);
  EXPECT_TRUE(db().find_client("billing").value()->disabled);
  EXPECT_EQ(db().find_client("billing").value()->version, 1);
  EXPECT_EQ(db().set_client_disabled("billing", false), true);
  EXPECT_FALSE(db().find_client("billing").value()->disabled);
  EXPECT_EQ(db().find_client("billing").value()->version, 1);
  EXPECT_EQ(db().set_client_disabled("nobody", true), false);
}

TEST_P(StoreConformance, ReplacedSecretLeavesTheOldOneOnlyWithAnOverlap) {
  ASSERT_EQ(db().add_client(confidential("billing")), ClientAddition::added);
  EXPECT_EQ(db().replace_secret("billing", key_of(2), 60s), true);
  auto client = db().find_client("billing").value().value();
  EXPECT_EQ(client.secret_hash, key_of(2));
  EXPECT_EQ(client.previous_secret_hash, key_of(1));
  EXPECT_EQ(client.previous_secret_until, now() + 60s);
  EXPECT_EQ(client.version, 0);
  EXPECT_EQ(db().replace_secret("billing", key_of(3), 0ms), true);
  client = db().find_client("billing").value().value();
  EXPECT_EQ(client.secret_hash, key_of(3));
  EXPECT_FALSE(client.previous_secret_hash);
  EXPECT_EQ(client.version, 1);
  EXPECT_EQ(db().replace_secret("nobody", key_of(2), 0ms), false);
}

TEST_P(StoreConformance, AssertionIsAdmittedOnceUntilItEnds) {
  EXPECT_EQ(db().admit_assertion(use_of(1, now() + 60s), 10), Admission::first);
  EXPECT_EQ(db().admit_assertion(use_of(1, now() + 60s), 10), Admission::seen);
  EXPECT_EQ(db().admit_assertion(use_of(2, now() + 60s), 10), Admission::first);
  auto other = subject_->open_another();
  EXPECT_EQ(Waiting{*other}.admit_assertion(use_of(1, now() + 60s), 10), Admission::seen);
  subject_->restart();
  EXPECT_EQ(db().admit_assertion(use_of(1, now() + 60s), 10), Admission::seen);
}

TEST_P(StoreConformance, FullMemoryOfAssertionsAdmitsNoneUntilSomeHaveEnded) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(db().admit_assertion(use_of(i, now() + 60s), 3), Admission::first);
  EXPECT_EQ(db().admit_assertion(use_of(9, now() + 60s), 3), Admission::full);
  EXPECT_EQ(db().admit_assertion(use_of(1, now() + 60s), 3), Admission::seen) << "a replay is told apart all the same";
  move_clock(60s - 1ms);
  EXPECT_EQ(db().admit_assertion(use_of(9, now() + 60s), 3), Admission::full);
  move_clock(1ms);
  for (int i = 10; i < 13; ++i) EXPECT_EQ(db().admit_assertion(use_of(i, now() + 60s), 3), Admission::first);
  EXPECT_EQ(db().admit_assertion(use_of(13, now() + 60s), 3), Admission::full);
}

TEST_P(StoreConformance, OfTwoUsesAtOnceOneIsFirst) {
  auto other = subject_->open_another();
  for (int round = 0; round < 10; ++round) {
    std::vector<std::future<Result<Admission>>> answers;
    for (int i = 0; i < 6; ++i) {
      auto promise = std::make_shared<std::promise<Result<Admission>>>();
      answers.push_back(promise->get_future());
      (i % 2 == 0 ? subject_->store() : *other)
          .clients()
          .admit_assertion(use_of(round, now() + 60s), 100,
                           [promise](Result<Admission> result) { promise->set_value(std::move(result)); });
    }
    const auto first =
        std::ranges::count_if(answers, [](auto& answer) { return answer.get().value() == Admission::first; });
    EXPECT_EQ(first, 1);
  }
}

// What the feed says of a client: nothing where the version stays, else that tokens below the new one are over.
TEST_P(StoreConformance, WhateverRaisesAClientsVersionIsInTheFeed) {
  ASSERT_EQ(db().add_client(confidential("billing")), ClientAddition::added);
  db().change_client("billing", {.name = "Invoices"}).value();
  db().replace_secret("billing", key_of(2), 60s).value();
  ASSERT_EQ(db().read_head()->number, 0U);
  db().change_client("billing", {.scopes = "read"}).value();
  db().replace_secret("billing", key_of(3), 0ms).value();
  db().set_client_disabled("billing", true).value();
  db().set_client_disabled("billing", true).value();
  const auto entries = db().read_entries(0)->entries;
  ASSERT_EQ(entries.size(), 3U);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& revocation = entries[i].revocation;
    EXPECT_EQ(revocation.kind, RevocationKind::subject);
    EXPECT_EQ(revocation.subject, "billing");
    EXPECT_EQ(revocation.least, static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(revocation.reason, i == 0 ? RevocationReason::stale_claims : RevocationReason::revoked);
    EXPECT_GE(revocation.expires_at, revocation_expiry(now() + 24h));
  }
}

TEST_P(StoreConformance, RevokedTokenIsFoundByItsJti) {
  ASSERT_GT(db().revoke({.kind = RevocationKind::token, .subject = "j1", .expires_at = revocation_expiry(now() + 60s)})
                .value(),
            0U);
  EXPECT_EQ(db().find_revoked_token("j1"), true);
  EXPECT_EQ(db().find_revoked_token("j2"), false);
  ASSERT_GT(
      db().revoke({.kind = RevocationKind::subject, .subject = "j2", .expires_at = revocation_expiry(now() + 60s)})
          .value(),
      0U);
  EXPECT_EQ(db().find_revoked_token("j2"), false) << "that is a user of this name";
}

UserElsewhere elsewhere(const std::string& sub, std::string claims = R"({"plan":"pro"})") {
  return {.sub = sub, .home = "backend", .email = "ada@example.com", .claims_json = std::move(claims)};
}

TEST_P(StoreConformance, UserElsewhereIsAddedOnceAndRaisesItsVersionWithItsClaims) {
  auto kept = db().keep_user_elsewhere(elsewhere("42")).value();
  EXPECT_EQ(kept.outcome, ElsewhereOutcome::kept);
  EXPECT_EQ(kept.user.sub, "42");
  EXPECT_EQ(kept.user.version, 0);
  EXPECT_EQ(kept.user.email, "ada@example.com");
  EXPECT_EQ(db().keep_user_elsewhere(elsewhere("42"))->user.version, 0) << "nothing has changed";
  auto sign_in = sign_in_of("ada", 7, now());
  sign_in.sub = "42";
  ASSERT_EQ(db().sign_in(sign_in), SignInOutcome::signed_in);
  kept = db().keep_user_elsewhere(elsewhere("42", "{}")).value();
  EXPECT_EQ(kept.user.version, 1);
  EXPECT_EQ(kept.user.claims_json, "{}");
  const auto entries = db().read_entries(0)->entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].revocation.subject, "42");
  EXPECT_EQ(entries[0].revocation.least, 1);
  EXPECT_EQ(entries[0].revocation.reason, RevocationReason::stale_claims);
  EXPECT_FALSE(session(7).ended_at);
}

TEST_P(StoreConformance, UserElsewhereIsNoClientNoOneElsesAndNotFoundByItsAddress) {
  ASSERT_EQ(db().add_client(open_client("app")), ClientAddition::added);
  EXPECT_EQ(db().keep_user_elsewhere(elsewhere("app"))->outcome, ElsewhereOutcome::client_id);
  EXPECT_FALSE(db().find_by_sub("app").value());
  ASSERT_EQ(db().register_user(new_user("ada")), Registration::registered);
  EXPECT_EQ(db().keep_user_elsewhere(elsewhere("usr_ada"))->outcome, ElsewhereOutcome::another_home);
  EXPECT_EQ(ada().claims_json, new_user("ada").claims_json);
  ASSERT_EQ(db().keep_user_elsewhere(elsewhere("42"))->outcome, ElsewhereOutcome::kept);
  auto other = elsewhere("42", "{}");
  other.home = "another";
  EXPECT_EQ(db().keep_user_elsewhere(other)->outcome, ElsewhereOutcome::another_home);
  EXPECT_EQ(db().find_by_email("ada@example.com").value()->sub, "usr_ada");
  EXPECT_EQ(db().add_client(open_client("42")), ClientAddition::id_taken);
}

TEST_P(StoreConformance, AllThatIsHeldOfAUserIsReadAtOnce) {
  sign_ada_in();
  ASSERT_EQ(db().sign_in(sign_in_of("ada", 2, now())), SignInOutcome::signed_in);
  ASSERT_EQ(db().end_session(sid_of(2), EndReason::logout), true);
  const auto held = db().read_all_of_user("usr_ada").value().value();
  EXPECT_EQ(held.user.email, "ada@Example.com");
  EXPECT_EQ(held.home, "");
  ASSERT_EQ(held.sessions.size(), 2U);
  EXPECT_EQ(held.sessions[0].session.sid, sid_of(1));
  EXPECT_EQ(held.sessions[0].address, "192.0.2.7");
  EXPECT_EQ(held.sessions[0].user_agent, "Mozilla/5.0 (X11; Linux x86_64)");
  EXPECT_EQ(held.sessions[0].end_reason, "");
  EXPECT_EQ(held.sessions[1].end_reason, "logout");
  ASSERT_EQ(held.audit.size(), 4U);
  EXPECT_EQ(held.audit[0].kind, "user_registered");
  EXPECT_FALSE(db().read_all_of_user("usr_nobody").value());
}

TEST_P(StoreConformance, ErasedUserIsRevokedAndForgottenAndOthersStay) {
  sign_ada_in();
  ASSERT_EQ(db().register_user(new_user("bob")), Registration::registered);
  ASSERT_EQ(db().sign_in(sign_in_of("bob", 2, now())), SignInOutcome::signed_in);
  EXPECT_EQ(db().erase_user("usr_ada"), true);
  EXPECT_FALSE(db().find_by_sub("usr_ada").value());
  EXPECT_FALSE(db().find_by_email("ada@example.com").value());
  EXPECT_FALSE(db().find_session(sid_of(1)).value());
  EXPECT_FALSE(db().read_all_of_user("usr_ada").value());
  EXPECT_EQ(rotate_outcome(0), RotateOutcome::unknown);
  const auto entries = db().read_entries(0)->entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].revocation.subject, "usr_ada");
  EXPECT_FALSE(entries[0].revocation.least) << "all of them";
  EXPECT_EQ(db().read_all_of_user("usr_bob").value()->sessions.size(), 1U);
  EXPECT_EQ(db().erase_user("usr_ada"), false);
}

TEST_P(StoreConformance, UsersAreListedInPages) {
  for (const std::string sub : {"c", "a", "b"}) ASSERT_TRUE(db().keep_user_elsewhere(elsewhere(sub)).has_value());
  const auto first = db().list_users("", 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1].sub, "b");
  const auto rest = db().list_users("b", 2).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].sub, "c");
}

}  // namespace
}  // namespace jeton::store::conformance
