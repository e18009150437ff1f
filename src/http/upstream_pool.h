// UpstreamPool: one event loop's connections to an Upstream: which server a request goes to, connections kept open
// between requests, the time limits of all of them, and the active health checks.
//
// A request goes to the available server with the fewest requests of this loop under way; among equals they take turns.
// A connection that has been at rest is used again only if the server has neither closed it nor said anything on it
// that nobody asked for.
//
// Ownership: shared by its leases, and by its checks until the upstream is retired. Threads: its loop's.
#pragma once

#include "http/upstream.h"
#include "http/upstream_connection.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

namespace jeton::http {

using LoopTimer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>;

class UpstreamPool : public std::enable_shared_from_this<UpstreamPool> {
 public:
  static std::shared_ptr<UpstreamPool> open(boost::asio::io_context& loop, std::shared_ptr<Upstream> upstream);
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;

  Upstream& upstream() noexcept { return *upstream_; }

  // A connection for one request; ends the count of that server's requests under way with its destruction.
  class Lease {
   public:
    Lease(UpstreamPool& pool, std::unique_ptr<UpstreamConnection> connection, bool reused);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    UpstreamConnection& operator*() noexcept { return *connection_; }
    UpstreamConnection* operator->() const noexcept { return connection_.get(); }
    bool reused() const noexcept { return reused_; }
    // The connection is kept for another request, if it can be.
    void give_back();

   private:
    std::shared_ptr<UpstreamPool> pool_;
    std::unique_ptr<UpstreamConnection> connection_;
    bool reused_;
  };
  // `avoid`: a server that has just failed, not to be asked again if there is another; becomes the one that was chosen
  // now. `fresh`: not a connection that was at rest.
  boost::asio::awaitable<std::expected<Lease, UpstreamError>> lease(std::optional<std::size_t>& avoid, bool fresh);

  // The loop ends: sockets and timers are given up. Leases may end after it.
  void close() noexcept;

 private:
  UpstreamPool(boost::asio::io_context& loop, std::shared_ptr<Upstream> upstream);
  struct Side {                                               // of one server
    std::deque<std::unique_ptr<UpstreamConnection>> at_rest;  // the one used last behind
    UpstreamConnection::Endpoints endpoints;
    std::chrono::steady_clock::time_point resolved_at{};
    std::size_t under_way = 0;
  };
  std::optional<std::size_t> choose(std::optional<std::size_t> avoid);
  std::unique_ptr<UpstreamConnection> take_at_rest(std::size_t server);
  boost::asio::awaitable<bool> resolve(std::size_t server);
  boost::asio::awaitable<std::expected<std::unique_ptr<UpstreamConnection>, UpstreamError>> connect(std::size_t server);
  void begin_checks();
  static boost::asio::awaitable<void> keep_checking(std::shared_ptr<UpstreamPool> pool, std::size_t server);
  boost::asio::awaitable<bool> check(std::size_t server);
  void arm_sweeper();
  void sweep();

  boost::asio::io_context& loop_;
  std::shared_ptr<Upstream> upstream_;
  BufferStock stock_;
  std::unordered_set<UpstreamConnection*> watched_;
  std::vector<Side> sides_;
  std::size_t turn_ = 0;
  bool sweeping_ = false;
  bool checks_ = false;
  bool closed_ = false;
  std::unique_ptr<LoopTimer> sweeper_;
  std::vector<std::unique_ptr<LoopTimer>> check_timers_;
};

}  // namespace jeton::http
