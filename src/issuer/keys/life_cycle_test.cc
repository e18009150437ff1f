// The life cycle of keys over random histories: nodes that start, stop, die, are held up and disagree about the time,
// operators that rotate and revoke, and verifiers that keep what they fetched for as long as its header says.
#include "issuer/keys/life_cycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <string>

namespace jeton::issuer {
namespace {

using namespace std::chrono_literals;
using store::KeyNode;
using store::KeySetView;
using store::KeyState;
using store::StoredKey;
using store::StoreTime;

constexpr StoreTime epoch{std::chrono::milliseconds{1'700'000'000'000}};

// The store's side of the contract, as src/store/conformance demands it.
class Rows {
 public:
  KeySetView view;

  void report(const std::string& id, std::int64_t version, std::chrono::seconds max_age,
              const std::set<std::string>& kids, StoreTime expires_at, StoreTime now) {
    auto found = std::ranges::find(view.nodes, id, &KeyNode::id);
    if (found == view.nodes.end()) found = view.nodes.insert(found, {.id = id, .loaded_at = now});
    ++found->reports;
    if (found->version != version) found->loaded_at = now;
    found->version = version;
    found->seen_at = now;
    found->max_age = max_age;
    view.max_age = std::max(view.max_age, max_age);
    for (StoredKey& key : view.keys) {
      if (kids.contains(key.kid)) key.expires_max = std::max(key.expires_max, expires_at);
    }
  }

  bool advance(std::int64_t version, const KeyPlan& plan, StoreTime now) {
    if (view.version != version) return false;
    const bool forgets_only = plan.new_keys.empty() && std::ranges::all_of(plan.steps, [](const store::KeyStep& step) {
                                return std::holds_alternative<store::ForgetNode>(step);
                              });
    if (!forgets_only) ++view.version;
    for (const store::KeyStep& step : plan.steps) std::visit([&](const auto& it) { apply(it, now); }, step);
    for (const NewKey& key : plan.new_keys) {
      view.keys.push_back({.kid = "key-" + std::to_string(++made_),
                           .algorithm = std::string(name_of(key.algorithm)),
                           .state = key.state,
                           .sealed = {std::byte{1}},
                           .created_at = now,
                           .state_since = now,
                           .state_version = view.version});
    }
    return true;
  }

  void activate(StoredKey& next, StoreTime now) {
    for (StoredKey& key : view.keys) {
      if (key.algorithm == next.algorithm && key.state == KeyState::active) enter(key, KeyState::draining, now);
    }
    enter(next, KeyState::active, now);
  }

  StoredKey* oldest(const std::string& algorithm, KeyState state) {
    for (StoredKey& key : view.keys) {
      if (key.algorithm == algorithm && key.state == state) return &key;
    }
    return nullptr;
  }

  void revoke(StoredKey& key, StoreTime now) {
    ++view.version;
    const bool was_active = key.state == KeyState::active;
    enter(key, KeyState::revoked, now);
    key.sealed.clear();
    StoredKey* next = oldest(key.algorithm, KeyState::standby);
    if (was_active && next != nullptr) activate(*next, now);
  }

  void enter(StoredKey& key, KeyState state, StoreTime now) const {
    key.state = state;
    key.state_since = now;
    key.state_version = view.version;
  }

