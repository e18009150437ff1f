// Keys that are tended on a real store: nodes that agree, that are held up, whose clocks differ; several algorithms and
// shared secrets side by side.
#include "issuer/keys/key_tender.h"

#include "issuer/completion.h"
#include "issuer/keys/key_rows.h"
#include "issuer/running_issuer.h"
#include "store/sqlite/sqlite_store.h"

#include <jeton/key_set.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <charconv>
#include <set>

namespace jeton::issuer {
namespace {

using namespace std::chrono_literals;
using store::KeyChange;
using store::KeySetView;
using store::KeyState;
using testing::MovedClock;
using testing::RunningIssuer;
using testing::RunningOptions;
using testing::TemporaryDirectory;

template <class T>
T run(boost::asio::awaitable<T> work) {
  boost::asio::io_context loop;
  auto result = boost::asio::co_spawn(loop, std::move(work), boost::asio::use_future);
  loop.run();
  return result.get();
}

// One process's store, keyring and tender, with no server around them.
class Node {
 public:
  Node(const std::string& path, MovedClock& clock, std::vector<Algorithm> algorithms = {Algorithm::es256})
      : store_(store::open_sqlite({.path = path, .clock = clock}).value()),
        foundation_(lay_foundation(*store_, testing::master_key_of(1), {.issuer_default = "http://127.0.0.1"}).value()),
        keyring({.store = *store_,
                 .clock = clock,
                 .monotonic = clock,
                 .rules = rules,
                 .foundation = foundation_,
                 .cache = tokens_},
                std::move(algorithms)) {
    settle();
  }

  // Until nothing is due.
  void settle() {
    for (auto step = tender.step(); step.has_value() && *step == KeyTender::Step::changed;) step = tender.step();
  }
  std::shared_ptr<const Keyring::Keys> to_sign(std::chrono::seconds lifetime = 15min) {
    return run(keyring.to_sign(lifetime));
  }
  std::string signing_kid() { return std::string(to_sign()->default_signer()->key().kid()); }
  KeySetView view() {
    return waited<KeySetView>([&](auto done) { store_->signing_keys().read_keys(std::move(done)); }).value();
  }
  std::size_t count(KeyState state) {
    const auto keys = view().keys;
    return static_cast<std::size_t>(std::ranges::count(keys, state, &store::StoredKey::state));
  }
  KeyChange rotate_now() {
    return waited<KeyChange>([&](auto done) { store_->signing_keys().rotate_key("ES256", std::move(done)); }).value();
  }
  KeyChange revoke(const std::string& kid) {
    return waited<KeyChange>([&](auto done) { store_->signing_keys().revoke_key(kid, std::move(done)); }).value();
  }
  KeyChange import_secret(const SigningKey& key, const std::string& audience) {
    return waited<KeyChange>([&](auto done) {
             store_->signing_keys().import_key(sealed_row(key, foundation_.sealing_key, KeyState::active, audience),
                                               std::move(done));
           })
        .value();
  }

 private:
  std::unique_ptr<store::Store> store_;
  Foundation foundation_;
  TokenCache tokens_;

