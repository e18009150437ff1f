// A revocation table says what a plain list would, whatever the history: entries, snapshots, restores, ends.
#include "guard/feed/reader.h"
#include "jose/base64url.h"

#include <jeton/jws.h>
#include <jeton/revocation_table.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

using Reason = RevocationReason;
using Kind = RevocationKind;
using std::chrono::nanoseconds;

constexpr char issuer[] = "https://as.example";
constexpr std::int64_t now = 1'700'000'000;
constexpr std::int64_t late = now + 900;

std::chrono::sys_time<std::chrono::milliseconds> wall_of(std::int64_t seconds) {
  return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(seconds));
}

std::string sid_text(int number) { return jose::base64url::encode(std::string(16, static_cast<char>(number))); }
std::string sid_bytes(int number) { return std::string(16, static_cast<char>(number)); }

struct TokenFacts {
  std::string kid = "kid-1", sub = "usr_1", sid{}, jti = "jti-1";
  std::optional<std::int64_t> ver = 3, gen{}, iat = now;
  std::string iss = issuer;
};

// The four keys share one secret: what differs is their name.
const SigningKey& key_named(const std::string& kid) {
  static std::map<std::string, SigningKey> keys;
  static const SecretBytes secret = SecretBytes::random(32);
  const auto found = keys.find(kid);
  if (found != keys.end()) return found->second;
  return keys.emplace(kid, SigningKey::from_secret(secret.duplicate(), Algorithm::hs256, kid).value()).first->second;
}

VerifiedToken token_of(const TokenFacts& facts) {
  Value payload = Value::object();
  payload.set("iss", facts.iss).set("sub", facts.sub).set("jti", facts.jti).set("exp", now + 600);
  if (!facts.sid.empty()) payload.set("sid", facts.sid);
  if (facts.ver) payload.set("ver", *facts.ver);
  if (facts.gen) payload.set("gen", *facts.gen);
  if (facts.iat) payload.set("iat", *facts.iat);
  const SigningKey& key = key_named(facts.kid);
  const Verifier verifier({.issuer = facts.iss,
                           .audience = AudienceRule::accept_any_because("a test"),
                           .keys = KeySet({key.verification_key()})});
  return verifier.verify(jws_sign(key, payload.to_json(), {.typ = "at+jwt"}).value(), from_unix_seconds(now + 10))
      .value();
}

RevocationTable table_for(RevocationNumbers numbers = RevocationNumbers::versions, std::size_t entries_max = 100'000) {
  return RevocationTable({.issuers = {{issuer, numbers}}, .entries_max = entries_max});
}

feed::Proved statement(std::int64_t seconds, std::vector<feed::Entry> entries = {}) {
  return {.head = {.issuer = issuer, .epoch = "first", .time = seconds * 1000}, .entries = std::move(entries)};
}

feed::Proved snapshot(std::int64_t seconds, std::vector<feed::Entry> entries = {},
                      std::vector<std::string> kids = {"kid-1"}, bool begins = false) {
  feed::Proved out = statement(seconds, std::move(entries));
  out.replaces = true;
  out.begins_history = begins;
  out.kids = std::move(kids);
  return out;
}

void apply(RevocationTable& table, const feed::Proved& proved) {
  table.apply(issuer, proved, wall_of(proved.head.time / 1000), nanoseconds(0));
}

feed::Entry entry(Kind kind, std::string subject, std::optional<std::int64_t> least = {},
                  Reason reason = Reason::revoked, std::int64_t expires_at = late) {
  return {.number = 1,
          .revocation = {
              .kind = kind, .reason = reason, .subject = std::move(subject), .least = least, .expires_at = expires_at}};
}

TEST(RevocationTable, NothingIsRevokedAtFirst) {
  const RevocationTable table = table_for();
  EXPECT_FALSE(table.find(token_of({})));
  EXPECT_EQ(table.counts().entries, 0U);
}