 private:
  StoredKey* in(const std::string& kid, KeyState state) {
    const auto found = std::ranges::find(view.keys, kid, &StoredKey::kid);
    return found == view.keys.end() || found->state != state ? nullptr : &*found;
  }
  void apply(const store::AddKey&, StoreTime) {}
  void apply(const store::MarkPublished& it, StoreTime now) {
    if (auto* key = in(it.kid, KeyState::pending); key != nullptr && !key->published_at) {
      key->published_at = now;
      key->settling = it.settling;
    }
  }
  void apply(const store::MatureKey& it, StoreTime now) {
    if (auto* key = in(it.kid, KeyState::pending)) enter(*key, KeyState::standby, now);
  }
  void apply(const store::ActivateKey& it, StoreTime now) {
    if (auto* key = in(it.kid, KeyState::standby)) activate(*key, now);
  }
  void apply(const store::DrainKey& it, StoreTime now) {
    for (const auto state : {KeyState::pending, KeyState::standby, KeyState::active}) {
      if (auto* key = in(it.kid, state)) return enter(*key, KeyState::draining, now);
    }
  }
  void apply(const store::RetireKey& it, StoreTime now) {
    if (auto* key = in(it.kid, KeyState::draining)) {
      enter(*key, KeyState::retired, now);
      key->sealed.clear();
    }
  }
  void apply(const store::RemoveKey& it, StoreTime) {
    if (in(it.kid, KeyState::retired) != nullptr)
      std::erase_if(view.keys, [&](auto& key) { return key.kid == it.kid; });
  }
  void apply(const store::LowerMaxAge& it, StoreTime) {
    view.max_age = it.max_age;
    for (const KeyNode& node : view.nodes) view.max_age = std::max(view.max_age, node.max_age);
  }
  void apply(const store::ForgetNode& it, StoreTime) {
    std::erase_if(view.nodes, [&](const auto& node) { return node.id == it.id && node.reports == it.reports; });
  }

  int made_ = 0;
};

// What is done wrong on purpose, to see that it is noticed.
enum class Fault : std::uint8_t { none, signs_unsettled, ignores_other_nodes, never_doubts_itself, removes_early };

struct Node {
  std::string id;
  std::chrono::milliseconds apart{};  // its wall clock from the true time
  std::chrono::milliseconds since{};  // where its monotonic clock began
  KeySettings settings;
  KeyWatch watch;
  KeySetView loaded;
  std::chrono::milliseconds confirmed = -1h;  // true time
  std::chrono::milliseconds held_up_until{};
  std::chrono::milliseconds next_report{};
  // Worked out, and not yet handed to the store.
  KeyPlan plan;
  std::int64_t plan_version = -1;
  std::chrono::milliseconds plan_at{};
};

struct Token {
  std::string kid;
  StoreTime expires_at;  // by the clock of the node that signed it
};

struct Verifier {
  std::set<std::string> kids;
  std::chrono::milliseconds keep_until = -1h;
  std::chrono::milliseconds apart{};
};

class World {
 public:
  World(unsigned seed, Fault fault) : chance_(seed), fault_(fault) {
    lifetime_ = std::chrono::seconds(pick(1, 60));
    const auto max_age = std::chrono::seconds(pick(1, 20));
    period_ = std::chrono::milliseconds(pick(2'000, 60'000));
    for (int i = pick(1, 3); i > 0; --i) start_node(max_age);
    verifiers_.resize(5);
    for (Verifier& one : verifiers_) one.apart = std::chrono::milliseconds(pick(-15'000, 15'000));
  }

  // True time passes in steps of some milliseconds until the end; what went wrong, or nothing.
  std::string run(std::chrono::milliseconds end) {
    while (time_ < end && wrong_.empty()) {
      time_ += std::chrono::milliseconds(pick(1, 120));
      for (Node& node : nodes_) live(node);
      if (one_in(150)) disturb();
      if (one_in(400)) operate();
      sign();
      check_tokens();
      check_rows();
    }
    return wrong_;
  }

  std::size_t rotations() const { return signed_with_.size(); }

 private:
  int pick(int least, int most) { return std::uniform_int_distribution(least, most)(chance_); }
  bool one_in(int n) { return pick(1, n) == 1; }
  void fail(const std::string& what) {
    if (wrong_.empty()) wrong_ = what + " at " + std::to_string(time_.count()) + " ms";
  }
  StoreTime wall(const Node& node) const { return epoch + time_ + node.apart; }
  Ticks ticks(const Node& node) const { return time_ + node.since; }
  bool is_up(const Node& node) const { return node.held_up_until <= time_; }
  bool trusts(const Node& node) const {
    return is_up(node) &&
           (fault_ == Fault::never_doubts_itself ? node.confirmed >= 0ms : time_ - node.confirmed < node_trust);
  }