 public:
  Replaceable<Rules> rules{Rules{}};
  Keyring keyring;
  KeyTender tender{keyring};
};

class Tending : public ::testing::Test {
 protected:
  std::string path() const { return directory_.file("jeton.db"); }
  TemporaryDirectory directory_;
  MovedClock clock_;
};

TEST_F(Tending, NextKeyIsPublishedAtOnceAndSignsInItsTime) {
  Node node(path(), clock_);
  const std::string first = node.signing_kid();
  EXPECT_EQ(node.count(KeyState::pending), 1U);
  clock_.move(10min);
  node.settle();
  EXPECT_EQ(node.count(KeyState::standby), 1U);
  EXPECT_EQ(node.signing_kid(), first);
  clock_.move(std::chrono::days{30});
  node.settle();
  clock_.move(10min);
  node.settle();
  EXPECT_NE(node.signing_kid(), first);
  EXPECT_EQ(node.count(KeyState::retired), 1U);
  for (const auto& key : node.view().keys) EXPECT_EQ(key.sealed.empty(), key.kid == first);
  clock_.move(15min + node_lease + verifier_leeway_max + node_skew_max);
  node.settle();
  EXPECT_EQ(node.count(KeyState::retired), 0U);
}

TEST_F(Tending, NodeThatWasHeldUpSignsNothingWithTheKeyOfBefore) {
  Node one(path(), clock_), held_up(path(), clock_);
  one.settle();
  const std::string old = held_up.signing_kid();
  clock_.move(10min);
  one.settle();
  held_up.settle();
  ASSERT_EQ(one.rotate_now(), KeyChange::done);
  EXPECT_EQ(held_up.signing_kid(), old) << "for a moment it cannot know";
  clock_.move(node_trust);
  one.settle();
  EXPECT_NE(held_up.signing_kid(), old);
}

TEST_F(Tending, PrivatePartStaysUntilTheLastNodeHasLetGo) {
  Node one(path(), clock_), two(path(), clock_);
  one.settle();
  clock_.move(10min);
  one.settle();
  two.settle();
  one.settle();
  ASSERT_EQ(one.rotate_now(), KeyChange::done);
  one.settle();
  EXPECT_EQ(one.count(KeyState::draining), 1U) << "the other has not loaded it";
  two.settle();
  EXPECT_EQ(one.count(KeyState::draining), 0U);
  EXPECT_EQ(one.count(KeyState::retired), 1U);
}

TEST_F(Tending, AlgorithmsHaveKeysSideBySide) {
  Node node(path(), clock_, {Algorithm::es256, Algorithm::rs256, Algorithm::eddsa});
  const auto keys = node.to_sign();
  EXPECT_EQ(keys->default_signer()->key().algorithm(), Algorithm::es256);
  for (const Algorithm algorithm : {Algorithm::es256, Algorithm::rs256, Algorithm::eddsa}) {
    ASSERT_NE(keys->signer(algorithm), nullptr);
    EXPECT_EQ(keys->signer(algorithm)->key().algorithm(), algorithm);
  }
  EXPECT_EQ(keys->signer(Algorithm::ps256), nullptr);
  EXPECT_EQ(keys->signer(Algorithm::hs256), nullptr);
}

TEST_F(Tending, DefaultAlgorithmThatIsChangedLaterSignsOnlyWhenEveryVerifierCanKnowIt) {
  {
    Node before(path(), clock_);
  }
  Node after(path(), clock_, {Algorithm::eddsa});
  EXPECT_EQ(after.to_sign()->default_signer()->key().algorithm(), Algorithm::es256);
  clock_.move(node_lease);  // the node of before has gone without a word
  after.settle();
  clock_.move(10min);
  after.settle();
  EXPECT_EQ(after.to_sign()->default_signer()->key().algorithm(), Algorithm::eddsa);
}

// The key of before is as old as keys get, and its nodes are gone.
TEST_F(Tending, DefaultAlgorithmThatIsChangedLeavesNobodyWithoutASigner) {
  {
    Node before(path(), clock_);
  }
  clock_.move(std::chrono::days(20));
  Node after(path(), clock_, {Algorithm::eddsa});
  auto signs = Algorithm::es256;
  for (int i = 0; i < 200; ++i) {
    clock_.move(10s);
    after.settle();
    const auto* signer = after.to_sign()->default_signer();
    ASSERT_NE(signer, nullptr) << "after " << i;
    ASSERT_TRUE(signs != Algorithm::eddsa || signer->key().algorithm() == Algorithm::eddsa) << "and not back again";
    signs = signer->key().algorithm();
  }
  EXPECT_EQ(signs, Algorithm::eddsa);
  EXPECT_EQ(after.to_sign()->signer(Algorithm::es256), nullptr) << "it has drained";
}

TEST_F(Tending, SharedSecretSignsForItsAudienceAloneAndIsNeverPublishedNorBelieved) {
  Node node(path(), clock_);
  const SigningKey secret = SigningKey::generate(Algorithm::hs256);
  ASSERT_EQ(node.import_secret(secret, "billing"), KeyChange::done);
  node.settle();
  const auto keys = node.to_sign();
  ASSERT_NE(keys->secret_for("billing"), nullptr);
  EXPECT_EQ(keys->secret_for("api"), nullptr);
  EXPECT_EQ(keys->secret_for(""), nullptr);
  EXPECT_EQ(keys->default_signer()->key().algorithm(), Algorithm::es256);
  EXPECT_EQ(keys->jwks.find(std::string(secret.kid())), std::string::npos);
  EXPECT_EQ(keys->jwks.find("oct"), std::string::npos);

  const auto token = keys->secret_for("billing")->sign(Claims("usr_x"), clock_.now_seconds());
  const Verifier service{TrustedIssuer{.issuer = "http://127.0.0.1",
                                       .audience = AudienceRule::must_include("billing"),
                                       .keys = KeySet({secret.verification_key()})}};
  EXPECT_TRUE(service.verify(*token, clock_.now_seconds()).has_value());
  const std::string authorization = "Bearer " + *token;
  const std::vector<std::string_view> headers{authorization};
  const auto decision = keys->guard.decide({.authorization = headers}, clock_.now_seconds());
  ASSERT_NE(decision.refused(), nullptr) << "the issuer itself believes no shared secret";
}

TEST_F(Tending, RevokedKeyIsGoneFromEveryNodeAndTheStandbySigns) {
  Node one(path(), clock_), two(path(), clock_);
  one.settle();
  clock_.move(10min);
  one.settle();
  two.settle();
  const std::string stolen = one.signing_kid();
  ASSERT_EQ(one.revoke(stolen), KeyChange::done);
  one.settle();
  two.settle();
  EXPECT_NE(two.signing_kid(), stolen);
  EXPECT_EQ(two.signing_kid(), one.signing_kid());
  EXPECT_EQ(two.keyring.current()->jwks.find(stolen), std::string::npos);
}

// Nobody would be signed in for twice max-age else: the stated exception.
TEST_F(Tending, WhenEverythingWasRevokedTheNextKeySignsAtOnce) {
  Node node(path(), clock_);
  const std::string stolen = node.signing_kid();
  ASSERT_EQ(node.revoke(stolen), KeyChange::no_standby);
  node.settle();
  ASSERT_NE(node.to_sign()->default_signer(), nullptr);
  EXPECT_NE(node.signing_kid(), stolen);
  EXPECT_NE(node.keyring.current()->jwks.find(node.signing_kid()), std::string::npos);
}

TEST_F(Tending, LongerTokenIsSignedOnlyWhenTheStoreKnowsForHowLongItsKeyIsNeeded) {
  Node node(path(), clock_);
  const std::string kid = node.signing_kid();
  ASSERT_NE(node.to_sign(24h), nullptr);
  const auto keys = node.view().keys;
  EXPECT_GE(std::ranges::find(keys, kid, &store::StoredKey::kid)->expires_max, clock_.now() + 24h);
}

// mission row 8: hours of rotation by two servers whose clocks differ by half a minute, seen by a verifier that keeps
// the published keys for as long as Cache-Control says and never asks before.
TEST_F(Tending, ClocksThatDifferByHalfAMinuteLoseNoToken) {
  MovedClock ahead;
  ahead.set_apart(30s);
  Rules rules = RunningOptions::quick_rules();
  rules.access_lifetime = 60s;
  rules.jwks_max_age = 10s;
  rules.key_rotation_period = 40s;
  const RunningOptions options{.database = path(), .rules = rules};
  RunningIssuer one(clock_, options), two(ahead, options);
  one.register_user(testing::email, testing::password);
  const std::array<RunningIssuer*, 2> nodes{&one, &two};
  KeySet kept;
  std::chrono::milliseconds keep_until{0};
  std::set<std::string> kids;
  for (int second = 0; second < 600; ++second) {
    clock_.move(1s);
    ahead.move(1s);
    for (RunningIssuer* node : nodes) ASSERT_TRUE(node->issuer().tend_keys_once().has_value());
    if (second % 2 == 1) continue;
    const auto& node = *nodes[static_cast<std::size_t>(second / 2 % 2)];
    const std::string access = node.login(testing::email, testing::password).text("accessToken");
    if (clock_.ticks() >= keep_until) {
      const auto answer = nodes[static_cast<std::size_t>(second / 4 % 2)]->get("/.well-known/jwks.json");
      kept = KeySet::parse(answer.body).value();
      const std::string control = answer.header("cache-control");
      EXPECT_EQ(control, "public, max-age=10, stale-while-revalidate=5");
      keep_until = clock_.ticks() + 15s;
    }
    const Verifier verifier{TrustedIssuer{.issuer = one.issuer().foundation().issuer,
                                          .audience = AudienceRule::must_include("api"),
                                          .keys = kept,
                                          .leeway = 30s}};
    const auto verified = verifier.verify(access, clock_.now_seconds());
    ASSERT_TRUE(verified.has_value()) << "second " << second << ": " << describe(verified.error());
    kids.insert(untrusted_header_peek(access)->kid);
  }
  EXPECT_GT(kids.size(), 5U);
}

}  // namespace
}  // namespace jeton::issuer