TEST(RevocationTable, EachKindNamesItsTokensAndNoOthers) {
  RevocationTable table = table_for();
  apply(table, statement(now, {entry(Kind::key, "kid-2"), entry(Kind::subject, "usr_2", 4),
                               entry(Kind::subject, "usr_3"), entry(Kind::session, sid_bytes(1), 2),
                               entry(Kind::session, sid_bytes(2)), entry(Kind::token, "jti-2")}));
  EXPECT_FALSE(table.find(token_of({})));
  EXPECT_EQ(table.find(token_of({.kid = "kid-2"})), Reason::revoked);
  EXPECT_EQ(table.find(token_of({.sub = "usr_2", .ver = 3})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.sub = "usr_2", .ver = 4})));
  EXPECT_EQ(table.find(token_of({.sub = "usr_3", .ver = 1'000})), Reason::revoked);
  EXPECT_EQ(table.find(token_of({.sid = sid_text(1), .gen = 1})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.sid = sid_text(1), .gen = 2})));
  EXPECT_EQ(table.find(token_of({.sid = sid_text(2), .gen = 9})), Reason::revoked);
  EXPECT_EQ(table.find(token_of({.jti = "jti-2"})), Reason::revoked);
  // The name of one kind is nothing to another.
  EXPECT_FALSE(table.find(token_of({.sub = "jti-2", .jti = "usr_3"})));
}

TEST(RevocationTable, TokenWithoutTheNumberItIsMeasuredByIsRevoked) {
  RevocationTable table = table_for();
  apply(table, statement(now, {entry(Kind::subject, "usr_2", 0), entry(Kind::session, sid_bytes(1), 0)}));
  EXPECT_FALSE(table.find(token_of({.sub = "usr_2", .ver = 0})));
  EXPECT_EQ(table.find(token_of({.sub = "usr_2", .ver = {}})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.sid = sid_text(1), .gen = 0})));
  EXPECT_EQ(table.find(token_of({.sid = sid_text(1), .gen = {}})), Reason::revoked);
}

TEST(RevocationTable, OnlyEntriesOfTheTokensOwnIssuerCount) {
  RevocationTable table({.issuers = {{issuer}, {"https://other.example"}}});
  apply(table, statement(now, {entry(Kind::subject, "usr_1")}));
  EXPECT_EQ(table.find(token_of({})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.iss = "https://other.example"})));
  EXPECT_FALSE(table.find(token_of({.iss = "https://third.example"})));
}

TEST(RevocationTable, RevokedOutweighsStaleClaims) {
  RevocationTable table = table_for();
  apply(table,
        statement(now, {entry(Kind::subject, "usr_1", 8, Reason::stale_claims), entry(Kind::subject, "usr_1", 5)}));
  EXPECT_EQ(table.find(token_of({.ver = 4})), Reason::revoked);
  EXPECT_EQ(table.find(token_of({.ver = 7})), Reason::stale_claims);
  EXPECT_FALSE(table.find(token_of({.ver = 8})));
  apply(table, statement(now, {entry(Kind::token, "jti-1")}));
  EXPECT_EQ(table.find(token_of({.ver = 7})), Reason::revoked);
}

TEST(RevocationTable, IssuerWithoutVersionsIsMeasuredByIssuedAt) {
  RevocationTable table = table_for(RevocationNumbers::issued_at);
  apply(table, statement(now, {entry(Kind::subject, "usr_1", now), entry(Kind::session, sid_bytes(1), now)}));
  EXPECT_EQ(table.find(token_of({.ver = {}, .iat = now - 1})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.ver = {}, .iat = now})));
  EXPECT_EQ(table.find(token_of({.ver = {}, .iat = {}})), Reason::revoked);
  EXPECT_EQ(table.find(token_of({.sub = "usr_9", .sid = sid_text(1), .iat = now - 1})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.sub = "usr_9", .sid = sid_text(1), .iat = now})));
}

