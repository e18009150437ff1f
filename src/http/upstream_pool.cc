#include "http/upstream_pool.h"

#include "platform/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::steady_clock;
using LoopResolver = asio::ip::basic_resolver<tcp, asio::io_context::executor_type>;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds sweep_time{100};
constexpr std::chrono::seconds resolved_time_max{10};  // an address is asked for again

}  // namespace

UpstreamPool::Lease::Lease(UpstreamPool& pool, std::unique_ptr<UpstreamConnection> connection, bool reused)
    : pool_(pool.shared_from_this()), connection_(std::move(connection)), reused_(reused) {}

UpstreamPool::Lease::~Lease() {
  if (connection_) --pool_->sides_[connection_->server()].under_way;
}

void UpstreamPool::Lease::give_back() {
  Side& side = pool_->sides_[connection_->server()];
  --side.under_way;
  auto connection = std::move(connection_);
  if (pool_->closed_ || !connection->can_be_kept()) return;
  auto& at_rest = side.at_rest;
  if (at_rest.size() >= pool_->upstream_->options().idle_connections_max) at_rest.pop_front();
  connection->rest_from(steady_clock::now());
  at_rest.push_back(std::move(connection));
}

UpstreamPool::UpstreamPool(asio::io_context& loop, std::shared_ptr<Upstream> upstream)
    : loop_(loop),
      upstream_(upstream->kept()),
      stock_(upstream_->options().piece_bytes_max),
      sides_(upstream_->size()),
      sweeper_(std::make_unique<LoopTimer>(loop)) {}

std::shared_ptr<UpstreamPool> UpstreamPool::open(asio::io_context& loop, std::shared_ptr<Upstream> upstream) {
  std::shared_ptr<UpstreamPool> pool(new UpstreamPool(loop, std::move(upstream)));
  pool->begin_checks();
  return pool;
}

void UpstreamPool::begin_checks() {
  if (upstream_->options().health_path.empty() || !upstream_->take_checks()) return;
  checks_ = true;
  for (std::size_t server = 0; server < upstream_->size(); ++server) {
    check_timers_.push_back(std::make_unique<LoopTimer>(loop_));
    asio::co_spawn(loop_, keep_checking(shared_from_this(), server), asio::detached);
  }
}

void UpstreamPool::close() noexcept {
  closed_ = true;
  if (std::exchange(checks_, false)) upstream_->give_back_checks();
  for (Side& side : sides_) side.at_rest.clear();
  sweeper_.reset();
  check_timers_.clear();
}

std::optional<std::size_t> UpstreamPool::choose(std::optional<std::size_t> avoid) {
  const auto now = steady_clock::now();
  const std::size_t count = sides_.size();
  // Rests are for passive failures, a guess: when nobody else is left, those that rest are asked.
  for (const bool also_resting : {false, true}) {
    for (const bool also_avoided : {false, true}) {
      std::optional<std::size_t> best;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = (turn_ + i) % count;
        if (!also_avoided && avoid == at) continue;
        const bool can = also_resting ? upstream_->server(at).healthy.load(std::memory_order_relaxed)
                                      : upstream_->is_available(at, now);
        if (can && (!best || sides_[at].under_way < sides_[*best].under_way)) best = at;
      }
      if (best) {
        turn_ = (*best + 1) % count;
        return best;
      }
    }
  }
  return std::nullopt;
}

std::unique_ptr<UpstreamConnection> UpstreamPool::take_at_rest(std::size_t server) {
  auto& at_rest = sides_[server].at_rest;
  const auto oldest = steady_clock::now() - upstream_->options().reuse_time_max;
  while (!at_rest.empty()) {
    auto connection = std::move(at_rest.back());
    at_rest.pop_back();
    if (connection->rests_since() < oldest) {
      at_rest.clear();  // the others rest longer still
      return nullptr;
    }
    if (connection->is_quiet()) return connection;
  }
  return nullptr;
}

asio::awaitable<bool> UpstreamPool::resolve(std::size_t server) {
  Side& side = sides_[server];
  const auto now = steady_clock::now();
  if (!side.endpoints.empty() && now - side.resolved_at < resolved_time_max) co_return true;
  const Url& url = upstream_->server(server).url;
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(url.host, not_an_address);
  if (!not_an_address) {
    side.endpoints = {tcp::endpoint(address, url.port)};
    side.resolved_at = steady_clock::time_point::max();
    co_return true;
  }
  LoopResolver resolver(loop_.get_executor());
  const auto [error, found] = co_await resolver.async_resolve(url.host, std::to_string(url.port), awaited);
  if (error) co_return !side.endpoints.empty();  // what was true a while ago is better than nothing
  side.endpoints.clear();
  for (const auto& entry : found) side.endpoints.push_back(entry.endpoint());
  side.resolved_at = steady_clock::now();
  co_return !side.endpoints.empty();
}