  void start_node(std::chrono::seconds max_age) {
    nodes_.push_back(
        {.id = "node-" + std::to_string(++started_),
         .apart = std::chrono::milliseconds(pick(-15'000, 15'000)),
         .since = std::chrono::milliseconds(pick(0, 1'000'000)),
         .settings = {
             .algorithms = {Algorithm::es256, Algorithm::eddsa}, .rotation_period = period_, .max_age = max_age}});
  }

  void live(Node& node) {
    if (!is_up(node)) return;
    if (node.plan_version >= 0 && time_ >= node.plan_at) {
      rows_.advance(node.plan_version, node.plan, wall(node));
      node.plan_version = -1;
      node.next_report = time_;
    }
    if (node.plan_version >= 0 || time_ < node.next_report) return;
    std::set<std::string> kids;
    for (const StoredKey& key : node.loaded.keys) {
      if (key.state == KeyState::active) kids.insert(key.kid);
    }
    rows_.report(node.id, node.loaded.version, node.settings.max_age, kids, wall(node) + lifetime_ + node_lease,
                 wall(node));
    const bool has_loaded = node.loaded.version != rows_.view.version;
    node.loaded = rows_.view;
    node.confirmed = time_;
    node.watch.look(node.loaded, ticks(node));
    KeySetView seen = node.loaded;
    if (fault_ == Fault::ignores_other_nodes)
      std::erase_if(seen.nodes, [&](const KeyNode& other) { return other.id != node.id; });
    node.plan = plan_keys(seen, node.watch, node.settings, wall(node), ticks(node));
    if (fault_ == Fault::signs_unsettled) {
      for (auto& step : node.plan.steps) {
        if (auto* it = std::get_if<store::MarkPublished>(&step)) it->settling = 0ms;
      }
    }
    if (fault_ == Fault::removes_early) {
      for (const StoredKey& key : node.loaded.keys) {
        if (key.state == KeyState::retired) node.plan.steps.emplace_back(store::RemoveKey{key.kid});
      }
    }
    if (!node.plan.is_empty()) {
      node.plan_version = node.loaded.version;
      node.plan_at = time_ + std::chrono::milliseconds(one_in(10) ? pick(0, 3'000) : pick(0, 50));
    }
    node.next_report = time_ + (has_loaded ? 20ms : std::chrono::milliseconds(pick(200, 1'200)));
  }

  // Nodes die, are held up, are restarted with another max-age, join.
  void disturb() {
    const auto max_age = std::chrono::seconds(pick(1, 20));
    if (nodes_.size() < 4 && one_in(2)) return start_node(max_age);
    Node& node = nodes_[static_cast<std::size_t>(pick(0, static_cast<int>(nodes_.size()) - 1))];
    switch (pick(1, 3)) {
      case 1:
        node.held_up_until = time_ + std::chrono::milliseconds(pick(100, 40'000));
        node.next_report = node.held_up_until + std::chrono::milliseconds(pick(0, 1'000));  // it may sign before
        break;
      case 2: node.settings.max_age = max_age; break;
      default:
        if (nodes_.size() > 1) std::erase_if(nodes_, [id = node.id](const Node& one) { return one.id == id; });
    }
  }

  void operate() {
    const auto which = static_cast<std::size_t>(pick(0, 100));
    if (rows_.view.keys.empty()) return;
    StoredKey& key = rows_.view.keys[which % rows_.view.keys.size()];
    StoredKey* next = rows_.oldest(key.algorithm, KeyState::standby);
    if (one_in(3)) {
      if (key.state == KeyState::revoked || next == nullptr) return;
      const std::string kid = key.kid;
      rows_.revoke(key, epoch + time_);
      std::erase_if(tokens_, [&](const Token& token) { return token.kid == kid; });
      revoked_.insert(kid);
    } else if (next != nullptr) {
      ++rows_.view.version;
      rows_.activate(*next, epoch + time_);
    }
  }

  void sign() {
    for (const Node& node : nodes_) {
      if (!trusts(node) || !one_in(3)) continue;
      for (const StoredKey& key : node.loaded.keys) {
        if (key.state != KeyState::active || revoked_.contains(key.kid)) continue;
        check_signer(key);
        signed_with_.insert(key.kid);
        tokens_.push_back({key.kid, wall(node) + lifetime_});
      }
    }
    std::erase_if(tokens_, [&](const Token& token) { return token.expires_at + 120s < epoch + time_; });
  }

  // Nodes disagree about who signs for no longer than a node trusts what it has, and never past the private part's end.
  void check_signer(const StoredKey& key) {
    const auto row = std::ranges::find(rows_.view.keys, key.kid, &StoredKey::kid);
    if (row == rows_.view.keys.end()) return fail("a node signs with a key that is gone");
    if (row->state == KeyState::retired) fail("a node signs with a key whose private part is destroyed");
    if (row->state != KeyState::active && time_ - left_[key.kid] > node_trust)
      fail("a node signs with a key of before");
  }

  void fetch(Verifier& verifier) {
    std::vector<const Node*> serving;
    for (const Node& node : nodes_) {
      if (trusts(node) && node.loaded.version > 0) serving.push_back(&node);  // one without keys has not started
    }
    if (serving.empty()) return;
    const Node& node = *serving[static_cast<std::size_t>(pick(0, static_cast<int>(serving.size()) - 1))];
    verifier.kids.clear();
    for (const StoredKey& key : node.loaded.keys) {
      if (is_published(key.state)) verifier.kids.insert(key.kid);
    }
    // max-age, and at times the half of it that stale-while-revalidate adds.
    const std::chrono::milliseconds max_age = node.settings.max_age;
    verifier.keep_until = time_ + max_age + (one_in(2) ? std::chrono::milliseconds{max_age / 2} : 0ms);
  }

  void check_tokens() {
    for (Verifier& verifier : verifiers_) {
      if (tokens_.empty() || !one_in(2)) continue;
      // The newest tokens, whose key may not have arrived, and any, whose key may be gone.
      const int newest = static_cast<int>(tokens_.size()) - 1;
      const Token& token = tokens_[static_cast<std::size_t>(one_in(2) ? newest : pick(0, newest))];
      const StoreTime now = epoch + time_ + verifier.apart;
      if (token.expires_at + verifier_leeway_max <= now) continue;
      if (verifier.keep_until <= time_) fetch(verifier);
      if (verifier.keep_until > time_ && !verifier.kids.contains(token.kid)) {
        fail("a verifier lacks the key " + token.kid);
      }
    }
  }

  void check_rows() {
    std::map<std::string, int> active;
    std::size_t published = 0;
    for (const StoredKey& key : rows_.view.keys) {
      if (key.state == KeyState::active) ++active[key.algorithm];
      if (key.state == KeyState::active) left_.insert_or_assign(key.kid, time_);
      if (is_published(key.state)) ++published;
      const bool is_over = key.state == KeyState::retired || key.state == KeyState::revoked;
      if (is_over && !key.sealed.empty()) fail("a private part outlives its use");
      if (!is_over && key.sealed.empty()) fail("a private part is gone too early");
    }
    for (const auto& [algorithm, count] : active) {
      if (count > 1) fail("two active keys of " + algorithm);
    }
    if (published > published_keys_max) fail("too many keys are published");
  }

  std::mt19937 chance_;
  Fault fault_;
  std::chrono::milliseconds time_{};
  std::chrono::seconds lifetime_{};
  std::chrono::milliseconds period_{};
  Rows rows_;
  std::vector<Node> nodes_;
  std::vector<Verifier> verifiers_;
  std::vector<Token> tokens_;
  std::set<std::string> revoked_, signed_with_;
  std::map<std::string, std::chrono::milliseconds> left_;  // since when a key is no longer the active one
  int started_ = 0;
  std::string wrong_;
};

// mission row 8: keys rotate by themselves and no verifier that keeps to its header meets a token whose key it lacks.
TEST(LifeCycle, NoVerifierEverLacksTheKeyOfATokenInAnyOfManyHistories) {
  std::size_t rotations = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    World world(seed, Fault::none);
    ASSERT_EQ(world.run(4min), "") << "seed " << seed;
    rotations += world.rotations();
  }
  EXPECT_GT(rotations, 1'000U) << "keys did rotate";
}

bool is_noticed(Fault fault) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    if (!World(seed, fault).run(4min).empty()) return true;
  }
  return false;
}

TEST(LifeCycle, HistoriesNoticeAKeyThatSignsBeforeItIsKnown) { EXPECT_TRUE(is_noticed(Fault::signs_unsettled)); }
TEST(LifeCycle, HistoriesNoticeThatOtherNodesAreNotWaitedFor) { EXPECT_TRUE(is_noticed(Fault::ignores_other_nodes)); }
TEST(LifeCycle, HistoriesNoticeANodeThatTrustsAnOldSet) { EXPECT_TRUE(is_noticed(Fault::never_doubts_itself)); }
TEST(LifeCycle, HistoriesNoticeAKeyThatIsRemovedEarly) { EXPECT_TRUE(is_noticed(Fault::removes_early)); }

// Single steps, one after the other.
class Steps : public testing::Test {
 protected:
  KeyPlan plan() {
    std::set<std::string> kids;
    for (const StoredKey& key : rows_.view.keys) {
      if (key.state == KeyState::active) kids.insert(key.kid);
    }
    rows_.report("self", rows_.view.version, settings_.max_age, kids, now() + 15min, now());
    watch_.look(rows_.view, ticks_);
    return plan_keys(rows_.view, watch_, settings_, now(), ticks_);
  }
  // Everything that is due now, until nothing is.
  void settle() {
    for (KeyPlan due = plan(); !due.is_empty(); due = plan())
      ASSERT_TRUE(rows_.advance(rows_.view.version, due, now()));
  }
  void pass(std::chrono::milliseconds time) { ticks_ += time; }
  StoreTime now() const { return epoch + ticks_ + apart_; }
  std::size_t count(KeyState state) const {
    return static_cast<std::size_t>(std::ranges::count(rows_.view.keys, state, &StoredKey::state));
  }
  std::string active() { return rows_.oldest("ES256", KeyState::active)->kid; }

  Rows rows_;
  KeyWatch watch_;
  KeySettings settings_;  // 30 days, 5 min
  Ticks ticks_{1'000};
  std::chrono::milliseconds apart_{};
};

TEST_F(Steps, VeryFirstKeySignsAtOnceAndTheNextWaits) {
  KeyPlan first = plan();
  ASSERT_EQ(first.new_keys.size(), 1U);
  EXPECT_EQ(first.new_keys[0].state, KeyState::active);
  settle();
  EXPECT_EQ(count(KeyState::active), 1U);
  EXPECT_EQ(count(KeyState::pending), 1U);
}

TEST_F(Steps, FirstKeyOfANewHistorySignsAtOnceAndARevokedOneStaysRevoked) {
  settle();
  std::erase_if(rows_.view.keys, [](const StoredKey& key) { return key.state != KeyState::active; });
  rows_.view.keys[0].state = KeyState::revoked;  // what is left after a restore
  rows_.view.began = ++rows_.view.version;
  settle();
  EXPECT_EQ(count(KeyState::active), 1U);
  EXPECT_EQ(count(KeyState::revoked), 1U);
}

TEST_F(Steps, WhenAllKeysAreRevokedThePublishedOneSignsAtOnceAndAnotherIsMade) {
  settle();
  const std::string waiting = rows_.oldest("ES256", KeyState::pending)->kid;
  rows_.revoke(*rows_.oldest("ES256", KeyState::active), now());
  settle();
  EXPECT_EQ(active(), waiting);
  EXPECT_EQ(count(KeyState::pending), 1U);
  for (StoredKey& key : rows_.view.keys) rows_.revoke(key, now());
  settle();
  EXPECT_EQ(count(KeyState::active), 1U) << "where none waits a new one signs";
  EXPECT_EQ(count(KeyState::pending), 1U);
}

// Its twin: nothing was taken away, and so nobody is without a key who had one.
TEST_F(Steps, FirstKeyOfAnAlgorithmThatIsAddedWaitsToBeKnown) {
  settle();
  settings_.algorithms = {Algorithm::es256, Algorithm::eddsa};
  settle();
  EXPECT_EQ(rows_.oldest("EdDSA", KeyState::active), nullptr);
  EXPECT_NE(rows_.oldest("EdDSA", KeyState::pending), nullptr);
}

TEST_F(Steps, KeysOfAnAlgorithmThatIsRemovedRetireInOrder) {
  settings_.algorithms = {Algorithm::es256, Algorithm::eddsa};
  settle();
  const std::string signing = rows_.oldest("EdDSA", KeyState::active)->kid;
  settings_.algorithms = {Algorithm::es256};
  settle();
  EXPECT_NE(rows_.oldest("EdDSA", KeyState::active), nullptr) << "not before twice max-age";
  pass(10min);
  settle();
  EXPECT_EQ(rows_.oldest("EdDSA", KeyState::active), nullptr);
  EXPECT_EQ(rows_.oldest("EdDSA", KeyState::retired)->kid, signing) << "its tokens are still verified";
  EXPECT_TRUE(rows_.oldest("EdDSA", KeyState::retired)->sealed.empty());
  EXPECT_EQ(count(KeyState::active), 1U) << "ES256 is as it was";
  pass(15min + 91s);
  settle();
  EXPECT_EQ(std::ranges::count(rows_.view.keys, "EdDSA", &StoredKey::algorithm), 0);
}

// However old its key is: who could sign in otherwise?
TEST_F(Steps, AlgorithmThatWasTheDefaultSignsUntilTheNewOneHasAKeyThatDoes) {
  settle();
  pass(24h * 20);
  settle();
  settings_.algorithms = {Algorithm::eddsa};
  const auto states = [&](Algorithm algorithm, KeyState state) {
    return std::ranges::count_if(rows_.view.keys, [&](const StoredKey& key) {
      return key.algorithm == name_of(algorithm) && key.state == state;
    });
  };
  while (states(Algorithm::eddsa, KeyState::active) == 0) {
    EXPECT_EQ(states(Algorithm::es256, KeyState::active), 1);
    pass(10s);
    settle();
  }
  EXPECT_EQ(states(Algorithm::es256, KeyState::active), 1) << "both sign for a while";
  pass(1h);
  settle();
  EXPECT_EQ(states(Algorithm::es256, KeyState::active) + states(Algorithm::es256, KeyState::standby), 0);
  EXPECT_EQ(states(Algorithm::eddsa, KeyState::active), 1);
}

TEST_F(Steps, WhenTheFormerDefaultIsRevokedMeanwhileTheNewOneSignsAtOnce) {
  settle();
  pass(24h * 20);
  settle();
  settings_.algorithms = {Algorithm::eddsa};
  pass(10s);
  settle();
  const auto first_signer = [&] {
    const auto found = std::ranges::find(rows_.view.keys, KeyState::active, &StoredKey::state);
    return found == rows_.view.keys.end() ? std::string() : found->algorithm;
  };
  while (StoredKey* key = rows_.oldest("ES256", KeyState::active)) rows_.revoke(*key, now());
  for (StoredKey& key : rows_.view.keys) {
    if (key.algorithm == "ES256" && key.state != KeyState::revoked) rows_.revoke(key, now());
  }
  EXPECT_EQ(first_signer(), "");
  pass(1s);
  settle();
  EXPECT_EQ(first_signer(), "EdDSA");
}

TEST_F(Steps, KeyThatWasImportedForAnAlgorithmToComeWaits) {
  settle();
  ++rows_.view.version;
  rows_.view.keys.push_back(
      {.kid = "early", .algorithm = "EdDSA", .sealed = {std::byte{1}}, .state_version = rows_.view.version});
  pass(30min);
  settle();
  EXPECT_FALSE(rows_.view.keys.empty());
  EXPECT_NE(std::ranges::find(rows_.view.keys, "early", &StoredKey::kid)->state, KeyState::retired);
}

TEST_F(Steps, KeyIsPendingForTwiceTheMaxAgeFromItsPublicationAndNotAMomentLess) {
  settle();
  EXPECT_EQ(rows_.oldest("ES256", KeyState::pending)->settling, 10min);
  pass(10min - 1ms);
  settle();
  EXPECT_EQ(count(KeyState::standby), 0U);
  pass(1ms);
  settle();
  EXPECT_EQ(count(KeyState::standby), 1U);
}

TEST_F(Steps, KeyIsNotPublishedBeforeTheLastLiveNodeHasLoadedIt) {
  settle();
  rows_.report("slow", 1, 5min, {}, StoreTime{}, now());
  ++rows_.view.version;
  rows_.view.keys.push_back(
      {.kid = "late", .algorithm = "RS256", .sealed = {std::byte{1}}, .state_version = rows_.view.version});
  settle();
  EXPECT_FALSE(rows_.view.keys.back().published_at) << "one node has not loaded it";
  rows_.report("slow", rows_.view.version, 5min, {}, StoreTime{}, now());
  settle();
  EXPECT_TRUE(rows_.view.keys.back().published_at);
}

TEST_F(Steps, NodeThatDiedHoldsUpNothingAfterItsLease) {
  settle();
  rows_.report("dead", 1, 5min, {}, StoreTime{}, now());
  ++rows_.view.version;
  rows_.view.keys.push_back(
      {.kid = "late", .algorithm = "RS256", .sealed = {std::byte{1}}, .state_version = rows_.view.version});
  settle();
  pass(node_lease - 1ms);
  settle();
  EXPECT_FALSE(rows_.view.keys.back().published_at);
  pass(1ms);
  settle();
  EXPECT_TRUE(rows_.view.keys.back().published_at);
  EXPECT_EQ(rows_.view.nodes.size(), 1U) << "it is forgotten";
}

TEST_F(Steps, ActiveKeyIsFollowedByTheOldestStandbyWithAnotherReadyBehindIt) {
  settle();
  pass(10min);
  settle();
  const std::string first = active(), second = rows_.oldest("ES256", KeyState::standby)->kid;
  pass(std::chrono::days{30} - 10min - 1ms);
  settle();
  EXPECT_EQ(active(), first) << "its period is not over";
  EXPECT_EQ(count(KeyState::pending), 1U) << "the one behind is on its way in time";
  pass(1ms);
  settle();
  EXPECT_EQ(active(), first) << "nothing would stand behind the next";
  pass(10min);
  settle();
  EXPECT_EQ(active(), second);
  EXPECT_EQ(count(KeyState::standby), 1U);
  EXPECT_EQ(count(KeyState::retired), 1U) << "the one node has let go of it";
}

TEST_F(Steps, KeyDrainsUntilEveryLiveNodeHasLetGo) {
  settle();
  rows_.report("other", rows_.view.version, 5min, {}, StoreTime{}, now());
  pass(1s);
  StoredKey& next = *rows_.oldest("ES256", KeyState::pending);
  next.state = KeyState::standby;
  ++rows_.view.version;
  rows_.activate(next, now());
  settle();
  EXPECT_EQ(count(KeyState::draining), 1U);
  rows_.report("other", rows_.view.version, 5min, {}, StoreTime{}, now());
  settle();
  EXPECT_EQ(count(KeyState::draining), 0U);
  EXPECT_EQ(count(KeyState::retired), 1U);
}

TEST_F(Steps, KeyIsRemovedAfterItsLongestTokenPlusLeewayAndSkewAndNotBefore) {
  settle();
  StoredKey& key = *rows_.oldest("ES256", KeyState::active);
  const std::string kid = key.kid;
  key.expires_max = now() + 1h;
  key.state = KeyState::retired;
  pass(1h + verifier_leeway_max + node_skew_max - 1ms);
  const auto is_there = [&] {
    return std::ranges::find(rows_.view.keys, kid, &StoredKey::kid) != rows_.view.keys.end();
  };
  settle();
  EXPECT_TRUE(is_there());
  pass(1ms);
  settle();
  EXPECT_FALSE(is_there());
}

TEST_F(Steps, KeyOfTheFutureCountsAsMadeNow) {
  settle();
  StoredKey& key = *rows_.oldest("ES256", KeyState::pending);
  key.published_at = now() + 1h;  // written by a clock that is ahead
  pass(10min);
  settle();
  EXPECT_EQ(count(KeyState::standby), 1U) << "this node has watched it long enough";
}

TEST_F(Steps, NodeThatHasJustStartedTrustsTheRowsWithAMarginOnly) {
  settle();
  pass(10min + node_skew_max - 1ms);
  watch_ = {};
  settle();
  EXPECT_EQ(count(KeyState::standby), 0U) << "the row's clock may have been behind";
  pass(1ms);
  watch_ = {};
  settle();
  EXPECT_EQ(count(KeyState::standby), 1U);
}

TEST_F(Steps, AlgorithmThatIsConfiguredLaterSignsOnlyWhenItIsKnown) {
  settle();
  settings_.algorithms.push_back(Algorithm::eddsa);
  settle();
  EXPECT_EQ(rows_.oldest("EdDSA", KeyState::active), nullptr);
  EXPECT_NE(rows_.oldest("EdDSA", KeyState::pending), nullptr);
  pass(10min);
  settle();
  EXPECT_NE(rows_.oldest("EdDSA", KeyState::active), nullptr);
}

TEST_F(Steps, LongerMaxAgeOfTheDayBeforeIsWaitedOutBeforeAShorterOneCounts) {
  settings_.max_age = 1h;
  settle();
  settings_.max_age = 1min;
  settle();
  EXPECT_EQ(rows_.view.max_age, 1h);
  pass(1h);
  settle();
  EXPECT_EQ(rows_.view.max_age, 1h) << "somebody may hold a set until this very moment";
  pass(1ms);
  settle();
  EXPECT_EQ(rows_.view.max_age, 1min);
}

TEST_F(Steps, NoKeyIsMadeWhereAsManyArePublishedAsMayBe) {
  settle();
  for (int i = 0; i < 64; ++i) {
    rows_.view.keys.push_back({.kid = "old-" + std::to_string(i),
                               .algorithm = "ES256",
                               .state = KeyState::retired,
                               .expires_max = now() + 1h});
  }
  rows_.view.keys[1].state = KeyState::retired;  // the one that was waiting
  const KeyPlan due = plan();
  EXPECT_TRUE(due.new_keys.empty());
  EXPECT_TRUE(due.is_held_up);
}

}  // namespace
}  // namespace jeton::issuer
