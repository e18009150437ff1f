#include "issuer/feed/feed_hub.h"

#include "guard/feed/entry.h"
#include "guard/feed/event_stream.h"
#include "issuer/completion.h"
#include "platform/log.h"
#include "platform/metrics.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

namespace jeton::issuer {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds purge_interval{10};
constexpr std::chrono::seconds now_and_then_interval{60};
constexpr std::chrono::seconds snapshot_shared_for{10};  // a herd that comes back together is served from one

FeedHub::Piece piece_of(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// The entries up to `last` as one event; null if there are none.
FeedHub::Piece entries_piece(const std::vector<store::FeedEntry>& entries, std::uint64_t last) {
  feed::Event event{.type = "entries", .data = {}, .id = {}};
  for (const store::FeedEntry& entry : entries) {
    if (entry.number <= last) event.data.push_back(feed::entry_text(entry.number, entry.revocation));
  }
  return event.data.empty() ? nullptr : piece_of(feed::event_text(event));
}

}  // namespace

FeedHub::FeedHub(Parts parts, FeedLimits limits)
    : parts_(std::move(parts)), limits_(limits), pinned_({parts_.key.verification_key()}) {}

void FeedHub::start(std::function<void()> now_and_then) {
  if (thread_.joinable()) return;
  now_and_then_ = std::move(now_and_then);
  parts_.store.revocations().watch([this] { wake(); });
  thread_ = std::thread([this] { run(); });
}

void FeedHub::stop() {
  if (!thread_.joinable()) return;
  parts_.store.revocations().watch({});
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_one();
  thread_.join();
  for (const auto& one : subscribers_) {
    if (const auto subscriber = one.lock()) subscriber->end();
  }
  for (const Arrival& arrival : arrivals_) {
    if (const auto subscriber = arrival.subscriber.lock()) subscriber->end();
  }
}

void FeedHub::wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  woken_.notify_one();
}

std::shared_ptr<FeedSubscriber> FeedHub::subscribe(Standing standing, FeedHolder holder,
                                                   steady_clock::time_point ends_at) {
  if (count_->fetch_add(1) >= limits_.subscribers_max) {
    count_->fetch_sub(1);
    parts_.counts.refused.add();
    return nullptr;
  }
  parts_.counts.subscribers.add(1);
  // It may outlive the hub by a little: its event loop has it.
  auto subscriber = std::make_shared<FeedSubscriber>(limits_.waiting_bytes_max, std::move(holder), ends_at,
                                                     [count = count_, counts = parts_.counts](bool was_slow) {
                                                       count->fetch_sub(1);
                                                       counts.subscribers.add(-1);
                                                       if (was_slow) counts.slow.add();
                                                     });
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) subscriber->end();
    holders_.push_back(subscriber);
    arrivals_.push_back({subscriber, std::move(standing)});
    awake_ = true;
  }
  woken_.notify_one();
  return subscriber;
}

bool FeedHub::wait(std::vector<Arrival>& arrivals) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, feed_poll_interval, [this] { return stopping_ || awake_; });
  awake_ = false;
  std::ranges::move(arrivals_, std::back_inserter(arrivals));
  arrivals_.clear();
  return !stopping_;
}

void FeedHub::run() {
  purged_at_ = told_at_ = steady_clock::now();
  std::vector<Arrival> arrivals;  // those that came while the log could not be read wait here
  while (wait(arrivals)) {
    try {
      step(arrivals);
    } catch (const std::bad_alloc&) {
      // What could not be sent shows in the chain; the log is read again at the next interval.
    }
  }
  for (const Arrival& arrival : arrivals) {
    if (const auto subscriber = arrival.subscriber.lock()) subscriber->end();
  }
}

void FeedHub::step(std::vector<Arrival>& arrivals) {
  // Also while the log cannot be read.
  const auto now = steady_clock::now();
  end_those([&](const FeedSubscriber& subscriber) { return now >= subscriber.ends_at(); });
  if (gone_back_ || !follow()) return;
  if (now - head_sent_ >= feed_heartbeat_interval) {
    send(signed_head());
    head_sent_ = now;
    parts_.counts.heartbeats.add();
  }
  welcome(arrivals);
  if (snapshot_ && now - snapshot_made_ >= snapshot_shared_for) snapshot_.reset();
  if (now - purged_at_ >= purge_interval) purge();
  if (now_and_then_ && !gone_back_ && now - told_at_ >= now_and_then_interval) {
    told_at_ = now;
    now_and_then_();
  }
}

std::optional<store::FeedPage> FeedHub::read(std::uint64_t after) {
  auto page =
      waited<store::FeedPage>([&](auto done) { parts_.store.revocations().read_entries(after, std::move(done)); });
  if (page.has_value()) {
    if (std::exchange(failing_, false)) platform::log_info("the revocation feed goes on");
    return *std::move(page);
  }
  parts_.counts.faults.add();
  if (!std::exchange(failing_, true)) {
    platform::log_error("the revocation feed cannot be read, no heartbeat is sent", {{"reason", page.error().message}});
  }
  return std::nullopt;
}

