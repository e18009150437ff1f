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

}  // namespace
}  // namespace jeton::store::conformance
