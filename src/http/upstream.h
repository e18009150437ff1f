// Upstream: a named group of servers that requests are passed on to: where they are, what they are trusted with, and
// how they are doing. Shared by all event loops; what changes in it is atomic. The connections belong to the loops
// (http/upstream_pool.h).
//
// Health. Passive: after passive_failures_max failures in a row (no connection, no answer, a malformed one) a server is
// left out for passive_rest_time, unless all are. Active, with health_path: a GET each health_interval; after
// health_failures_max bad answers (none, or a status from 400 up) the server gets nothing, until one is good again.
//
// Ownership: who may send requests to it holds what create() gave. When the last of them has let go it is retired, and
// the loops let go too, of its connections and checks, as soon as they see it; the object lives until then.
#pragma once

#include "http/url.h"
#include "platform/fault.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace jeton::http {

struct UpstreamOptions {
  std::string name;
  std::vector<std::string> servers;  // "http://127.0.0.1:9000", "https://orders.internal"; no path
  std::string ca_file{};             // for https, PEM; empty: the system's authorities only
  std::string health_path{};         // empty: no active health checks
  std::chrono::milliseconds health_interval{2'000};
  std::chrono::milliseconds health_time_max{2'000};
  unsigned health_failures_max = 2;
  unsigned passive_failures_max = 3;
  std::chrono::milliseconds passive_rest_time{10'000};
  std::chrono::milliseconds connect_time_max{5'000};       // name, connection and handshake
  std::chrono::milliseconds first_byte_time_max{60'000};   // of the answer, after the request has been sent
  std::chrono::milliseconds idle_time_max{60'000};         // between two pieces of an answer
  std::chrono::milliseconds event_idle_time_max{600'000};  // the same, of text/event-stream
  std::chrono::milliseconds write_time_max{30'000};        // for one piece of a request to be taken
  std::chrono::milliseconds reuse_time_max{4'000};  // a connection at rest is used again; shorter than servers keep it
  std::size_t head_bytes_max = 32 * 1024;           // of an answer
  std::size_t piece_bytes_max = 16 * 1024;          // of a body, held at one time
  std::size_t idle_connections_max = 64;            // for each server and loop
  std::size_t connections_max = 4'096;              // likewise
  unsigned retries_max = 1;                         // of a request that may be sent again
};

enum class UpstreamError : std::uint8_t {
  none_available,        // every server is known to be down: 503
  too_many,              // connections_max: 503
  not_connected,         // refused, unreachable, name unknown, certificate not good: 502
  connect_time_over,     // 504
  lost,                  // the connection ended before the answer did: 502
  first_byte_time_over,  // 504
  idle_time_over,        // in the middle of an answer, or of a request that is not taken: 504
  malformed,             // 502
  cancelled,             // by us
};
std::string_view name_of(UpstreamError error) noexcept;  // "not_connected", for metrics and logs
int status_of(UpstreamError error) noexcept;

class Upstream : public std::enable_shared_from_this<Upstream> {
 public:
  static platform::Outcome<std::shared_ptr<Upstream>> create(UpstreamOptions options);

  struct Server {
    explicit Server(Url where) : url(std::move(where)), authority(url.authority()) {}
    Url url;
    std::string authority;
    std::atomic<bool> healthy = true;           // by the last active checks
    std::atomic<unsigned> failures = 0;         // in a row
    std::atomic<std::int64_t> rests_until = 0;  // nanoseconds of the steady clock
    std::atomic<std::uint64_t> requests = 0;    // sent, tried again ones too
    std::atomic<std::int64_t> told_at = 0;      // when the log last heard why it cannot be reached, as rests_until
  };

  // For the loops: keeps the object, and not from being retired.
  std::shared_ptr<Upstream> kept() { return shared_from_this(); }
  bool is_retired() const noexcept { return owned_.expired(); }

  const UpstreamOptions& options() const noexcept { return options_; }
  std::size_t size() const noexcept { return servers_.size(); }
  Server& server(std::size_t at) noexcept { return *servers_[at]; }
  const Server& server(std::size_t at) const noexcept { return *servers_[at]; }
  std::shared_ptr<boost::asio::ssl::context> tls() const noexcept { return tls_; }

  using Now = std::chrono::steady_clock::time_point;
  bool is_available(std::size_t at, Now now) const noexcept;
  void note_success(std::size_t at) noexcept;
  void note_failure(std::size_t at, Now now) noexcept;
  // Logs why no connection could be made, at most once in ten seconds for each server.
  void tell_unreachable(std::size_t at, std::string_view why, Now now);
  // One loop makes the active checks: the first that asks, until it gives them back.
  bool take_checks() noexcept { return !checked_.exchange(true); }
  void give_back_checks() noexcept { checked_ = false; }

 private:
  explicit Upstream(UpstreamOptions options) : options_(std::move(options)) {}

  UpstreamOptions options_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::atomic<bool> checked_ = false;
  std::weak_ptr<void> owned_;
};

}  // namespace jeton::http
