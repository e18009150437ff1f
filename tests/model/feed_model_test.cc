// Every order in which a few revocations, a server that dies, a restore and a verifier that reads the feed can come: a
// verifier that was told that it knows all up to a number knows every revocation that was acknowledged before. And the
// planted fault, a number that is taken outside the transaction, is found in some of these orders.
#include "store/conformance/feed_reader.h"
#include "store/conformance/harness.h"
#include "store/sqlite/raw_database.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/test_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jeton::model {
namespace {

using namespace std::chrono_literals;
using store::conformance::FeedFollower;
using store::conformance::new_user;
using store::conformance::sid_of;
using store::conformance::sign_in_of;
using store::conformance::Waiting;

enum class Numbers : std::uint8_t { inside, outside };  // of the transaction that revokes

// Each takes its steps in order; between them anybody may come.
enum class Actor : std::uint8_t { token, logout, everywhere, verifier, disaster };

constexpr std::array<std::string_view, 5> names{"a token is revoked", "a logout", "a logout everywhere", "a verifier",
                                                "a disaster"};

class Feed {
 public:
  Feed(Numbers numbers, bool restores) : numbers_(numbers), restores_(restores) {
    open();
    EXPECT_EQ(Waiting{*store_}.register_user(new_user("ada")), store::Registration::registered);
    EXPECT_EQ(Waiting{*store_}.sign_in(sign_in_of("ada", 1, clock_.now())), store::SignInOutcome::signed_in);
    EXPECT_EQ(Waiting{*store_}.sign_in(sign_in_of("ada", 2, clock_.now())), store::SignInOutcome::signed_in);
    raw_ = std::make_unique<store::sqlite::RawDatabase>(folder_.database());
    raw_->run("PRAGMA synchronous = OFF; CREATE TABLE planted(n INTEGER); INSERT INTO planted VALUES(0)");
  }

  // What is wrong, with the order that led there.
  std::optional<std::string> walk(const std::vector<Actor>& order) {
    begin();
    std::array<int, names.size()> steps{};
    std::string path;
    for (const Actor actor : order) {
      const auto at = static_cast<std::size_t>(actor);
      path += "\n  " + std::string(names.at(at)) + ", step " + std::to_string(++steps.at(at));
      if (auto wrong = step(actor, steps.at(at))) return *wrong + path;
    }
    if (auto wrong = read()) return *wrong + path + "\n  a verifier, at the end";
    return std::nullopt;
  }

 private:
  void open() {
    store_.reset();
    store_ = store::open_sqlite({.path = folder_.database(), .clock = clock_}).value();
  }

  void begin() {
    raw_->run(
        "BEGIN IMMEDIATE; DELETE FROM revocations; UPDATE feed_head SET n = 0, h = zeroblob(32), purged = 0, time = 0;"
        "UPDATE sessions SET ended_at = NULL, end_reason = NULL; UPDATE users SET security_epoch = 0, version = 0;"
        "UPDATE planted SET n = 0; COMMIT");
    follower_.emplace(*store_);
    taken_ = {};
    acknowledged_.clear();
    was_restored_ = false;
  }

  // Everything comes in at its first step, and is done at its second.
  std::optional<std::string> step(Actor actor, int number) {
    if (actor == Actor::verifier) return read();
    if (actor == Actor::disaster) return number == 1 ? strike() : std::nullopt;
    if (numbers_ == Numbers::outside) return planted(actor, number);
    if (number == 1) return std::nullopt;
    Waiting db{*store_};
    bool is_done = false;
    switch (actor) {
      case Actor::token: is_done = db.revoke(revocation_of(actor)).has_value(); break;
      case Actor::logout: is_done = db.end_session(sid_of(1), store::EndReason::logout).has_value(); break;
      default: is_done = db.end_all_sessions("usr_ada", store::EndReason::logout).has_value(); break;
    }
    if (!is_done) return "a revocation failed";
    // A session that had ended already, with all others or with the old history, has no entry of its own.
    const bool none_left =
        was_restored_ || std::ranges::find(acknowledged_, RevocationKind::subject) != acknowledged_.end();
    if (actor == Actor::token || !none_left) acknowledged_.push_back(kind_of(actor));
    return std::nullopt;
  }

  // The planted fault: as a sequence gives numbers.
  std::optional<std::string> planted(Actor actor, int number) {
    auto& mine = taken_.at(static_cast<std::size_t>(actor));
    if (number == 1) {
      mine = std::stoull(raw_->run("UPDATE planted SET n = n + 1 RETURNING n").at(0));
      return std::nullopt;
    }
    const auto before = Waiting{*store_}.read_head().value();
    const auto entry = revocation_of(actor);
    const auto hash = hex_of(chained(before.hash, mine, entry));
    const auto n = std::to_string(mine);
    raw_->run("BEGIN IMMEDIATE; INSERT INTO revocations(n, kind, reason, subject, expires_at, h) VALUES(" + n + ", " +
              std::to_string(static_cast<int>(entry.kind)) + ", " + std::to_string(static_cast<int>(entry.reason)) +
              ", CAST('" + entry.subject + "' AS BLOB), " + std::to_string(entry.expires_at) + ", x'" + hash +
              "'); UPDATE feed_head SET n = max(n, " + n + "), h = x'" + hash + "'; COMMIT");
    acknowledged_.push_back(entry.kind);
    return std::nullopt;
  }