TEST(RevocationTable, EntryGoesWhenTheFeedsTimeHasPassedItsEndAndNotBefore) {
  RevocationTable table = table_for();
  apply(table, statement(now, {entry(Kind::token, "jti-1")}));
  table.apply(issuer, statement(late), wall_of(late + 100'000), nanoseconds(0));
  EXPECT_EQ(table.find(token_of({})), Reason::revoked);
  apply(table, statement(late + 1));
  EXPECT_FALSE(table.find(token_of({})));
  for (int i = 0; i < 32; ++i) apply(table, statement(late + 2 + i));
  EXPECT_EQ(table.counts().entries, 0U);
  EXPECT_EQ(table.counts().purged, 1U);
}

TEST(RevocationTable, ClockThatIsAheadEndsNoEntryAndSaysNothingAboutFreshness) {
  RevocationTable table = table_for();
  apply(table, statement(now, {entry(Kind::token, "jti-1")}));
  EXPECT_EQ(table.staleness(issuer, 5s), 5s);
  table.apply(issuer, statement(late + 31), wall_of(late), 6s);
  EXPECT_EQ(table.find(token_of({})), Reason::revoked);
  EXPECT_EQ(table.staleness(issuer, 6s), nanoseconds::max());
  EXPECT_EQ(table.counts().clock_ahead, 1U);
  table.apply(issuer, statement(late + 30), wall_of(late), 7s);
  EXPECT_EQ(table.staleness(issuer, 7s), 0s);
  EXPECT_FALSE(table.find(token_of({})));
}

TEST(RevocationTable, StalenessGrowsByTheMonotonicClockFromTheTimeThatWasStated) {
  RevocationTable table = table_for();
  EXPECT_FALSE(table.staleness("https://other.example", 0s));
  EXPECT_EQ(table.staleness(issuer, 0s), nanoseconds::max());
  table.apply(issuer, statement(now), wall_of(now + 4), 100s);
  EXPECT_EQ(table.staleness(issuer, 100s), 4s) << "it was four seconds on its way";
  EXPECT_EQ(table.staleness(issuer, 110s), 14s);
  table.apply(issuer, statement(now), wall_of(now + 60), 111s);
  EXPECT_EQ(table.staleness(issuer, 111s), 15s) << "what was known is not unlearned";
  table.apply(issuer, statement(now + 60), wall_of(now + 60), 112s);
  EXPECT_EQ(table.staleness(issuer, 112s), 0s);
}

TEST(RevocationTable, SnapshotReplacesWhatWasThere) {
  RevocationTable table = table_for();
  apply(table, statement(now, {entry(Kind::token, "jti-1"), entry(Kind::token, "jti-2")}));
  apply(table, snapshot(now, {entry(Kind::token, "jti-2")}));
  EXPECT_FALSE(table.find(token_of({.jti = "jti-1"})));
  EXPECT_EQ(table.find(token_of({.jti = "jti-2"})), Reason::revoked);
  EXPECT_EQ(table.counts().entries, 1U);
}

TEST(RevocationTable, WhatIsStagedIsSeenByNobodyBeforeItIsProved) {
  RevocationTable table = table_for();
  apply(table, snapshot(now, {entry(Kind::subject, "usr_1", 4)}));
  table.stage(issuer, entry(Kind::token, "jti-2"));
  table.stage(issuer, entry(Kind::key, "kid-1"));
  EXPECT_FALSE(table.find(token_of({.sub = "usr_2", .jti = "jti-2"})));
  EXPECT_EQ(table.counts().entries, 1U);
  table.begin_staging(issuer);  // that connection has ended
  table.stage(issuer, entry(Kind::token, "jti-3"));
  table.stage("https://nobody.example", entry(Kind::token, "jti-4"));
  apply(table, statement(now + 1, {entry(Kind::token, "jti-5")}));
  EXPECT_FALSE(table.find(token_of({.sub = "usr_2", .jti = "jti-3"})));
  feed::Proved proved = snapshot(now + 2);
  proved.is_staged = true;
  apply(table, proved);
  EXPECT_EQ(table.find(token_of({.sub = "usr_2", .jti = "jti-3"})), Reason::revoked);
  for (const char* jti : {"jti-1", "jti-2", "jti-4", "jti-5"}) EXPECT_FALSE(table.find(token_of({.jti = jti}))) << jti;
  apply(table, proved);  // nothing was staged for it: nothing is revoked
  EXPECT_EQ(table.counts().entries, 0U);
}

TEST(RevocationTable, KeyThatTheSnapshotDoesNotNameIsGoneUntilItIsPublishedAgain) {
  RevocationTable table = table_for();
  EXPECT_FALSE(table.find(token_of({.kid = "kid-2"}))) << "nothing is known yet";
  apply(table, snapshot(now, {}, {"kid-1"}, true));
  EXPECT_FALSE(table.find(token_of({.kid = "kid-1"})));
  EXPECT_EQ(table.find(token_of({.kid = "kid-2"})), Reason::revoked);
  const std::vector<std::string> published{"kid-2"};
  table.admit_keys(issuer, published);
  EXPECT_FALSE(table.find(token_of({.kid = "kid-1"})));
  EXPECT_FALSE(table.find(token_of({.kid = "kid-2"})));
  apply(table, statement(now, {entry(Kind::key, "kid-2")}));
  EXPECT_EQ(table.find(token_of({.kid = "kid-2"})), Reason::revoked) << "said to be gone, it is, published or not";
  apply(table, snapshot(now, {}, {"kid-3"}, true));
  EXPECT_EQ(table.find(token_of({.kid = "kid-1"})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.kid = "kid-3"})));
}

