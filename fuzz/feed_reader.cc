// The input is a programme: what an issuer does, and what somebody on the way does to it. Whatever that is, a reader
// believes only what happened, and a table says of each token what the believed entries say.
// Parts: guard/feed/ guard/revocation_block guard/revocation_table
#include "target.h"

#include "guard/feed/reader.h"

#include <jeton/jws.h>
#include <jeton/revocation_table.h>
#include <jeton/verifier.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace jeton::feed {
namespace {

constexpr char issuer[] = "https://as.example";
constexpr std::int64_t now = 1'700'000'000;
constexpr std::size_t operations_max = 64, tokens_count = 8;

const SigningKey& pinned_key() {
  static const SigningKey key = SigningKey::generate(feed_algorithm);
  return key;
}
const SigningKey& other_key() {
  static const SigningKey key = SigningKey::generate(feed_algorithm);
  return key;
}

const std::vector<VerifiedToken>& tokens() {
  static const std::vector<VerifiedToken> all = [] {
    const SigningKey key = SigningKey::generate(Algorithm::hs256);
    const Verifier verifier({.issuer = issuer,
                             .audience = AudienceRule::accept_any_because("a test"),
                             .keys = KeySet({key.verification_key()})});
    std::vector<VerifiedToken> made;
    for (std::size_t i = 0; i < tokens_count; ++i) {
      const std::string payload =
          R"({"iss":"https://as.example","sub":"u","ver":1,"exp":1700000600,"jti":")" + std::to_string(i) + "\"}";
      made.push_back(
          verifier.verify(jws_sign(key, payload, {.typ = "at+jwt"}).value(), from_unix_seconds(now)).value());
    }
    return made;
  }();
  return all;
}

// What happened at the issuer, history by history.
struct Truth {
  std::string epoch = "0";
  std::map<std::string, std::vector<Entry>> entries{{"0", {}}};
  std::map<std::string, std::vector<FeedHash>> hashes{{"0", {FeedHash{}}}};

  void revoke(unsigned token) {
    auto& all = entries[epoch];
    const Revocation revocation{.subject = std::to_string(token % tokens_count), .expires_at = now + 900};
    all.push_back({all.size() + 1, revocation});
    hashes[epoch].push_back(chained(hashes[epoch].back(), all.size(), revocation));
  }
  void restore() {
    epoch = std::to_string(entries.size());
    entries[epoch];
    hashes[epoch] = {FeedHash{}};
  }
  Head head() const { return {issuer, epoch, entries.at(epoch).size(), hashes.at(epoch).back(), now * 1000}; }
  bool holds(const Proved& proved) const {
    const auto known = hashes.find(proved.head.epoch);
    if (known == hashes.end() || proved.head.number >= known->second.size()) return false;
    if (known->second[proved.head.number] != proved.head.hash) return false;
    return std::ranges::all_of(proved.entries, [&](const Entry& entry) {
      const auto& all = entries.at(proved.head.epoch);
      return entry.number >= 1 && entry.number <= all.size() && all[entry.number - 1] == entry;
    });
  }
};

std::vector<Event> snapshot_of(const Truth& truth, const SigningKey& key) {
  std::vector<Event> events{{"reset", {""}, ""}};
  Snapshot end{.head = truth.head(), .kids = {std::string(tokens().front().key_id())}};
  for (const auto& [number, revocation] : truth.entries.at(truth.epoch)) {
    events.push_back({"entries", {entry_text(number, revocation)}, ""});
    end.digest = chained(end.digest, number, revocation);
    ++end.entries;
  }
  events.push_back({"snapshot", {*sign(key, end)}, ""});
  return events;
}

// One step of the programme: what comes to the reader by it.
std::vector<Event> step(Truth& truth, std::vector<Event>& kept, unsigned char operation, unsigned char argument) {
  switch (operation % 10) {
    case 0: {
      truth.revoke(argument);
      const Entry& last = truth.entries[truth.epoch].back();
      return {{"entries", {entry_text(last.number, last.revocation)}, ""}};
    }
    case 1: return {{"head", {*sign(pinned_key(), truth.head())}, ""}};
    case 2: return snapshot_of(truth, pinned_key());
    case 3: truth.revoke(argument); return {};  // kept from the reader
    case 4: truth.restore(); return {};
    case 5: return {{"head", {*sign(other_key(), truth.head())}, ""}};
    case 6: return snapshot_of(truth, other_key());
    case 7: return kept.empty() ? kept : std::vector<Event>{kept[argument % kept.size()]};  // again, or moved
    case 8: {
      if (kept.empty()) return {};
      Event spoiled = kept[argument % kept.size()];
      for (std::string& line : spoiled.data) {
        if (!line.empty()) line[argument % line.size()] = static_cast<char>(line[argument % line.size()] ^ 1);
      }
      return {spoiled};
    }
    default: return {{"reset", {""}, ""}};
  }
}

}  // namespace

// What comes of a snapshot goes into the table as it comes, and must not be seen in it before it is proved.
struct IntoTable : Staging {
  explicit IntoTable(RevocationTable& one) : table(one) {}
  void begin() override {
    staged.clear();
    table.begin_staging(issuer);
  }
  void add(const Entry& entry) override {
    staged.push_back(entry);
    table.stage(issuer, entry);
  }
  RevocationTable& table;
  std::vector<Entry> staged{};
};

JETON_FUZZ_TARGET(feed_reader) {
  Truth truth;
  RevocationTable table({.issuers = {{issuer}}});
  IntoTable staging(table);
  Reader reader({.issuer = issuer,
                 .pinned = KeySet({pinned_key().verification_key()}),
                 .entries_max = 100,
                 .staging = &staging});
  std::set<std::string> believed;
  std::vector<Event> kept;
  for (std::size_t at = 0; at + 1 < std::min(input.size(), 2 * operations_max); at += 2) {
    const auto events =
        step(truth, kept, static_cast<unsigned char>(input[at]), static_cast<unsigned char>(input[at + 1]));
    for (const Event& event : events) {
      kept.push_back(event);
      auto taken = reader.take(event);
      if (!taken.has_value()) {
        reader.reconnect();
        break;
      }
      if (taken->has_value()) {
        Proved& proved = **taken;
        JETON_PROPERTY(!proved.replaces || (proved.is_staged && proved.entries.empty()));
        table.apply(issuer, proved, std::chrono::sys_seconds(std::chrono::seconds(now)), std::chrono::nanoseconds(0));
        if (proved.is_staged) proved.entries = std::exchange(staging.staged, {});
        JETON_PROPERTY(truth.holds(proved));
        if (proved.replaces) believed.clear();
        for (const Entry& entry : proved.entries) believed.insert(entry.revocation.subject);
      }
      for (const VerifiedToken& token : tokens()) {
        JETON_PROPERTY(table.find(token).has_value() == believed.contains(std::string(token.token_id())));
      }
    }
  }
}
}  // namespace jeton::feed