  std::optional<std::string> strike() {
    if (!restores_) {
      open();
      follower_->ask(*store_);
      return std::nullopt;
    }
    if (!Waiting{*store_}.begin_history("another").has_value()) return "no new history";
    // Another feed, of which the verifier knows nothing yet; no key of the old history's tokens is good any more.
    follower_.emplace(*store_);
    acknowledged_.clear();
    was_restored_ = true;
    return std::nullopt;
  }

  std::optional<std::string> read() {
    follower_->catch_up();
    if (!follower_->fault().empty()) return "the feed is not whole: " + follower_->fault();
    for (const RevocationKind kind : acknowledged_) {
      const auto tells = [&](const store::FeedEntry& entry) { return entry.revocation.kind == kind; };
      if (std::ranges::none_of(follower_->entries(), tells)) return "a revocation that was acknowledged is not told";
    }
    return std::nullopt;
  }

  static RevocationKind kind_of(Actor actor) {
    if (actor == Actor::token) return RevocationKind::token;
    return actor == Actor::logout ? RevocationKind::session : RevocationKind::subject;
  }
  Revocation revocation_of(Actor actor) const {
    return {.kind = kind_of(actor),
            .subject = actor == Actor::logout ? "0123456789abcdef" : "one",
            .expires_at = store::revocation_expiry(clock_.now() + 15min)};
  }
  static std::string hex_of(const FeedHash& hash) {
    std::string text;
    for (const auto byte : hash) {
      static constexpr std::string_view digits = "0123456789abcdef";
      text += {digits[std::to_integer<std::size_t>(byte) >> 4], digits[std::to_integer<std::size_t>(byte) & 15]};
    }
    return text;
  }

  const Numbers numbers_;
  const bool restores_;
  store::sqlite::TestFolder folder_;
  store::sqlite::StandingClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::sqlite::RawDatabase> raw_;
  std::optional<FeedFollower> follower_;
  std::array<std::uint64_t, names.size()> taken_{};
  std::vector<RevocationKind> acknowledged_;
  bool was_restored_ = false;
};

struct Walks {
  int orders = 0, faulty = 0;
  std::string first;
};

Walks all_orders(Feed& feed, std::vector<Actor> steps) {
  std::ranges::sort(steps);
  Walks walks;
  do {
    ++walks.orders;
    if (const auto wrong = feed.walk(steps)) {
      if (walks.faulty++ == 0) walks.first = *wrong;
    }
  } while (std::ranges::next_permutation(steps).found);
  return walks;
}

const std::vector<Actor> three_revoke{Actor::token,      Actor::token,      Actor::logout,   Actor::logout,
                                      Actor::everywhere, Actor::everywhere, Actor::verifier, Actor::verifier};

TEST(FeedModel, AVerifierKnowsWhatWasAcknowledgedBeforeItWasTold) {
  Feed feed(Numbers::inside, false);
  const auto walks = all_orders(feed, three_revoke);
  EXPECT_EQ(walks.orders, 2520);
  EXPECT_EQ(walks.faulty, 0) << walks.first;
}

const std::vector<Actor> two_revoke_through_a_disaster{Actor::token,    Actor::token,    Actor::logout,  Actor::logout,
                                                       Actor::verifier, Actor::verifier, Actor::disaster};

TEST(FeedModel, AServerThatDiesTakesNoRevocationWithIt) {
  Feed feed(Numbers::inside, false);
  const auto walks = all_orders(feed, two_revoke_through_a_disaster);
  EXPECT_EQ(walks.orders, 630);
  EXPECT_EQ(walks.faulty, 0) << walks.first;
}

TEST(FeedModel, ARestoreBeginsAFeedOfItsOwn) {
  Feed feed(Numbers::inside, true);
  const auto walks = all_orders(feed, two_revoke_through_a_disaster);
  EXPECT_EQ(walks.faulty, 0) << walks.first;
}

TEST(PlantedFault, NumberTakenOutsideTheTransactionIsFound) {
  Feed feed(Numbers::outside, false);
  const auto walks = all_orders(feed, {Actor::token, Actor::token, Actor::logout, Actor::logout, Actor::verifier});
  EXPECT_EQ(walks.orders, 30);
  EXPECT_GT(walks.faulty, 0);
  EXPECT_LT(walks.faulty, walks.orders) << "whoever does not overtake is told rightly";
  EXPECT_THAT(walks.first, testing::HasSubstr("the feed is not whole"));
}

}  // namespace
}  // namespace jeton::model
