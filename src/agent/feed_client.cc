#include "agent/feed_client.h"

#include "agent/freshness.h"
#include "platform/log.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace jeton::agent {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr std::string_view feed_path = "/api/feed";
constexpr std::string_view token_path = "/oauth2/token";
constexpr char feed_scope[] = "feed:read";
// A snapshot may take its time, as long as it goes on.
constexpr milliseconds snapshot_time_max{120'000};
// What waits to be written of one; a disk that falls behind is waited for, but not for long.
constexpr std::size_t disk_bytes_max = 4 * 1024 * 1024;
constexpr milliseconds disk_wait_max{2'000};
// A log of more than this, and of more than eight times its snapshot, asks for another snapshot.
constexpr std::uint64_t log_bytes_long = 4 * 1024 * 1024, log_ratio_long = 8;

std::string below(std::string_view issuer, std::string_view path) {
  return std::string(issuer.substr(0, issuer.find_last_not_of('/') + 1)) + std::string(path);
}

std::string_view name_of(feed::Fault fault) {
  switch (fault) {
    case feed::Fault::malformed: return "malformed";
    case feed::Fault::bad_signature: return "bad_signature";
    case feed::Fault::wrong_issuer: return "wrong_issuer";
    case feed::Fault::other_history: return "other_history";
    case feed::Fault::broken_chain: return "broken_chain";
    case feed::Fault::went_back: return "went_back";
    case feed::Fault::too_many: return "too_many";
  }
  return "";
}

}  // namespace

FeedClient::FeedClient(const Parts& parts, std::string issuer, const AgentFeed& feed, RevocationTable& table,
                       Events events)
    : parts_(parts),
      issuer_(std::move(issuer)),
      url_(feed.url.empty() ? below(issuer_, feed_path) : feed.url),
      table_(table),
      events_(std::move(events)),
      tokens_(parts, {.endpoint = feed.token_endpoint.empty() ? below(issuer_, token_path) : feed.token_endpoint,
                      .client_id = feed.client_id,
                      .scope = feed_scope,
                      .client_secret = feed.client_secret}),
      reader_(
          {.issuer = issuer_, .pinned = feed.pinned, .entries_max = parts.limits().feed_entries_max, .staging = this}),
      log_is_long_(std::make_shared<std::atomic<bool>>(false)),
      disk_bytes_(std::make_shared<std::atomic<std::size_t>>(0)),
      pause_(parts.executor),
      connected_gauge_(
          parts.metrics.gauge("jeton_agent_feed_connected", "1 while the feed is followed", {{"issuer", issuer_}})),
      lag_(parts.metrics.gauge("jeton_agent_feed_lag_milliseconds",
                               "This machine's clock less the time of the last statement, when that came",
                               {{"issuer", issuer_}})),
      statements_(count_of("jeton_agent_feed_statements_total", "Signed statements that were proved")),
      entries_(count_of("jeton_agent_feed_entries_total", "Entries that were proved")),
      connections_(count_of("jeton_agent_feed_connections_total", "Connections to the feed that were tried")) {
  if (std::string path = state_path(parts.options, "feed-", issuer_, ".log"); !path.empty()) {
    log_ = std::make_shared<FeedLog>(std::move(path),
                                     FeedLogLimits{.file_bytes_max = parts.limits().feed_state_bytes_max,
                                                   .event_bytes_max = parts.limits().feed_event_bytes_max});
  }
}

platform::Counter& FeedClient::count_of(std::string_view name, std::string_view help) const {
  return parts_.metrics.counter(name, help, {{"issuer", issuer_}});
}

std::string FeedClient::epoch() const { return reader_.proved() ? reader_.proved()->epoch : std::string(); }

std::uint64_t FeedClient::entry() const { return reader_.proved() ? reader_.proved()->number : 0; }

void FeedClient::take_state() {
  if (!log_) return;
  log_is_gone_ = starts_anew_ = true;
  stores_snapshot_ = false;
  parts_.on_disk([log = log_] { log->abandon(); });
}

void FeedClient::load() {
  if (!log_) return;
  const bool known = log_->load(
      reader_, [this](feed::Proved proved, const std::string& statement) { take(std::move(proved), statement, true); });
  if (known) {
    platform::log_info("revocations are known from before",
                       {{"issuer", issuer_}, {"entry", reader_.proved()->number}, {"bytes", log_->bytes()}});
  }
}

awaitable<void> FeedClient::run() {
  while (true) {
    co_await follow();
    connected_ = false;
    connected_gauge_.set(0);
    events_.changed();
    co_await pause_.wait(
        spread(parts_.limits().feed_reconnect_min, parts_.limits().feed_reconnect_max, failures_, chance()));
  }
}

void FeedClient::fail(std::string why, std::string_view kind) {
  ++failures_;
  parts_.metrics
      .counter("jeton_agent_feed_faults_total", "Connections to the feed that failed, and statements not believed",
               {{"issuer", issuer_}, {"fault", std::string(kind)}})
      .add();
  if (why != problem_) platform::log_warning("the feed is not followed", {{"issuer", issuer_}, {"reason", why}});
  problem_ = std::move(why);
}

// Unasked only where it costs nobody: the log has grown long beside what matters.
bool FeedClient::wants_snapshot() const {
  return snapshot_wanted_ || log_is_gone_ || log_is_long_->load(std::memory_order_relaxed);
}

http::FetchRequest FeedClient::request(const std::string& token) const {
  http::FetchRequest request{.url = url_, .time_max = parts_.limits().fetch_time_max};
  request.headers.add("Authorization", "Bearer " + token);
  request.headers.add("Accept", "text/event-stream");
  request.headers.add("Cache-Control", "no-store");
  if (const auto& head = reader_.proved(); head && !wants_snapshot()) {
    request.headers.add("Last-Event-ID",
                        feed::place_text({.epoch = head->epoch, .number = head->number, .hash = head->hash}));
  }
  if (!last_head_.empty()) request.headers.add("Jeton-Feed-Head", last_head_);
  return request;
}

awaitable<void> FeedClient::follow() {
  connections_.add();
  const auto token = co_await tokens_.get();
  if (!token.has_value()) {
    fail(token.error().what, "token");
    co_return;
  }
  starts_anew_ = false;
  auto answer = co_await parts_.http.open(request(*token));
  if (!answer.has_value()) {
    fail(answer.error().what, "connection");
    co_return;
  }
  if (const int status = (*answer)->status; status != 200) {
    if (status == 401 || status == 403) tokens_.forget();
    fail("the feed answers with status " + std::to_string(status), "status");
    co_return;
  }
  co_await listen(**answer);
}

awaitable<void> FeedClient::listen(http::StreamedAnswer& answer) {
  reader_.reconnect();
  connected_ = true;
  connected_gauge_.set(1);
  feed::EventParser parser(parts_.limits().feed_event_bytes_max);
  std::vector<feed::Event> events;
  const milliseconds begun_at = parts_.monotonic.ticks();
  statement_at_ = begun_at;
  milliseconds event_at = begun_at;
  while (true) {
    // While entries come a statement may be long in coming, but not for ever.
    const milliseconds now = parts_.monotonic.ticks();
    const milliseconds left = parts_.limits().feed_silence_max - (now - event_at);
    if (left <= milliseconds(0) || now - statement_at_ > snapshot_time_max) {
      fail("no signed statement came in time", "silence");
      co_return;
    }
    const auto piece = co_await answer.next(left);
    if (starts_anew_) co_return;
    if (!piece.has_value()) {
      fail(piece.error().what, "connection");
      co_return;
    }
    if (piece->empty()) {  // the token has ended, or the node stops: come again soon
      if (statement_at_ == begun_at) ++failures_;
      co_return;
    }
    events.clear();
    if (!parser.take(*piece, events)) {
      fail("an event is too long", "malformed");
      co_return;
    }
    for (const feed::Event& event : events) {
      if (!take(event)) co_return;
      event_at = parts_.monotonic.ticks();
    }
    // What is not to be stored waits for no disk, though what was given to it before may lie there for long.
    if (stores_snapshot_ && disk_bytes_->load(std::memory_order_relaxed) > disk_bytes_max) {
      co_await wait_for_disk();
      event_at = parts_.monotonic.ticks();
    }
  }
}

awaitable<void> FeedClient::wait_for_disk() {
  const milliseconds until = parts_.monotonic.ticks() + disk_wait_max;
  while (disk_bytes_->load(std::memory_order_relaxed) > disk_bytes_max) {
    if (parts_.monotonic.ticks() >= until) {  // what is revoked must be known, whether or not it can be written down
      stores_snapshot_ = false;
      parts_.on_disk([log = log_] { log->drop_snapshot(); });
      co_return;
    }
    co_await pause_.wait(milliseconds(2));
  }
}

void FeedClient::begin() {
  staged_ = 0;
  table_.begin_staging(issuer_);
  if (std::exchange(stores_snapshot_, false)) parts_.on_disk([log = log_] { log->drop_snapshot(); });
}

void FeedClient::add(const feed::Entry& entry) {
  ++staged_;
  table_.stage(issuer_, entry);
}

void FeedClient::keep_on_disk(const feed::Event& event) {
  if (!log_ || !reader_.in_snapshot()) return;
  if (event.type == "reset") {
    stores_snapshot_ = parts_.on_disk([log = log_] { log->begin_snapshot(); });
    return;
  }
  if (!stores_snapshot_) return;
  std::size_t bytes = 0;
  for (const std::string& line : event.data) bytes += line.size();
  *disk_bytes_ += bytes;
  stores_snapshot_ = parts_.on_disk([log = log_, lines = event.data, bytes, waiting = disk_bytes_] {
    log->add_to_snapshot(lines);
    *waiting -= bytes;
  });
  if (!stores_snapshot_) *disk_bytes_ -= bytes;
}

bool FeedClient::take(const feed::Event& event) {
  auto proved = reader_.take(event);
  if (!proved.has_value()) {
    const feed::Fault fault = proved.error();
    snapshot_wanted_ = fault == feed::Fault::broken_chain || fault == feed::Fault::other_history;
    fail("the feed is not believed: " + std::string(name_of(fault)), name_of(fault));
    return false;
  }
  if (proved->has_value()) {
    statement_at_ = parts_.monotonic.ticks();
    failures_ = 0;
    problem_.clear();
    take(**std::move(proved), event.data.front(), false);
  } else {
    keep_on_disk(event);
  }
  return true;
}

void FeedClient::take(feed::Proved proved, const std::string& statement, bool is_stored) {
  const milliseconds monotonic = parts_.monotonic.ticks();
  const auto wall = parts_.clock.now();
  table_.apply(issuer_, proved, wall, monotonic);
  statements_.add();
  entries_.add(proved.entries.size() + std::exchange(staged_, 0));
  lag_.set(wall.time_since_epoch().count() - proved.head.time);
  const bool key_is_gone = std::ranges::any_of(
      proved.entries, [](const feed::Entry& entry) { return entry.revocation.kind == RevocationKind::key; });
  if (proved.replaces) {
    ++snapshots_;
    stores_snapshot_ = false;
    snapshot_wanted_ = log_is_gone_ = false;
    if (!is_stored) events_.keys_changed(&proved.kids);  // at the start they are asked for anyway
    log_is_long_->store(false, std::memory_order_relaxed);
  } else {
    // A snapshot's statement is no head: it is not what the issuer wants to be shown.
    last_head_ = statement;
    if (key_is_gone && !is_stored) events_.keys_changed(nullptr);
  }
  events_.changed();
  if (is_stored || !log_) return;
  parts_.on_disk([log = log_, is_long = log_is_long_, kept = std::make_shared<feed::Proved>(std::move(proved)),
                  statement, monotonic, issuer = issuer_] {
    if (const auto written = log->keep(*kept, statement, monotonic); !written.has_value()) {
      platform::log_warning("the feed's state is not stored", {{"issuer", issuer}, {"reason", written.error().what}});
    }
    is_long->store(log->bytes() > log_bytes_long && log->bytes() > log_ratio_long * log->snapshot_bytes(),
                   std::memory_order_relaxed);
  });
}

}  // namespace jeton::agent
