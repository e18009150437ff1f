// Signing keys: one versioned set, each step from the state it may begin in, one of several that decide at once.
#include "store/conformance/harness.h"

#include <algorithm>

namespace jeton::store::conformance {
namespace {

using namespace std::chrono_literals;

StoredKey key(const std::string& kid, KeyState state = KeyState::pending, const std::string& algorithm = "ES256") {
  return {.kid = kid,
          .algorithm = algorithm,
          .state = state,
          .public_jwk = R"({"kid":")" + kid + R"("})",
          .sealed = {std::byte{0}, std::byte{255}, std::byte{0}}};
}

StoredKey secret(const std::string& kid, const std::string& audience) {
  auto shared = key(kid, KeyState::active, "HS256");
  shared.audience = audience;
  shared.public_jwk.clear();
  return shared;
}

class Keys {
 public:
  explicit Keys(Waiting db) : db_(db) {}
  void advance(std::vector<KeyStep> steps) {
    ASSERT_EQ(db_.advance_keys(view().version, std::move(steps)), KeyChange::done);
  }
  KeySetView view() { return db_.read_keys().value(); }
  std::optional<StoredKey> find(const std::string& kid) {
    auto keys = view().keys;
    const auto found = std::ranges::find(keys, kid, &StoredKey::kid);
    return found == keys.end() ? std::nullopt : std::optional{*found};
  }
  KeyState state(const std::string& kid) { return find(kid).value().state; }
  void make_standby(const std::string& kid) { advance({AddKey{key(kid)}, MarkPublished{kid, 1s}, MatureKey{kid}}); }

