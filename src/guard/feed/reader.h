// Reader: the verifier's side of the feed, without its I/O: events in, what they prove out.
//
// The issuer sends
//   reset     forget what you have collected: a snapshot begins
//   entries   one entry a line, ascending
//   snapshot  ends a snapshot: its signed statement
//   head      a signed head; the entries since the one before it are proved by its hash, and not earlier
//
// So nothing is believed that a feed key has not signed: an entry that was forged, changed, left out or moved fails at
// the next head. A head or snapshot behind what was proved before, or beside it (the same number with another hash),
// means that the issuer's database has gone back in time. A snapshot of another store epoch begins a new history.
#pragma once

#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "guard/feed/head.h"

#include <jeton/key_set.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace jeton::feed {

enum class Fault : std::uint8_t {
  malformed,      // an event, entry or place that cannot be read, or has no place here
  bad_signature,  // not of a pinned feed key, or not a statement of the feed
  wrong_issuer,
  other_history,  // a head of another store epoch, without a snapshot first
  broken_chain,   // the entries are not those that the statement is about
  went_back,      // behind or beside what was proved before
  too_many,       // more unproved entries than entries_max
};

// What a statement has proved.
struct Proved {
  bool replaces = false;        // a snapshot: the entries are all there are, and `kids` the live keys
  bool begins_history = false;  // of another store epoch than before, or the first
  bool is_staged = false;       // the entries went to Options::staging as they came, and `entries` is empty
  Head head;
  std::vector<Entry> entries;  // new since the statement before
  std::vector<std::string> kids{};
};

// Where the entries of a snapshot go as they come, so that a million of them are not held until the last is proved.
// Nobody may believe them before take() has given what proves them (is_staged).
class Staging {
 public:
  virtual ~Staging() = default;
  virtual void begin() = 0;  // forgets what was staged and not proved
  virtual void add(const Entry& entry) = 0;
};

class Reader {
 public:
  struct Options {
    std::string issuer;
    KeySet pinned;                        // feed keys
    std::size_t entries_max = 1'000'000;  // unproved at one time
    Staging* staging = nullptr;           // of snapshots; none: they are collected
  };
  explicit Reader(Options options) : options_(std::move(options)) {}
  // Goes on after what was proved before, in another connection or another run.
  Reader(Options options, Head proved);

  // Nothing: go on reading. After a Fault the connection is to be given up; what was proved stays.
  std::expected<std::optional<Proved>, Fault> take(const Event& event);
  // On a new connection: unproved entries are forgotten.
  void reconnect();
  const std::optional<Head>& proved() const noexcept { return proved_; }
  bool in_snapshot() const noexcept { return in_snapshot_; }

 private:
  std::expected<void, Fault> collect(const Event& event);
  std::expected<Proved, Fault> prove(const Head& head);
  std::expected<Proved, Fault> prove(Snapshot snapshot);
  bool is_behind(const Head& head) const;
  Proved settle(Head head);

  Options options_;
  std::optional<Head> proved_{};
  bool in_snapshot_ = false;
  std::size_t count_ = 0;     // entries of the snapshot so far
  std::uint64_t number_ = 0;  // of the last entry collected
  FeedHash hash_{};           // chained up to it; in a snapshot over what was sent of it
  std::vector<Entry> collected_{};
};

}  // namespace jeton::feed