TEST(RevocationTable, EntriesThatDoNotFitMakeTokensOfBeforeStale) {
  RevocationTable table = table_for(RevocationNumbers::versions, 2);
  apply(table, statement(now, {entry(Kind::token, "jti-1"), entry(Kind::token, "jti-2")}));
  EXPECT_FALSE(table.find(token_of({.jti = "jti-3"})));
  apply(table, statement(now, {entry(Kind::token, "jti-3"), entry(Kind::key, "kid-2")}));
  EXPECT_EQ(table.counts().left_out, 1U);
  EXPECT_EQ(table.find(token_of({.jti = "jti-1"})), Reason::revoked);
  EXPECT_EQ(table.find(token_of({.jti = "jti-3"})), Reason::stale_claims);
  EXPECT_EQ(table.find(token_of({.jti = "jti-9"})), Reason::stale_claims);
  EXPECT_EQ(table.find(token_of({.jti = "jti-9", .iat = now + 5})), Reason::stale_claims);
  EXPECT_FALSE(table.find(token_of({.jti = "jti-9", .iat = now + 6})));
  EXPECT_EQ(table.find(token_of({.kid = "kid-2", .jti = "jti-9", .iat = now + 6})), Reason::revoked)
      << "a key that is gone has its place";
  // What has ended makes room; a snapshot that fits makes it good.
  apply(table, snapshot(now, {entry(Kind::token, "jti-3")}));
  EXPECT_FALSE(table.find(token_of({.jti = "jti-9"})));
  EXPECT_EQ(table.find(token_of({.jti = "jti-3"})), Reason::revoked);
}

TEST(RevocationTable, AStagedSnapshotThatDoesNotFitMakesTokensOfBeforeStale) {
  constexpr char other[] = "https://other.example";
  feed::Proved proved = snapshot(now);
  proved.is_staged = true;
  for (const bool is_shared : {false, true}) {  // the room: with another issuer, whose two entries stay
    RevocationTable table({.issuers = {{issuer, RevocationNumbers::versions}, {other, RevocationNumbers::versions}},
                           .entries_max = is_shared ? 4U : 2U});
    if (is_shared) {
      table.apply(other, statement(now, {entry(Kind::token, "jti-1"), entry(Kind::token, "jti-2")}), wall_of(now),
                  nanoseconds(0));
    }
    for (const char* jti : {"jti-1", "jti-2", "jti-3"}) table.stage(issuer, entry(Kind::token, jti));
    table.stage(issuer, entry(Kind::key, "kid-2"));
    apply(table, proved);
    EXPECT_EQ(table.counts().left_out, 1U);
    int revoked = 0, stale = 0;
    for (const char* jti : {"jti-1", "jti-2", "jti-3"}) {
      const auto reason = table.find(token_of({.jti = jti}));
      revoked += reason == Reason::revoked ? 1 : 0;
      stale += reason == Reason::stale_claims ? 1 : 0;
    }
    EXPECT_EQ(revoked, 2);
    EXPECT_EQ(stale, 1) << "whichever it is";
    EXPECT_EQ(table.find(token_of({.jti = "jti-9"})), Reason::stale_claims);
    EXPECT_FALSE(table.find(token_of({.jti = "jti-9", .iat = now + 6})));
    EXPECT_EQ(table.find(token_of({.kid = "kid-2", .jti = "jti-9", .iat = now + 6})), Reason::revoked);
    EXPECT_EQ(table.find(token_of({.jti = "jti-1", .iss = other})),
              is_shared ? std::optional(Reason::revoked) : std::nullopt);
    EXPECT_FALSE(table.find(token_of({.jti = "jti-9", .iss = other}))) << "the other issuer lost nothing";
  }
}