// Reads what is new to the end of the log, and sends it. False if it cannot be read.
bool FeedHub::follow() {
  while (true) {
    const auto page = read(begun_ ? place_.number : feed::number_max);
    if (!page) return false;
    if (!begun_) {
      place_ = {.epoch = parts_.epoch, .number = page->head.number, .hash = page->head.hash};
      begun_ = true;
    }
    if (!take(*page)) return false;
    if (page->entries.size() < store::feed_page_entries_max) return true;
  }
}

bool FeedHub::take(const store::FeedPage& page) {
  if (page.head.has_gone_back) {
    find_gone_back("it was noticed by a process on it");
    return false;
  }
  FeedHash hash = place_.hash;
  std::uint64_t number = place_.number;
  for (const store::FeedEntry& entry : page.entries) {
    hash = chained(hash, entry.number, entry.revocation);
    if (entry.number != number + 1 || hash != entry.hash) {
      find_gone_back("entry " + std::to_string(entry.number) + " does not follow what was read before");
      return false;
    }
    number = entry.number;
  }
  const bool is_at_the_end = page.entries.size() < store::feed_page_entries_max;
  if (page.head.number < number || (is_at_the_end && (page.head.number != number || page.head.hash != hash))) {
    find_gone_back("the log ends at " + std::to_string(page.head.number) + ", and was read to " +
                   std::to_string(number));
    return false;
  }
  purged_up_to_ = page.purged_up_to;
  head_piece_ = nullptr;
  // Of a page in the middle it is not known yet that nothing lies beyond.
  place_ = {.epoch = parts_.epoch, .number = number, .hash = hash};
  if (is_at_the_end) time_ = page.head.now.time_since_epoch().count();
  if (page.entries.empty()) return true;
  parts_.counts.entries.add(page.entries.size());
  end_revoked(page.entries);
  send(entries_piece(page.entries, number));
  if (is_at_the_end) {
    send(signed_head());
    head_sent_ = steady_clock::now();
  }
  return true;
}

// Those that have only just arrived as well: what was revoked before they were there, their caller sees in the store.
void FeedHub::end_those(const std::function<bool(const FeedSubscriber&)>& is_over) {
  const std::lock_guard lock(mutex_);
  std::erase_if(holders_, [&](const std::weak_ptr<FeedSubscriber>& one) {
    const auto subscriber = one.lock();
    if (!subscriber || subscriber->has_ended()) return true;
    if (!is_over(*subscriber)) return false;
    subscriber->end();
    return true;
  });
}

void FeedHub::end_revoked(const std::vector<store::FeedEntry>& entries) {
  end_those([&](const FeedSubscriber& subscriber) {
    return std::ranges::any_of(
        entries, [&](const store::FeedEntry& entry) { return subscriber.holder().is_ended_by(entry.revocation); });
  });
}

void FeedHub::send(const Piece& piece) {
  std::erase_if(subscribers_, [&](const std::weak_ptr<FeedSubscriber>& one) {
    const auto subscriber = one.lock();
    if (!subscriber) return true;
    subscriber->push(piece);
    return subscriber->has_ended();
  });
}

feed::Head FeedHub::head() const {
  return {.issuer = parts_.issuer,
          .epoch = parts_.epoch,
          .number = place_.number,
          .hash = place_.hash,
          .time = std::max<std::int64_t>(time_, 0)};
}

FeedHub::Piece FeedHub::signed_head() {
  if (!head_piece_) {
    const auto compact = feed::sign(parts_.key, head());
    head_piece_ =
        piece_of(feed::event_text({.type = "head", .data = {compact.value_or("")}, .id = feed::place_text(place_)}));
  }
  return head_piece_;
}

void FeedHub::welcome(std::vector<Arrival>& arrivals) {
  if (arrivals.empty()) return;
  backlogs_.clear();
  for (Arrival& arrival : arrivals) {
    const auto subscriber = arrival.subscriber.lock();
    if (!subscriber) continue;
    if (is_proof_of_a_later_log(arrival.standing.signed_head)) {
      find_gone_back("a verifier has a signed head that is ahead of the log");
      subscriber->end();
      continue;
    }
    const auto backlog = gone_back_ ? std::nullopt : backlog_of(arrival.standing);
    if (!backlog) {
      subscriber->end();  // it comes again
      continue;
    }
    subscriber->begin(backlog->pieces);
    subscribers_.push_back(subscriber);
  }
  arrivals.clear();
  backlogs_.clear();
}

