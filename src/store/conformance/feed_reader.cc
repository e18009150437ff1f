#include "store/conformance/feed_reader.h"

#include "store/conformance/harness.h"

namespace jeton::store::conformance {

bool FeedFollower::take(const FeedEntry& entry) {
  if (entry.number != number_ + 1) {
    fault_ = "number " + std::to_string(entry.number) + " after " + std::to_string(number_);
  } else if (entry.hash != chained(hash_, entry.number, entry.revocation)) {
    fault_ = "hash of number " + std::to_string(entry.number) + " does not follow";
  } else {
    number_ = entry.number;
    hash_ = entry.hash;
    entries_.push_back(entry);
  }
  return fault_.empty();
}

void FeedFollower::catch_up() {
  while (fault_.empty()) {
    const auto page = Waiting{*store_}.read_entries(number_);
    if (!page) {
      fault_ = page.error().message;
      return;
    }
    for (const auto& entry : page->entries) {
      if (!take(entry)) return;
    }
    if (page->entries.size() < feed_page_entries_max) {
      if (page->head.number != number_ || page->head.hash != hash_) fault_ = "the head is not that of the last entry";
      return;
    }
  }
}

std::vector<FeedEntry> read_feed(Store& store) {
  FeedFollower follower{store};
  follower.catch_up();
  EXPECT_EQ(follower.fault(), "");
  return follower.entries();
}

std::vector<Revocation> revocations_of(Store& store) {
  std::vector<Revocation> all;
  for (const auto& entry : read_feed(store)) all.push_back(entry.revocation);
  return all;
}

}  // namespace jeton::store::conformance