asio::awaitable<std::expected<std::unique_ptr<UpstreamConnection>, UpstreamError>> UpstreamPool::connect(
    std::size_t server) {
  if (!co_await resolve(server)) {
    upstream_->tell_unreachable(server, "its name has no address", steady_clock::now());
    co_return std::unexpected(UpstreamError::not_connected);
  }
  auto connection = std::make_unique<UpstreamConnection>(loop_, *upstream_, server, watched_, stock_);
  arm_sweeper();
  const auto endpoints = sides_[server].endpoints;
  const auto connected = co_await connection->connect(endpoints);
  if (!connected) {
    if (connected.error() != UpstreamError::cancelled)
      upstream_->tell_unreachable(server, connection->fault(), steady_clock::now());
    co_return std::unexpected(connected.error());
  }
  co_return connection;
}

asio::awaitable<std::expected<UpstreamPool::Lease, UpstreamError>> UpstreamPool::lease(
    std::optional<std::size_t>& avoid, bool fresh) {
  const auto chosen = choose(avoid);
  avoid = chosen;
  if (!chosen) co_return std::unexpected(UpstreamError::none_available);
  Side& side = sides_[*chosen];
  if (side.under_way >= upstream_->options().connections_max) co_return std::unexpected(UpstreamError::too_many);
  if (!fresh) {
    if (auto kept = take_at_rest(*chosen)) {
      ++side.under_way;
      arm_sweeper();
      co_return Lease(*this, std::move(kept), true);
    }
  }
  ++side.under_way;
  auto opened = co_await connect(*chosen);
  if (opened) co_return Lease(*this, std::move(*opened), false);
  --side.under_way;
  if (opened.error() != UpstreamError::cancelled) upstream_->note_failure(*chosen, steady_clock::now());
  co_return std::unexpected(opened.error());
}

void UpstreamPool::arm_sweeper() {
  if (closed_ || std::exchange(sweeping_, true)) return;
  sweeper_->expires_after(sweep_time);
  sweeper_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const std::shared_ptr<UpstreamPool> pool = weak.lock();
    if (!pool) return;
    pool->sweeping_ = false;
    if (!error && !pool->closed_) pool->sweep();
  });
}

void UpstreamPool::sweep() {
  const auto now = steady_clock::now();
  const auto oldest = now - upstream_->options().reuse_time_max;
  for (Side& side : sides_) {
    while (!side.at_rest.empty() && side.at_rest.front()->rests_since() < oldest) side.at_rest.pop_front();
  }
  for (UpstreamConnection* const connection : watched_) connection->check_time(now);
  if (!watched_.empty()) arm_sweeper();
}

asio::awaitable<bool> UpstreamPool::check(std::size_t server) {
  const UpstreamOptions& options = upstream_->options();
  auto opened = co_await connect(server);
  if (!opened) co_return false;
  UpstreamConnection& connection = **opened;
  const std::string head = "GET " + options.health_path + " HTTP/1.1\r\nHost: " + upstream_->server(server).authority +
                           "\r\nUser-Agent: jeton\r\nConnection: close\r\n\r\n";
  if (!co_await connection.write(head)) co_return false;
  connection.expect_answer_within(options.health_time_max);
  const auto answer = co_await connection.read_head(false);
  co_return answer && answer->response.status >= 200 && answer->response.status < 400;
}

asio::awaitable<void> UpstreamPool::keep_checking(std::shared_ptr<UpstreamPool> pool, std::size_t server) {
  unsigned failures = 0;
  Upstream& upstream = *pool->upstream_;
  Upstream::Server& state = upstream.server(server);
  while (!pool->closed_ && !upstream.is_retired()) {
    bool good = false;
    try {
      good = co_await pool->check(server);
    } catch (const std::exception& error) {
      platform::log_error("health check failed", {{"upstream", upstream.options().name}, {"what", error.what()}});
    }
    failures = good ? 0 : failures + 1;
    const bool healthy = good || (failures < upstream.options().health_failures_max && state.healthy.load());
    if (state.healthy.exchange(healthy) != healthy) {
      platform::log_warning(healthy ? "upstream server is back" : "upstream server is down",
                            {{"upstream", upstream.options().name}, {"server", state.authority}});
    }
    if (pool->closed_) co_return;
    pool->check_timers_[server]->expires_after(upstream.options().health_interval);
    co_await pool->check_timers_[server]->async_wait(awaited);
  }
}

}  // namespace jeton::http