 private:
  Waiting db_;
};

TEST_P(StoreConformance, FirstKeyIsKeptWithItsBytes) {
  Keys keys{db()};
  EXPECT_EQ(keys.view().version, 0);
  EXPECT_TRUE(keys.view().keys.empty());
  keys.advance({AddKey{key("one", KeyState::active)}});
  EXPECT_EQ(keys.view().version, 1);
  const auto stored = keys.find("one").value();
  EXPECT_EQ(stored.algorithm, "ES256");
  EXPECT_EQ(stored.state, KeyState::active);
  EXPECT_EQ(stored.public_jwk, R"({"kid":"one"})");
  EXPECT_EQ(stored.sealed, key("one").sealed);
  EXPECT_EQ(stored.created_at, now());
  EXPECT_EQ(stored.state_since, now());
  EXPECT_EQ(stored.state_version, 1);
  subject_->restart();
  EXPECT_EQ(Keys{db()}.state("one"), KeyState::active);
}

TEST_P(StoreConformance, WhoLookedAtAnOlderSetIsOvertakenAndChangesNothing) {
  Keys keys{db()};
  keys.advance({AddKey{key("one", KeyState::active)}});
  EXPECT_EQ(db().advance_keys(0, {AddKey{key("two")}}), KeyChange::overtaken);
  EXPECT_FALSE(keys.find("two"));
  EXPECT_EQ(keys.view().version, 1);
  EXPECT_EQ(db().advance_keys(1, {AddKey{key("two")}}), KeyChange::done);
  EXPECT_EQ(keys.view().version, 2);
}

// mission row 8: the states of a key's life, in their order, each with the version of the set in which it began.
TEST_P(StoreConformance, KeyGoesThroughItsWholeLife) {
  Keys keys{db()};
  keys.advance({AddKey{key("old", KeyState::active)}});
  keys.advance({AddKey{key("new")}});
  EXPECT_EQ(keys.find("new")->state_version, 2);
  EXPECT_FALSE(keys.find("new")->published_at);
  move_clock(5s);
  keys.advance({MarkPublished{"new", 1500ms}});
  EXPECT_EQ(keys.find("new")->published_at, now());
  EXPECT_EQ(keys.find("new")->settling, 1500ms);
  EXPECT_EQ(keys.find("new")->state_version, 2) << "it was not a change of state";
  keys.advance({MatureKey{"new"}});
  EXPECT_EQ(keys.state("new"), KeyState::standby);
  move_clock(5s);
  keys.advance({ActivateKey{"new"}});
  EXPECT_EQ(keys.state("new"), KeyState::active);
  EXPECT_EQ(keys.find("new")->state_since, now());
  EXPECT_EQ(keys.state("old"), KeyState::draining);
  EXPECT_EQ(keys.find("old")->state_version, keys.view().version);
  EXPECT_FALSE(keys.find("old")->sealed.empty());
  keys.advance({RetireKey{"old"}});
  EXPECT_EQ(keys.state("old"), KeyState::retired);
  EXPECT_TRUE(keys.find("old")->sealed.empty());
  EXPECT_FALSE(keys.find("old")->public_jwk.empty());
  keys.advance({RemoveKey{"old"}});
  EXPECT_FALSE(keys.find("old"));
}

TEST_P(StoreConformance, StepFromAnotherStateThanItsOwnDoesNothing) {
  Keys keys{db()};
  keys.advance({AddKey{key("a", KeyState::active)}, AddKey{key("p")}});
  keys.advance(
      {ActivateKey{"p"}, RetireKey{"a"}, RemoveKey{"a"}, MatureKey{"a"}, MarkPublished{"a", 1s}, RetireKey{"none"}});
  EXPECT_EQ(keys.state("a"), KeyState::active);
  EXPECT_EQ(keys.state("p"), KeyState::pending);
  EXPECT_FALSE(keys.find("a")->published_at);
  EXPECT_FALSE(keys.find("a")->sealed.empty());
}

TEST_P(StoreConformance, AlgorithmHasOneActiveKeyAtMost) {
  Keys keys{db()};
  keys.advance({AddKey{key("one", KeyState::active)}});
  keys.advance({AddKey{key("two", KeyState::active)}, AddKey{key("rs", KeyState::active, "RS256")}});
  EXPECT_FALSE(keys.find("two"));
  EXPECT_EQ(keys.state("rs"), KeyState::active);
}

TEST_P(StoreConformance, NodesAreSeenWithWhatTheyLoadedAndSinceWhen) {
  Keys keys{db()};
  keys.advance({AddKey{key("one", KeyState::active)}});
  const auto loaded = now();
  EXPECT_EQ(db().report_node({.id = "b", .version = 0, .max_age = 60s})->version, 1);
  move_clock(2s);
  const auto first = db().report_node({.id = "a", .version = 1, .max_age = 60s}).value();
  ASSERT_EQ(first.nodes.size(), 2U);
  EXPECT_EQ(first.nodes[0].id, "a");
  EXPECT_EQ(first.nodes[1].version, 0);
  move_clock(2s);
  const auto view = db().report_node({.id = "b", .version = 0, .max_age = 90s}).value();
  EXPECT_EQ(view.nodes[1].reports, 2);
  EXPECT_EQ(view.nodes[1].loaded_at, loaded) << "it still works with the same";
  EXPECT_EQ(view.nodes[1].seen_at, now());
  EXPECT_EQ(view.nodes[1].max_age, 90s);
  move_clock(2s);
  EXPECT_EQ(db().report_node({.id = "b", .version = 1, .max_age = 90s})->nodes[1].loaded_at, now());
  EXPECT_EQ(view.version, 1) << "a report changes no key";
}

TEST_P(StoreConformance, DeadNodeIsForgottenUnlessItReportedMeanwhile) {
  Keys keys{db()};
  static_cast<void>(db().report_node({.id = "dead", .version = 1}));
  const auto seen = db().report_node({.id = "alive", .version = 1})->nodes;
  ASSERT_EQ(seen.size(), 2U);
  static_cast<void>(db().report_node({.id = "alive", .version = 1}));
  EXPECT_EQ(db().advance_keys(77, {ForgetNode{"dead", 1}, ForgetNode{"alive", 1}}), KeyChange::done);
  EXPECT_EQ(keys.view().nodes.size(), 1U);
  EXPECT_EQ(keys.view().nodes[0].id, "alive");
  EXPECT_EQ(keys.view().version, 0) << "to forget a node changes no key";
  EXPECT_EQ(db().forget_node("alive"), true);
  EXPECT_EQ(db().forget_node("alive"), false);
}

TEST_P(StoreConformance, LongestExpiryAKeyMaySignIsRememberedAndNeverShrinks) {
  Keys keys{db()};
  keys.advance({AddKey{key("one", KeyState::active)}, AddKey{key("two")}});
  NodeReport report{.id = "a", .version = 1, .signing_kids = {"one"}, .expires_at = now() + 15min};
  static_cast<void>(db().report_node(report));
  EXPECT_EQ(keys.find("one")->expires_max, now() + 15min);
  EXPECT_EQ(keys.find("two")->expires_max, StoreTime{});
  report.expires_at = now() + 1min;
  static_cast<void>(db().report_node(report));
  EXPECT_EQ(keys.find("one")->expires_max, now() + 15min);
  report.expires_at = now() + 1h;
  static_cast<void>(db().report_node(report));
  EXPECT_EQ(keys.find("one")->expires_max, now() + 1h);
}

TEST_P(StoreConformance, LongestMaxAgeStaysUntilItIsLoweredAndNeverBelowThatOfANode) {
  Keys keys{db()};
  static_cast<void>(db().report_node({.id = "a", .max_age = 800s}));
  EXPECT_EQ(keys.view().max_age, 800s);
  static_cast<void>(db().report_node({.id = "b", .max_age = 5s}));
  EXPECT_EQ(keys.view().max_age, 800s);
  keys.advance({LowerMaxAge{5s}});
  EXPECT_EQ(keys.view().max_age, 800s) << "a node still says so";
  static_cast<void>(db().report_node({.id = "a", .max_age = 1s}));
  keys.advance({LowerMaxAge{1s}});
  EXPECT_EQ(keys.view().max_age, 5s);
}

TEST_P(StoreConformance, KeyDrainsWithNoOtherInItsPlace) {
  Keys keys{db()};
  keys.advance({AddKey{key("now", KeyState::active)}, AddKey{key("next", KeyState::pending)}});
  keys.advance({DrainKey{"now"}, DrainKey{"next"}, DrainKey{"nobody"}});
  EXPECT_EQ(keys.state("now"), KeyState::draining);
  EXPECT_EQ(keys.state("next"), KeyState::draining);
  keys.advance({RetireKey{"now"}});
  keys.advance({DrainKey{"now"}});
  EXPECT_EQ(keys.state("now"), KeyState::retired) << "there is no way back";
}

TEST_P(StoreConformance, OperatorRotatesToTheOldestStandby) {
  Keys keys{db()};
  keys.advance({AddKey{key("now", KeyState::active)}});
  EXPECT_EQ(db().rotate_key("ES256"), KeyChange::no_standby);
  EXPECT_EQ(keys.state("now"), KeyState::active);
  keys.make_standby("z-older");
  move_clock(1s);
  keys.make_standby("a-newer");
  const auto before = keys.view().version;
  EXPECT_EQ(db().rotate_key("ES256"), KeyChange::done);
  EXPECT_EQ(keys.state("z-older"), KeyState::active);
  EXPECT_EQ(keys.state("now"), KeyState::draining);
  EXPECT_EQ(keys.state("a-newer"), KeyState::standby);
  EXPECT_GT(keys.view().version, before);
}

TEST_P(StoreConformance, RevokedKeyIsReplacedByTheStandbyAtOnceAndNeverComesBack) {
  Keys keys{db()};
  keys.advance({AddKey{key("stolen", KeyState::active)}});
  keys.make_standby("next");
  const auto before = keys.view().version;
  EXPECT_EQ(db().revoke_key("stolen"), KeyChange::done);
  EXPECT_EQ(keys.state("stolen"), KeyState::revoked);
  EXPECT_TRUE(keys.find("stolen")->sealed.empty());
  EXPECT_EQ(keys.state("next"), KeyState::active);
  EXPECT_GT(keys.view().version, before);
  EXPECT_EQ(db().advance_keys(before, {MatureKey{"next"}}), KeyChange::overtaken);
  EXPECT_EQ(db().import_key(key("stolen")), KeyChange::exists);
  EXPECT_EQ(db().revoke_key("stolen"), KeyChange::done) << "again is no error";
  EXPECT_EQ(db().revoke_key("nobody"), KeyChange::unknown);
}

TEST_P(StoreConformance, RevokedKeyIsInTheFeed) {
  Keys keys{db()};
  keys.advance({AddKey{key("stolen", KeyState::active)}});
  ASSERT_EQ(db().revoke_key("stolen"), KeyChange::no_standby);
  ASSERT_EQ(db().revoke_key("stolen"), KeyChange::done);
  const auto page =
      outcome_of<FeedPage>([&](auto done) { subject_->store().revocations().read_entries(0, std::move(done)); });
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0].revocation.kind, RevocationKind::key);
  EXPECT_EQ(page->entries[0].revocation.subject, "stolen");
  EXPECT_GT(page->entries[0].revocation.expires_at, revocation_expiry(now() + std::chrono::days{364}));
}

