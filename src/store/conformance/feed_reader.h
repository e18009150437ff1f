// For tests of the feed's log: a reader that trusts nothing. It demands each number after the one before, and that the
// hashes chain.
#pragma once

#include "store/revocations.h"
#include "store/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace jeton::store::conformance {

class FeedFollower {
 public:
  explicit FeedFollower(Store& store) : store_(&store) {}

  // Goes on with another store, which is that of before: a server that was started again.
  void ask(Store& store) { store_ = &store; }
  // Reads what is new. Stops at the first fault.
  void catch_up();

  std::uint64_t number() const { return number_; }
  const FeedHash& hash() const { return hash_; }
  const std::string& fault() const { return fault_; }  // empty: whole so far
  const std::vector<FeedEntry>& entries() const { return entries_; }

 private:
  bool take(const FeedEntry& entry);
  Store* store_;
  std::uint64_t number_ = 0;
  FeedHash hash_{};
  std::string fault_{};
  std::vector<FeedEntry> entries_{};
};

// All entries of a feed that has forgotten none; fails the test if it is not whole.
std::vector<FeedEntry> read_feed(Store& store);
std::vector<Revocation> revocations_of(Store& store);

}  // namespace jeton::store::conformance
