// History: which history of the database this is, how far it has come, and whether it has gone back in time.
//
// A restored database begins a new history (design 4.3): another store epoch, so that refresh tokens of the old one are
// known for what they are; no signing key of the old one; an empty feed. A copy that somebody put back by hand does
// not, and must be noticed: its mark is behind the one that was kept beside the master key.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <jeton/revocation.h>

#include <cstdint>
#include <string>

namespace jeton::store {

struct HistoryMark {
  std::string epoch;              // the setting store_epoch; empty in a store that was never used
  std::int64_t progress = 0;      // only ever goes up in one history
  std::uint64_t feed_number = 0;  // of the newest entry of the feed, and its hash
  FeedHash feed_hash{};
  bool has_gone_back = false;  // noticed, and not accepted yet
};

class History {
 public:
  virtual ~History() = default;
  virtual void read_mark(Completion<HistoryMark> done) = 0;
  // Raises the progress by one; the mark after it.
  virtual void advance(Completion<HistoryMark> done) = 0;
  // Notes that the database has gone back in time, for all processes on it and later ones.
  virtual void note_gone_back(std::string why, Completion<bool> done) = 0;
  // Begins a new history in one group: the epoch is `epoch` and the old one is remembered, every session is ended,
  // every signing key is gone, the feed is empty, and the progress goes on.
  virtual void begin_history(std::string epoch, Completion<HistoryMark> done, Actor by = {}) = 0;
};

// The setting that holds the epochs of former histories, newest first, separated by spaces.
inline constexpr char former_epochs_setting[] = "former_store_epochs";
inline constexpr int former_epochs_max = 16;

}  // namespace jeton::store