TEST(RevocationTable, WhatHasEndedMakesRoom) {
  RevocationTable table = table_for(RevocationNumbers::versions, 2);
  apply(table, statement(now, {entry(Kind::token, "jti-1"), entry(Kind::token, "jti-2")}));
  apply(table, statement(late + 1, {entry(Kind::token, "jti-3", {}, Reason::revoked, late + 900)}));
  EXPECT_EQ(table.counts().left_out, 0U);
  EXPECT_EQ(table.find(token_of({.jti = "jti-3"})), Reason::revoked);
  EXPECT_FALSE(table.find(token_of({.jti = "jti-9"})));
}

TEST(RevocationTable, MoreGoneKeysThanTheReserveRevokeEverything) {
  RevocationTable table = table_for(RevocationNumbers::versions, 2);
  std::vector<feed::Entry> gone;
  for (int i = 0; i < 4096; ++i) gone.push_back(entry(Kind::key, "gone-" + std::to_string(i)));
  apply(table, statement(now, gone));
  EXPECT_FALSE(table.find(token_of({})));
  apply(table, statement(now, {entry(Kind::key, "one more")}));
  EXPECT_EQ(table.find(token_of({})), Reason::revoked);
  apply(table, snapshot(now));
  EXPECT_FALSE(table.find(token_of({})));
}

// --- against a plain list --------------------------------------------------------------------------------------------

// The same rules, written without a thought for speed.
class Oracle {
 public:
  void apply(const feed::Proved& proved) {
    if (proved.begins_history) feed_seconds_ = 0;
    feed_seconds_ = std::max(feed_seconds_, proved.head.time / 1000);
    if (proved.replaces) {
      known_.clear();
      kids_ = proved.kids;
      admitted_.clear();
      knows_kids_ = true;
    }
    std::erase_if(known_, [&](const auto& one) { return one.second.expires_at < feed_seconds_; });
    for (const auto& [number, revocation] : proved.entries) {
      if (revocation.expires_at < feed_seconds_) continue;
      auto& one = known_[{revocation.kind, revocation.subject, revocation.reason}];
      one.least = std::max(one.least, revocation.least.value_or(INT64_MAX));
      one.expires_at = std::max(one.expires_at, revocation.expires_at);
    }
  }
  void admit(const std::vector<std::string>& kids) { admitted_ = kids; }
  std::optional<Reason> find(const TokenFacts& token, const std::string& sid) const {
    const auto has = [&](const auto& kids) { return std::ranges::find(kids, token.kid) != kids.end(); };
    if (knows_kids_ && !has(kids_) && !has(admitted_)) return Reason::revoked;
    std::optional<Reason> found;
    for (const Reason reason : {Reason::stale_claims, Reason::revoked}) {
      const bool hit = holds(Kind::key, token.kid, reason, -1) || holds(Kind::token, token.jti, reason, -1) ||
                       holds(Kind::subject, token.sub, reason, *token.ver) ||
                       (!sid.empty() && holds(Kind::session, sid, reason, *token.gen));
      if (hit) found = reason;
    }
    return found;
  }

