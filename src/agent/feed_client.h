// FeedClient: follows the revocation feed of one issuer and fills the table.
//
// One connection at a time, from where it is (Last-Event-ID), and shows the last signed head it has seen, so that a
// database which went back in time is noticed. It gives a connection up when something in it cannot be believed, or
// when no signed statement has come for feed_silence_max, and comes again after a pause that nobody shares.
#pragma once

#include "agent/feed_log.h"
#include "agent/parts.h"
#include "agent/token_source.h"
#include "guard/feed/reader.h"

#include <jeton/revocation_table.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::agent {

class FeedClient : private feed::Staging {
 public:
  struct Events {
    // A key was said to be gone, or a snapshot named these live ones.
    std::function<void(const std::vector<std::string>* live_kids)> keys_changed;
    std::function<void()> changed;  // a statement was proved, or a connection failed
  };
  FeedClient(const Parts& parts, std::string issuer, const AgentFeed& feed, RevocationTable& table, Events events);

  FeedClient(const FeedClient&) = delete;
  FeedClient& operator=(const FeedClient&) = delete;

  // What lies on disk. Before run().
  void load();
  boost::asio::awaitable<void> run();

  // After another has had the state's directory: what lies there need not go on where this one is, so the feed is asked
  // for a snapshot and the file begun anew.
  void take_state();

  std::uint64_t snapshots() const noexcept { return snapshots_; }
  std::string epoch() const;  // empty: never heard
  std::uint64_t entry() const;
  bool connected() const noexcept { return connected_; }
  const std::string& problem() const noexcept { return problem_; }

 private:
  boost::asio::awaitable<void> follow();
  boost::asio::awaitable<void> listen(http::StreamedAnswer& answer);
  // False: the connection is to be given up.
  bool take(const feed::Event& event);
  void take(feed::Proved proved, const std::string& statement, bool is_stored);
  // feed::Staging: a snapshot on its way goes into the table, and as it was sent to the disk.
  void begin() override;
  void add(const feed::Entry& entry) override;
  void keep_on_disk(const feed::Event& event);
  // While the disk is slower than the issuer.
  boost::asio::awaitable<void> wait_for_disk();
  void fail(std::string why, std::string_view kind);
  http::FetchRequest request(const std::string& token) const;
  bool wants_snapshot() const;
  platform::Counter& count_of(std::string_view name, std::string_view help) const;

  const Parts& parts_;
  std::string issuer_;
  std::string url_;
  RevocationTable& table_;
  Events events_;
  TokenSource tokens_;
  feed::Reader reader_;
  std::shared_ptr<FeedLog> log_;  // the disk thread's, once it runs
  std::shared_ptr<std::atomic<bool>> log_is_long_;
  std::shared_ptr<std::atomic<std::size_t>> disk_bytes_;  // of a snapshot, that wait to be written
  std::size_t staged_ = 0;                                // entries
  bool stores_snapshot_ = false;
  std::string last_head_{};  // as it was signed
  std::uint64_t snapshots_ = 0;
  unsigned failures_ = 0;
  bool connected_ = false;
  bool snapshot_wanted_ = false;
  bool log_is_gone_ = false;  // until a snapshot begins another
  bool starts_anew_ = false;  // the connection is to be given up
  std::string problem_{};
  std::chrono::milliseconds statement_at_{0};
  Pause pause_;
  platform::Gauge& connected_gauge_;
  platform::Gauge& lag_;
  platform::Counter& statements_;
  platform::Counter& entries_;
  platform::Counter& connections_;
};

}  // namespace jeton::agent