// What is needed to bring a verifier from where it stands to place_.
std::optional<FeedHub::Backlog> FeedHub::backlog_of(const Standing& standing) {
  if (standing.place && standing.place->epoch == parts_.epoch && standing.place->number <= place_.number &&
      standing.place->number >= purged_up_to_) {
    bool is_whole = false;
    auto backlog = entries_after(*standing.place, &is_whole);
    if (!backlog || is_whole) return backlog;
  }
  const Backlog* whole = snapshot();
  if (whole == nullptr) return std::nullopt;
  Backlog backlog = *whole;
  if (whole->up_to.number < place_.number) {
    bool is_whole = false;
    const auto rest = entries_after(whole->up_to, &is_whole);
    if (!rest || !is_whole) return std::nullopt;
    backlog.pieces.insert(backlog.pieces.end(), rest->pieces.begin(), rest->pieces.end());
  } else {
    backlog.pieces.push_back(signed_head());
  }
  return backlog;
}

// The entries from `place` up to place_ and the head. Not whole: they do not follow from there.
std::optional<FeedHub::Backlog> FeedHub::entries_after(feed::Place place, bool* is_whole) {
  *is_whole = true;
  if (const auto known = backlogs_.find(place.number); known != backlogs_.end() && known->second.up_to == place) {
    return known->second;
  }
  Backlog backlog{.pieces = {}, .up_to = place};
  std::uint64_t number = place.number;
  FeedHash hash = place.hash;
  while (number < place_.number) {
    const auto page = read(number);
    if (!page) return std::nullopt;
    for (const store::FeedEntry& entry : page->entries) {
      if (entry.number > place_.number) break;
      hash = chained(hash, entry.number, entry.revocation);
      if (entry.number != ++number || entry.hash != hash) {
        *is_whole = false;
        return backlog;
      }
    }
    if (auto piece = entries_piece(page->entries, place_.number)) backlog.pieces.push_back(std::move(piece));
    if (page->entries.size() < store::feed_page_entries_max) break;
  }
  *is_whole = number == place_.number && hash == place_.hash;
  if (*is_whole) {
    backlog.pieces.push_back(signed_head());
    backlogs_.insert_or_assign(place.number, backlog);
  }
  return backlog;
}

const FeedHub::Backlog* FeedHub::snapshot() {
  const auto now = steady_clock::now();
  if (snapshot_ && now - snapshot_made_ < snapshot_shared_for && snapshot_->up_to.number >= purged_up_to_) {
    return &*snapshot_;
  }
  Backlog backlog{.pieces = {piece_of(feed::event_text({.type = "reset", .data = {""}, .id = {}}))}, .up_to = place_};
  feed::Snapshot end{.head = head(), .digest = {}, .entries = 0, .kids = parts_.live_kids()};
  for (std::uint64_t number = 0; number < place_.number;) {
    const auto page = read(number);
    if (!page) return nullptr;
    for (const store::FeedEntry& entry : page->entries) {
      if (entry.number > place_.number) break;
      end.digest = chained(end.digest, entry.number, entry.revocation);
      ++end.entries;
    }
    if (auto piece = entries_piece(page->entries, place_.number)) backlog.pieces.push_back(std::move(piece));
    if (page->entries.size() < store::feed_page_entries_max) break;
    number = page->entries.back().number;
  }
  const auto compact = feed::sign(parts_.key, end);
  if (!compact) return nullptr;
  backlog.pieces.push_back(
      piece_of(feed::event_text({.type = "snapshot", .data = {*compact}, .id = feed::place_text(place_)})));
  parts_.counts.snapshots.add();
  snapshot_ = std::move(backlog);
  snapshot_made_ = now;
  return &*snapshot_;
}

// The feed's own time follows the database's clock at most twice as fast as this process's monotonic one: so it catches
// up after a stop, and a clock that jumps ahead for a while makes it forget little.
void FeedHub::purge() {
  constexpr int rounds_max = 20;
  const auto now = steady_clock::now();
  auto advance = std::chrono::duration_cast<milliseconds>(now - purged_at_) * 2;
  purged_at_ = now;
  for (int i = 0; i < rounds_max; ++i) {
    const auto forgotten =
        waited<std::uint64_t>([&](auto done) { parts_.store.revocations().purge(advance, std::move(done)); });
    if (!forgotten.has_value() || *forgotten == 0) return;
    advance = milliseconds(0);
  }
}

bool FeedHub::is_proof_of_a_later_log(const std::string& signed_head) const {
  if (signed_head.empty()) return false;
  const auto shown = feed::open_head(signed_head, pinned_);
  if (!shown || shown->issuer != parts_.issuer || shown->epoch != parts_.epoch) return false;
  return shown->number > place_.number || (shown->number == place_.number && shown->hash != place_.hash);
}

void FeedHub::find_gone_back(const std::string& why) {
  if (std::exchange(gone_back_, true)) return;
  platform::log_error("the database has gone back in time, the revocation feed stops", {{"reason", why}});
  parts_.went_back(why);
  for (const auto& one : subscribers_) {
    if (const auto subscriber = one.lock()) subscriber->end();
  }
}

}  // namespace jeton::issuer