 private:
  struct Known {
    std::int64_t least = -1, expires_at = 0;
  };
  bool holds(Kind kind, const std::string& subject, Reason reason, std::int64_t number) const {
    const auto one = known_.find({kind, subject, reason});
    return one != known_.end() && one->second.expires_at >= feed_seconds_ && number < one->second.least;
  }
  std::map<std::tuple<Kind, std::string, Reason>, Known> known_;
  std::vector<std::string> kids_, admitted_;
  bool knows_kids_ = false;
  std::int64_t feed_seconds_ = 0;
};

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int below(int count) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(count)); }
  std::string name(std::string_view what, int count) { return std::string(what) + std::to_string(below(count)); }

  Revocation revocation(std::int64_t seconds) {
    Revocation out{.reason = below(3) == 0 ? Reason::stale_claims : Reason::revoked,
                   .expires_at = seconds - 5 + below(60)};
    out.kind = static_cast<Kind>(below(12) == 0 ? 1 : 2 + below(3));
    if (out.kind == Kind::key) out.subject = name("kid-", 4);
    if (out.kind == Kind::token) out.subject = name("jti-", 40);
    if (out.kind == Kind::subject) out.subject = name("usr_", 12);
    if (out.kind == Kind::session) out.subject = sid_bytes(1 + below(8));
    const bool has_least = (out.kind == Kind::subject || out.kind == Kind::session) && below(4) != 0;
    if (has_least) out.least = below(6);
    return out;
  }
  std::vector<feed::Entry> entries(std::int64_t seconds, int count_max) {
    std::vector<feed::Entry> all;
    for (int i = below(count_max + 1); i > 0; --i) all.push_back({1, revocation(seconds)});
    return all;
  }
  std::vector<std::string> kids() {
    std::vector<std::string> some;
    for (int i = 0; i < 4; ++i) {
      if (below(5) != 0) some.push_back("kid-" + std::to_string(i));
    }
    return some;
  }

 private:
  std::mt19937_64 engine_;
};

struct Made {
  TokenFacts facts;
  std::string sid;  // its bytes
  VerifiedToken token;
};

std::vector<Made> some_tokens(Dice& dice, int count) {
  std::vector<Made> made;
  for (int i = 0; i < count; ++i) {
    TokenFacts facts{.kid = dice.name("kid-", 4), .sub = dice.name("usr_", 12), .jti = dice.name("jti-", 40)};
    facts.ver = dice.below(6);
    std::string sid;
    if (const int number = dice.below(9); number > 0) {
      facts.sid = sid_text(number);
      facts.gen = dice.below(6);
      sid = sid_bytes(number);
    }
    made.push_back({facts, sid, token_of(facts)});
  }
  return made;
}

TEST(RevocationTable, SaysWhatAPlainListSaysInAnyHistory) {
  Dice dice(1);
  const std::vector<Made> tokens = some_tokens(dice, 150);
  int revoked = 0, stale = 0, good = 0;
  for (int history = 0; history < 60; ++history) {
    RevocationTable table = table_for();
    Oracle oracle;
    std::int64_t seconds = now;
    for (int step = 0; step < 40; ++step) {
      seconds += dice.below(12) - 2;  // a primary's clock may fall back a little when another takes over
      const int what = dice.below(20);
      feed::Proved proved = statement(seconds, dice.entries(seconds, what < 4 ? 0 : 4));
      if (what == 19 || what == 18) proved = snapshot(seconds, dice.entries(seconds, 30), dice.kids(), what == 19);
      apply(table, proved);
      oracle.apply(proved);
      if (what == 17) {
        const auto kids = dice.kids();
        table.admit_keys(issuer, kids);
        oracle.admit(kids);
      }
      for (const Made& one : tokens) {
        const auto expected = oracle.find(one.facts, one.sid);
        ASSERT_EQ(table.find(one.token), expected) << "history " << history << ", step " << step;
        ++(expected == Reason::revoked ? revoked : expected ? stale : good);
      }
    }
  }
  EXPECT_GT(revoked, 1000);
  EXPECT_GT(stale, 1000);
  EXPECT_GT(good, 1000);
}

TEST(RevocationTable, HundredThousandEntriesAreAllFoundAndNoStrangerIs) {
  constexpr int count = 100'000;
  RevocationTable table = table_for();
  std::vector<feed::Entry> entries;
  for (int i = 0; i < count; ++i) {
    entries.push_back(entry(Kind::subject, "usr_" + std::to_string(2 * i), 4));
    if (i % 1000 == 0) apply(table, statement(now, std::exchange(entries, {})));
  }
  apply(table, statement(now, entries));
  EXPECT_EQ(table.counts().entries, static_cast<std::uint64_t>(count));
  EXPECT_LE(table.counts().bytes, 40U * count);
  for (int i = 0; i < 2 * count; i += 997) {
    EXPECT_EQ(table.find(token_of({.sub = "usr_" + std::to_string(i)})).has_value(), i % 2 == 0) << i;
  }
}

}  // namespace
}  // namespace jeton
