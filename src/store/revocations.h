// Revocations: the issuer's numbered list of what ends access tokens before their time (design 4.5), written by the
// very transaction that revokes.
//
// Every operation of the contract that ends sessions, raises a user's version or kills a key appends an entry in its
// own group, with the next number from the one row `feed_head`, held to commit: numbers have no gaps, a group that is
// undone leaves none, and whoever reads n entries has all that were acknowledged before. Rotations never touch it.
//
// An entry lives until the last access token that it concerns can be accepted nowhere: their largest `exp`, and
// `revocation_margin` on top. One whose tokens are dead by then already is not written. Both are judged by the feed's
// own time, which follows the database's clock but never jumps ahead with it (see `purge`).
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <jeton/revocation.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace jeton::store {

// The largest leeway that a verifier may have for `exp`, and how far its clock may be off.
inline constexpr std::chrono::seconds verifier_leeway_max{60};
inline constexpr std::chrono::seconds clock_skew_max{60};
inline constexpr std::chrono::seconds revocation_margin = verifier_leeway_max + clock_skew_max;

// When the entry on tokens that end at `access_expires_max` may go, in whole seconds.
constexpr std::int64_t revocation_expiry(StoreTime access_expires_max) {
  return std::chrono::ceil<std::chrono::seconds>(access_expires_max + revocation_margin).time_since_epoch().count();
}

struct FeedHead {
  std::uint64_t number = 0;    // of the newest entry
  FeedHash hash{};             // over all entries up to it
  StoreTime now{};             // the database's clock, taken no later than the moment of which the rest is true
  bool has_gone_back = false;  // see store/history.h
};

struct FeedEntry {
  std::uint64_t number = 0;
  Revocation revocation;
  FeedHash hash{};  // over all entries up to this one
};

// All of it seen at one moment.
struct FeedPage {
  FeedHead head;
  std::uint64_t purged_up_to = 0;  // below or at this number entries may be missing; above, none is
  std::vector<FeedEntry> entries;  // ascending
};

inline constexpr std::size_t feed_page_entries_max = 1000;

class Revocations {
 public:
  virtual ~Revocations() = default;
  // Appends one entry, for what no other operation revokes: a single token, the old generations of a session. Its
  // number; 0 if no token that it concerns can still be alive. It must be well-formed.
  virtual void revoke(Revocation, Completion<std::uint64_t> done) = 0;
  // True if the one token of that `jti` was revoked, and the entry is still needed.
  virtual void find_revoked_token(std::string jti, Completion<bool> done) = 0;
  // `call` whenever a commit through this store has appended entries: soon after, on a store thread, and once too often
  // rather than too seldom. It must not block. What other processes append it does not tell. An empty function ends it,
  // and returns when no call is under way any more.
  virtual void watch(std::function<void()> call) = 0;
  virtual void read_head(Completion<FeedHead> done) = 0;
  // The first entries with a number above `after`, at most feed_page_entries_max, and the head of the same moment. With
  // `after` below purged_up_to there may be holes, but none that concerns a live token: that is how a snapshot is read.
  virtual void read_entries(std::uint64_t after, Completion<FeedPage> done) = 0;
  // Moves the feed's time towards the database's clock by at most `advance_max`, never back, and forgets some of the
  // entries that have then expired; the number forgotten. A clock that jumps ahead for a while so does not make it
  // forget what is still needed: call it with the monotonic time since the last call.
  virtual void purge(std::chrono::milliseconds advance_max, Completion<std::uint64_t> done) = 0;
};

}  // namespace jeton::store
