// The feed's codec: what an issuer writes, a reader believes; what was forged, edited, left out or moved, it refuses.
#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "guard/feed/head.h"
#include "guard/feed/reader.h"

#include <jeton/jws.h>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace jeton::feed {
namespace {

constexpr std::string_view issuer = "https://as.example";

const SigningKey& feed_key() {
  static const SigningKey key = SigningKey::generate(feed_algorithm);
  return key;
}

KeySet pinned() { return KeySet({feed_key().verification_key()}); }

Revocation token(std::string jti) { return {.subject = std::move(jti), .expires_at = 1'700'000'900}; }

// An issuer's side of one history.
struct History {
  std::string epoch = "first";
  std::uint64_t number = 0;
  FeedHash hash{};
  std::int64_t time = 1'700'000'000'000;
  std::vector<Entry> all{};

  std::string append(const Revocation& revocation) {
    hash = chained(hash, ++number, revocation);
    all.push_back({number, revocation});
    return entry_text(number, revocation);
  }
  Head head() const { return {std::string(issuer), epoch, number, hash, time}; }
  Event signed_head() const { return {"head", {*sign(feed_key(), head())}, ""}; }
  // Without entry `omit`, as one that has expired.
  std::vector<Event> snapshot(std::uint64_t omit = 0, std::vector<std::string> kids = {"kid-1"}) const {
    std::vector<Event> events{{"reset", {}, ""}};
    Snapshot end{.head = head(), .kids = std::move(kids)};
    for (const Entry& entry : all) {
      if (entry.number == omit) continue;
      events.push_back({"entries", {entry_text(entry.number, entry.revocation)}, ""});
      end.digest = chained(end.digest, entry.number, entry.revocation);
      ++end.entries;
    }
    events.push_back({"snapshot", {*sign(feed_key(), end)}, ""});
    return events;
  }
};

Reader reader() { return Reader({.issuer = std::string(issuer), .pinned = pinned(), .entries_max = 100}); }

std::expected<std::optional<Proved>, Fault> take_all(Reader& to, const std::vector<Event>& events) {
  std::expected<std::optional<Proved>, Fault> last = std::nullopt;
  for (const Event& event : events) {
    last = to.take(event);
    if (!last.has_value()) return last;
  }
  return last;
}

// A reader that has proved the history so far.
Reader reader_of(const History& history) {
  Reader out = reader();
  EXPECT_TRUE(take_all(out, history.snapshot()).has_value());
  return out;
}

TEST(FeedEntry, EveryKindIsReadBackAsItWasWritten) {
  const std::vector<Revocation> all{
      {.kind = RevocationKind::key, .subject = "kid", .expires_at = 1},
      {.kind = RevocationKind::subject, .subject = "usr_\xC3\xA9", .expires_at = 2},
      {.kind = RevocationKind::subject, .reason = RevocationReason::stale_claims, .subject = "u", .least = 0},
      {.kind = RevocationKind::session, .subject = std::string(16, '\0'), .least = 1, .expires_at = 3},
      {.kind = RevocationKind::token, .subject = std::string(revocation_subject_bytes_max, 'j'), .expires_at = 4}};
  std::uint64_t number = number_max - 10;
  for (const Revocation& one : all) {
    ++number;
    EXPECT_EQ(parse_entry(entry_text(number, one)), (Entry{number, one}));
  }
}

TEST(FeedEntry, OtherSpellingsAreRefused) {
  const std::string good = entry_text(7, token("jti"));
  ASSERT_TRUE(parse_entry(good));
  const auto refused = [](std::string_view text) { return !parse_entry(text).has_value(); };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(good + "A"));
  EXPECT_TRUE(refused(good + "="));
  EXPECT_TRUE(refused(good.substr(0, good.size() - 1)));
  EXPECT_TRUE(refused(good + "AAAA"));
  EXPECT_TRUE(refused(std::string(entry_text_bytes_max + 1, 'A')));
  EXPECT_TRUE(refused(entry_text(0, token("jti"))));
  EXPECT_TRUE(refused(entry_text(number_max + 1, token("jti"))));
  Revocation unknown = token("jti");
  unknown.kind = static_cast<RevocationKind>(9);
  EXPECT_TRUE(refused(entry_text(7, unknown)));
  unknown = token("jti");
  unknown.least = 1;
  EXPECT_TRUE(refused(entry_text(7, unknown)));
}

TEST(FeedHead, SignedHeadIsReadBack) {
  History history;
  history.append(token("a"));
  EXPECT_EQ(open_head(history.signed_head().data.front(), pinned()), history.head());
}

TEST(FeedHead, OnlyThePinnedKeyAndItsOwnTypCount) {
  const Head head = History{}.head();
  const SigningKey other = SigningKey::generate(feed_algorithm);
  const SigningKey es256 = SigningKey::generate(Algorithm::es256);
  const std::string payload = payload_of(head);
  ASSERT_TRUE(open_head(*jws_sign(feed_key(), payload, {.typ = std::string(head_typ)}), pinned()));
  EXPECT_FALSE(open_head(*jws_sign(other, payload, {.typ = std::string(head_typ)}), pinned()));
  EXPECT_FALSE(open_head(*jws_sign(feed_key(), payload, {.typ = "at+jwt"}), pinned()));
  EXPECT_FALSE(open_head(*jws_sign(feed_key(), payload, {.typ = std::string(snapshot_typ)}), pinned()));
  EXPECT_FALSE(open_head(*jws_sign(feed_key(), payload), pinned()));
  EXPECT_FALSE(
      open_head(*jws_sign(es256, payload, {.typ = std::string(head_typ)}), KeySet({es256.verification_key()})));
}

TEST(FeedHead, OtherSpellingsOfAPayloadAreRefused) {
  const std::string good = payload_of(History{}.head());
  ASSERT_TRUE(parse_head(good));
  const auto replaced = [&](std::string_view what, std::string_view by) {
    std::string text = good;
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, what.size(), by);
  };
  EXPECT_FALSE(parse_head(' ' + good));
  EXPECT_FALSE(parse_head(replaced("\"n\":0", "\"n\":-1")));
  EXPECT_FALSE(parse_head(replaced("\"n\":0", "\"n\":0.0")));
  EXPECT_FALSE(parse_head(replaced("\"n\":0", "\"n\":\"0\"")));
  EXPECT_FALSE(parse_head(replaced("\"n\":0", "\"n\":0,\"x\":1")));
  EXPECT_FALSE(parse_head(replaced("\"n\":0,", "")));
  EXPECT_FALSE(parse_head(replaced("\"epoch\":\"first\"", "\"epoch\":\"\"")));
  EXPECT_FALSE(parse_head(replaced("AAAA\"", "AAA\"")));
  EXPECT_FALSE(parse_head("{}"));
  EXPECT_FALSE(parse_head("[]"));
}

TEST(FeedSnapshot, SignedSnapshotIsReadBackAndIsNoHead) {
  const Snapshot snapshot{.head = History{}.head(), .digest = {std::byte{3}}, .entries = 5, .kids = {"a", "b"}};
  const auto text = sign(feed_key(), snapshot);
  EXPECT_EQ(open_snapshot(*text, pinned()), snapshot);
  EXPECT_FALSE(open_head(*text, pinned()));
  EXPECT_FALSE(parse_head(payload_of(snapshot)));
}

TEST(FeedPlace, OnePlaceHasOneSpelling) {
  const Place place{"AAAA", 12, {std::byte{9}}};
  const std::string good = place_text(place);
  EXPECT_EQ(good.substr(0, 8), "AAAA.12.");
  EXPECT_EQ(parse_place(good), place);
  const std::string hash = good.substr(8);
  EXPECT_FALSE(parse_place(""));
  EXPECT_FALSE(parse_place("12." + hash));
  EXPECT_FALSE(parse_place(".12." + hash));
  EXPECT_FALSE(parse_place("AAAA.012." + hash));
  EXPECT_FALSE(parse_place("AAAA.+12." + hash));
  EXPECT_FALSE(parse_place("AAAA.-1." + hash));
  EXPECT_FALSE(parse_place("AAAA.99999999999999999999." + hash));
  EXPECT_FALSE(parse_place("AA AA.12." + hash));
  EXPECT_FALSE(parse_place(std::string(200, 'A') + ".12." + hash));
  EXPECT_FALSE(parse_place(good + "A"));
  EXPECT_FALSE(parse_place(good + "."));
}

TEST(EventStream, EventsComeOutAsTheyWentInWhateverThePieces) {
  const std::vector<Event> sent{{"entries", {"one", "two"}, ""}, {"head", {"x.y.z"}, "7.abc"}, {"message", {""}, ""}};
  std::string text = ": hello\n";
  for (const Event& event : sent) text += event_text(event);
  for (std::size_t size = 1; size <= text.size(); ++size) {
    EventParser parser(1000);
    std::vector<Event> events;
    for (std::size_t at = 0; at < text.size(); at += size) {
      ASSERT_TRUE(parser.take(std::string_view(text).substr(at, size), events));
    }
    EXPECT_EQ(events, sent) << size;
  }
}

TEST(EventStream, LinesMayEndInAnyOfTheThreeWays) {
  EventParser parser(1000);
  std::vector<Event> events;
  ASSERT_TRUE(
      parser.take("\xEF\xBB\xBF"
                  "event: a\r\ndata:1\r\n\r\nevent:b\rdata: 2\r\rdata\n\nretry: 5\n\nevent: c\n\n",
                  events));
  EXPECT_EQ(events, (std::vector<Event>{{"a", {"1"}, ""}, {"b", {"2"}, ""}, {"message", {""}, ""}}));
}

TEST(EventStream, EventThatIsTooLongOrHoldsNulEndsTheConnection) {
  std::vector<Event> events;
  EXPECT_FALSE(EventParser(20).take("data: 0123456789abcdef", events));
  EXPECT_TRUE(EventParser(20).take("data: 0123\n\ndata: 0123\n\n: 01234567\n: 01234567\n", events));
  EXPECT_FALSE(EventParser(20).take(std::string_view("da\0a", 4), events));
}

TEST(FeedReader, SnapshotThenEntriesAreProvedByTheirHeads) {
  History history;
  history.append(token("a"));
  history.append(token("b"));
  Reader follower = reader();
  const auto first = take_all(follower, history.snapshot());
  ASSERT_TRUE(first.has_value() && first->has_value());
  EXPECT_TRUE((*first)->replaces);
  EXPECT_TRUE((*first)->begins_history);
  EXPECT_EQ((*first)->entries, history.all);
  EXPECT_EQ((*first)->kids, std::vector<std::string>{"kid-1"});

  const std::string line = history.append(token("c"));
  EXPECT_EQ(follower.take({"entries", {line}, ""})->has_value(), false) << "nothing is proved yet";
  const auto next = follower.take(history.signed_head());
  ASSERT_TRUE(next.has_value() && next->has_value());
  EXPECT_FALSE((*next)->replaces);
  EXPECT_FALSE((*next)->begins_history);
  EXPECT_EQ((*next)->entries, (std::vector<Entry>{{3, token("c")}}));

  history.time += 1000;
  const auto heartbeat = follower.take(history.signed_head());
  ASSERT_TRUE(heartbeat.has_value() && heartbeat->has_value());
  EXPECT_TRUE((*heartbeat)->entries.empty());
  EXPECT_EQ((*heartbeat)->head.time, history.time);
}

TEST(FeedReader, GoesOnAfterWhatWasProvedInAnotherConnection) {
  History history;
  history.append(token("a"));
  Reader before = reader_of(history);
  Reader after({.issuer = std::string(issuer), .pinned = pinned()}, *before.proved());
  const std::string line = history.append(token("b"));
  ASSERT_TRUE(after.take({"entries", {line}, ""}).has_value());
  after.reconnect();
  ASSERT_TRUE(after.take({"entries", {line}, ""}).has_value()) << "unproved entries are sent again";
  EXPECT_EQ((*after.take(history.signed_head()))->entries.size(), 1U);
}

TEST(FeedReader, SnapshotMayLackWhatHasExpired) {
  History history;
  history.append(token("a"));
  history.append(token("b"));
  Reader follower = reader();
  const auto proved = take_all(follower, history.snapshot(1));
  ASSERT_TRUE(proved.has_value() && proved->has_value());
  EXPECT_EQ((*proved)->entries.size(), 1U);
  const std::string line = history.append(token("c"));
  ASSERT_TRUE(follower.take({"entries", {line}, ""}).has_value());
  EXPECT_TRUE(follower.take(history.signed_head()).has_value());
}

// The attacker holds the connection, but no feed key.
TEST(FeedReader, ForgedEditedMissingAndMovedEntriesAreRefusedAtTheNextHead) {
  History history;
  Reader follower = reader_of(history);
  const std::string one = history.append(token("one"));
  const std::string two = history.append(token("two"));
  const auto fault_of = [&](const std::vector<Event>& events) {
    Reader victim = follower;
    const auto outcome = take_all(victim, events);
    return outcome.has_value() ? std::optional<Fault>{} : outcome.error();
  };
  const Event head = history.signed_head();
  EXPECT_EQ(fault_of({{"entries", {one, two}, ""}, head}), std::nullopt);
  EXPECT_EQ(fault_of({{"entries", {one}, ""}, head}), Fault::broken_chain);
  EXPECT_EQ(fault_of({head}), Fault::broken_chain);
  EXPECT_EQ(fault_of({{"entries", {two, one}, ""}}), Fault::broken_chain);
  EXPECT_EQ(fault_of({{"entries", {one, one}, ""}}), Fault::broken_chain);
  EXPECT_EQ(fault_of({{"entries", {one, entry_text(2, token("forged"))}, ""}, head}), Fault::broken_chain);
  EXPECT_EQ(fault_of({{"entries", {one, two, entry_text(3, token("forged"))}, ""}, head}), Fault::broken_chain);
  EXPECT_EQ(fault_of({{"entries", {one, "!"}, ""}}), Fault::malformed);
  EXPECT_EQ(fault_of({{"entries", {one, two}, ""}, {"head", {head.data.front() + "A"}, ""}}), Fault::bad_signature);
  EXPECT_EQ(fault_of({{"entries", {one, two}, ""}, {"head", {head.data.front(), "x"}, ""}}), Fault::malformed);
  EXPECT_EQ(fault_of({{"something", {"x"}, ""}}), Fault::malformed);
}

TEST(FeedReader, EditedSnapshotIsRefused) {
  History history;
  history.append(token("a"));
  history.append(token("b"));
  const auto good = history.snapshot();
  ASSERT_EQ(good.size(), 4U);
  const auto fault_of = [&](const std::vector<Event>& events) {
    Reader victim = reader();
    const auto outcome = take_all(victim, events);
    return outcome.has_value() ? std::optional<Fault>{} : outcome.error();
  };
  EXPECT_EQ(fault_of(good), std::nullopt);
  EXPECT_EQ(fault_of({good[0], good[1], good[3]}), Fault::broken_chain);
  EXPECT_EQ(fault_of({good[0], good[2], good[1], good[3]}), Fault::broken_chain);
  EXPECT_EQ(fault_of({good[0], good[1], good[2], good[2], good[3]}), Fault::broken_chain);
  EXPECT_EQ(fault_of({good[0], good[1], good[2], {"entries", {entry_text(3, token("c"))}, ""}, good[3]}),
            Fault::broken_chain);
  EXPECT_EQ(fault_of({good[1], good[2], good[3]}), Fault::malformed);
  EXPECT_EQ(fault_of({good[0], good[1], good[2], history.signed_head()}), Fault::malformed);
}

TEST(FeedReader, DatabaseThatHasGoneBackIsNoticed) {
  History history;
  history.append(token("a"));
  const History copy = history;  // put back by hand, later
  history.append(token("b"));
  Reader follower = reader_of(history);
  EXPECT_EQ(follower.take(copy.signed_head()).error(), Fault::went_back);
  EXPECT_EQ(take_all(follower, copy.snapshot()).error(), Fault::went_back);
  History other = copy;
  other.append(token("not b"));
  EXPECT_EQ(reader_of(history).take(other.signed_head()).error(), Fault::went_back) << "same number, another hash";
  EXPECT_EQ(take_all(follower, other.snapshot()).error(), Fault::went_back);
  EXPECT_TRUE(take_all(follower, history.snapshot()).has_value());
}

TEST(FeedReader, NewStoreEpochBeginsWithASnapshotAndNotWithAHead) {
  History old;
  old.append(token("a"));
  Reader follower = reader_of(old);
  History restored{.epoch = "second", .time = old.time + 1};
  EXPECT_EQ(follower.take(restored.signed_head()).error(), Fault::other_history);
  const auto proved = take_all(follower, restored.snapshot(0, {"kid-2"}));
  ASSERT_TRUE(proved.has_value() && proved->has_value());
  EXPECT_TRUE((*proved)->begins_history);
  EXPECT_TRUE((*proved)->replaces);
  EXPECT_EQ((*proved)->kids, std::vector<std::string>{"kid-2"});
}

TEST(FeedReader, SnapshotOfAnOlderHistoryThatWasKeptIsRefused) {
  History old;
  old.append(token("a"));
  const auto kept = old.snapshot();
  History restored{.epoch = "second", .time = old.time + 60'000};
  Reader follower = reader_of(restored);
  EXPECT_EQ(take_all(follower, kept).error(), Fault::went_back);
}

TEST(FeedReader, FeedOfAnotherIssuerIsRefused) {
  History history;
  Reader follower({.issuer = "https://other.example", .pinned = pinned()});
  EXPECT_EQ(take_all(follower, history.snapshot()).error(), Fault::wrong_issuer);

  // Two issuers with one feed key: a statement of the other that is right in all else.
  follower = reader_of(history);
  Head other = history.head();
  other.issuer = "https://other.example";
  EXPECT_EQ(follower.take({"head", {*sign(feed_key(), other)}, ""}).error(), Fault::wrong_issuer);
  EXPECT_TRUE(follower.take(history.signed_head()).has_value()) << "and nothing of it was believed";
}

TEST(FeedReader, MoreUnprovedEntriesThanAllowedAreRefused) {
  History history;
  Reader follower({.issuer = std::string(issuer), .pinned = pinned(), .entries_max = 2});
  ASSERT_TRUE(take_all(follower, history.snapshot()).has_value());
  const std::vector<std::string> lines{history.append(token("a")), history.append(token("b"))};
  ASSERT_TRUE(follower.take({"entries", lines, ""}).has_value());
  EXPECT_EQ(follower.take({"entries", {history.append(token("c"))}, ""}).error(), Fault::too_many);
}

TEST(FeedReader, EntriesBeforeASnapshotHaveNoPlace) {
  Reader follower = reader();
  EXPECT_EQ(follower.take({"entries", {entry_text(1, token("a"))}, ""}).error(), Fault::malformed);
}

}  // namespace
}  // namespace jeton::feed
