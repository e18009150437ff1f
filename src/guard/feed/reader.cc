#include "guard/feed/reader.h"

#include <utility>

namespace jeton::feed {
namespace {

// How far the issuer's clock may have been set back between two histories.
constexpr std::int64_t clock_tolerance_milliseconds = 30'000;

}  // namespace

Reader::Reader(Options options, Head proved) : options_(std::move(options)), proved_(std::move(proved)) { reconnect(); }

void Reader::reconnect() {
  if (std::exchange(in_snapshot_, false) && options_.staging != nullptr) options_.staging->begin();
  collected_.clear();
  count_ = 0;
  number_ = proved_ ? proved_->number : 0;
  hash_ = proved_ ? proved_->hash : FeedHash{};
}

std::expected<std::optional<Proved>, Fault> Reader::take(const Event& event) {
  if (event.type == "reset") {
    reconnect();
    in_snapshot_ = true;
    if (options_.staging != nullptr) options_.staging->begin();
    number_ = 0;
    hash_ = {};
    return std::nullopt;
  }
  if (event.type == "entries") {
    const auto collected = collect(event);
    if (!collected.has_value()) return std::unexpected(collected.error());
    return std::nullopt;
  }
  const bool is_head = event.type == "head";
  if ((!is_head && event.type != "snapshot") || event.data.size() != 1 || is_head == in_snapshot_) {
    return std::unexpected(Fault::malformed);
  }
  std::expected<Proved, Fault> proved = std::unexpected(Fault::bad_signature);
  if (is_head) {
    if (const auto head = open_head(event.data.front(), options_.pinned)) proved = prove(*head);
  } else if (auto snapshot = open_snapshot(event.data.front(), options_.pinned)) {
    proved = prove(*std::move(snapshot));
  }
  if (!proved.has_value()) return std::unexpected(proved.error());
  return *std::move(proved);
}

std::expected<void, Fault> Reader::collect(const Event& event) {
  if (!proved_ && !in_snapshot_) return std::unexpected(Fault::malformed);
  for (const std::string& line : event.data) {
    auto entry = parse_entry(line);
    if (!entry) return std::unexpected(Fault::malformed);
    const bool follows = in_snapshot_ ? entry->number > number_ : entry->number == number_ + 1;
    if (!follows) return std::unexpected(Fault::broken_chain);
    const bool stages = in_snapshot_ && options_.staging != nullptr;
    if ((in_snapshot_ ? count_ : collected_.size()) >= options_.entries_max) return std::unexpected(Fault::too_many);
    number_ = entry->number;
    hash_ = chained(hash_, entry->number, entry->revocation);
    if (in_snapshot_) ++count_;
    if (stages)
      options_.staging->add(*entry);
    else
      collected_.push_back(*std::move(entry));
  }
  return {};
}

// Behind or beside what was proved of the same history; or of another one that is older: a statement of the time before
// a restore, kept and sent again.
bool Reader::is_behind(const Head& head) const {
  if (!proved_) return false;
  if (proved_->epoch != head.epoch) return head.time < proved_->time - clock_tolerance_milliseconds;
  return head.number < proved_->number || (head.number == proved_->number && head.hash != proved_->hash);
}

Proved Reader::settle(Head head) {
  Proved out;
  out.begins_history = !proved_ || proved_->epoch != head.epoch;
  out.head = head;
  out.entries = std::exchange(collected_, {});
  in_snapshot_ = false;
  count_ = 0;
  number_ = head.number;
  hash_ = head.hash;
  proved_ = std::move(head);
  return out;
}

std::expected<Proved, Fault> Reader::prove(const Head& head) {
  if (head.issuer != options_.issuer) return std::unexpected(Fault::wrong_issuer);
  if (!proved_ || proved_->epoch != head.epoch) return std::unexpected(Fault::other_history);
  if (is_behind(head)) return std::unexpected(Fault::went_back);
  if (head.number != number_ || head.hash != hash_) return std::unexpected(Fault::broken_chain);
  return settle(head);
}

std::expected<Proved, Fault> Reader::prove(Snapshot snapshot) {
  const Head& head = snapshot.head;
  if (head.issuer != options_.issuer) return std::unexpected(Fault::wrong_issuer);
  if (is_behind(head)) return std::unexpected(Fault::went_back);
  const bool whole = snapshot.entries == count_ && snapshot.digest == hash_ && number_ <= head.number;
  if (!whole) return std::unexpected(Fault::broken_chain);
  Proved out = settle(std::move(snapshot.head));
  out.replaces = true;
  out.is_staged = options_.staging != nullptr;
  out.kids = std::move(snapshot.kids);
  return out;
}

}  // namespace jeton::feed