TEST_P(StoreConformance, NewHistoryBeginsItsKeysAnewAndKeepsTheRevokedOnes) {
  Keys keys{db()};
  keys.advance({AddKey{key("old", KeyState::active)}, AddKey{key("stolen")}});
  ASSERT_EQ(db().revoke_key("stolen"), KeyChange::done);
  static_cast<void>(db().report_node({.id = "gone"}));
  const auto before = keys.view().version;
  ASSERT_TRUE(outcome_of<HistoryMark>([&](auto done) {
                subject_->store().history().begin_history("another", std::move(done));
              }).has_value());
  const auto view = keys.view();
  EXPECT_GT(view.version, before) << "what was looked at before is overtaken";
  EXPECT_EQ(view.began, view.version);
  ASSERT_EQ(view.keys.size(), 1U);
  EXPECT_EQ(view.keys[0].kid, "stolen");
  EXPECT_TRUE(view.nodes.empty());
  keys.advance({AddKey{key("new", KeyState::active)}});
  EXPECT_GT(keys.view().version, keys.view().began);
}

TEST_P(StoreConformance, RevokedStandbyLeavesTheActiveKeyAlone) {
  Keys keys{db()};
  keys.advance({AddKey{key("now", KeyState::active)}});
  keys.make_standby("next");
  EXPECT_EQ(db().revoke_key("next"), KeyChange::done);
  EXPECT_EQ(keys.state("now"), KeyState::active);
  EXPECT_EQ(db().revoke_key("now"), KeyChange::no_standby) << "nothing signs, and that is said";
  EXPECT_EQ(keys.state("now"), KeyState::revoked);
}

