// FeedHub: one node's side of the revocation feed (design 4.5). It follows the store's log on a thread of its own and
// sends each verifier what it lacks, then what is new, and each second a signed heartbeat.
//
// The time in a signed head is the database's, taken by the very read that found nothing beyond it: a node that cannot
// reach its database sends none, and its verifiers see themselves grow stale. All nodes read the same log, so a
// verifier may go from one to another.
//
// It notices a database that has gone back in time: its own log behind what it has read, or beside it; or a verifier
// that shows a head which this issuer has signed, of this history, and which is ahead of the log. Then it says nothing
// more, and `went_back` is called once.
//
// Threads: subscribe, wake and stop from any. The store must outlive stop().
#pragma once

#include "guard/feed/head.h"
#include "issuer/feed/feed_limits.h"
#include "issuer/feed/feed_subscriber.h"
#include "issuer/metrics.h"
#include "store/store.h"

#include <jeton/key.h>
#include <jeton/key_set.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace jeton::issuer {

inline constexpr std::chrono::milliseconds feed_poll_interval{100};  // for what other nodes append
inline constexpr std::chrono::milliseconds feed_heartbeat_interval{1000};

class FeedHub {
 public:
  using Piece = FeedSubscriber::Piece;
  struct Parts {
    store::Store& store;
    std::string issuer, epoch;
    SigningKey key;
    std::function<std::vector<std::string>()> live_kids;
    std::function<void(const std::string& why)> went_back;
    Metrics::Feed counts;
  };
  FeedHub(Parts parts, FeedLimits limits);
  ~FeedHub() { stop(); }
  FeedHub(const FeedHub&) = delete;
  FeedHub& operator=(const FeedHub&) = delete;

  // `now_and_then` is called about once a minute on the hub's thread, while the database is where it should be.
  void start(std::function<void()> now_and_then = {});
  // Ends all subscriptions and the thread.
  void stop();
  void wake();

  // Where a verifier is: what it has read up to, and the last signed head that it has seen, if it shows one.
  struct Standing {
    std::optional<feed::Place> place{};
    std::string signed_head{};
  };
  // The verifier's stream, which ends at `ends_at` and with an entry that ends its holder's token. Null: too many.
  std::shared_ptr<FeedSubscriber> subscribe(Standing standing, FeedHolder holder,
                                            std::chrono::steady_clock::time_point ends_at);

  const KeySet& pinned() const noexcept { return pinned_; }

 private:
  struct Arrival {
    std::weak_ptr<FeedSubscriber> subscriber;
    Standing standing;
  };
  struct Backlog {
    std::vector<Piece> pieces;
    feed::Place up_to;
  };
  void run();
  bool wait(std::vector<Arrival>& arrivals);
  void step(std::vector<Arrival>& arrivals);
  bool follow();
  bool take(const store::FeedPage& page);
  void end_those(const std::function<bool(const FeedSubscriber&)>& is_over);
  void end_revoked(const std::vector<store::FeedEntry>& entries);
  void welcome(std::vector<Arrival>& arrivals);
  std::optional<Backlog> backlog_of(const Standing& standing);
  std::optional<Backlog> entries_after(feed::Place place, bool* is_whole);
  const Backlog* snapshot();
  void send(const Piece& piece);
  Piece signed_head();
  void purge();
  std::optional<store::FeedPage> read(std::uint64_t after);
  bool is_proof_of_a_later_log(const std::string& signed_head) const;
  void find_gone_back(const std::string& why);
  feed::Head head() const;

  const Parts parts_;
  const FeedLimits limits_;
  const KeySet pinned_;
  std::function<void()> now_and_then_{};
  // The hub thread's.
  bool begun_ = false, gone_back_ = false, failing_ = false;
  feed::Place place_;      // all up to it were sent
  std::int64_t time_ = 0;  // for which the log was known to end there
  std::uint64_t purged_up_to_ = 0;
  Piece head_piece_;  // of place_ and time_; null until asked for
  std::chrono::steady_clock::time_point head_sent_{}, purged_at_{}, snapshot_made_{}, told_at_{};
  std::optional<Backlog> snapshot_;
  std::map<std::uint64_t, Backlog> backlogs_;  // of this step
  std::vector<std::weak_ptr<FeedSubscriber>> subscribers_;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool awake_ = false, stopping_ = false;
  std::vector<Arrival> arrivals_;
  std::vector<std::weak_ptr<FeedSubscriber>> holders_;  // all, from subscribe() on
  std::shared_ptr<std::atomic<std::size_t>> count_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::thread thread_;
};

}  // namespace jeton::issuer