TEST_P(StoreConformance, AudienceHasOneSharedSecretUntilItIsRevoked) {
  Keys keys{db()};
  EXPECT_EQ(db().import_key(secret("s1", "billing")), KeyChange::done);
  EXPECT_EQ(db().import_key(secret("s2", "billing")), KeyChange::exists);
  EXPECT_EQ(db().import_key(secret("s3", "orders")), KeyChange::done);
  EXPECT_EQ(keys.state("s3"), KeyState::active) << "each audience has its own";
  EXPECT_EQ(db().revoke_key("s1"), KeyChange::done);
  EXPECT_EQ(db().import_key(secret("s2", "billing")), KeyChange::done);
}

// Of several processes that decide on the same set at once one is applied.
TEST_P(StoreConformance, OfSeveralRotatorsAtOnceOneWinsEachRound) {
  Keys keys{db()};
  auto other = subject_->open_another();
  for (int round = 0; round < 10; ++round) {
    const auto version = keys.view().version;
    std::vector<std::future<Result<KeyChange>>> answers;
    for (int i = 0; i < 10; ++i) {
      auto& store = i % 2 == 0 ? subject_->store() : *other;
      auto promise = std::make_shared<std::promise<Result<KeyChange>>>();
      answers.push_back(promise->get_future());
      store.signing_keys().advance_keys(version, {AddKey{key(std::to_string(round) + "/" + std::to_string(i))}},
                                        [promise](auto result) { promise->set_value(std::move(result)); });
    }
    int applied = 0;
    for (auto& answer : answers) applied += answer.get() == KeyChange::done ? 1 : 0;
    EXPECT_EQ(applied, 1);
    EXPECT_EQ(keys.view().keys.size(), static_cast<std::size_t>(round + 1));
  }
}

}  // namespace
}  // namespace jeton::store::conformance
