#include "http/server.h"

#include "http/connection.h"
#include "http/listener.h"
#include "http/response_writer.h"
#include "http/server_tls.h"
#include "platform/log.h"
#include "platform/process.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using LoopExecutor = asio::io_context::executor_type;
using Acceptor = asio::basic_socket_acceptor<tcp, LoopExecutor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds accept_retry_time{50};
constexpr std::chrono::seconds accept_warning_interval{10};
constexpr std::size_t other_files_max = 256;  // data base, logs, the listening sockets themselves
constexpr std::size_t refusals_max = 256;     // per loop, connections that are being told 503 at one time

// One event loop: its listening socket, its connections, and the timer that keeps their deadlines.
class Loop {
 public:
  Loop(Descriptor listener, bool is_ipv6, const ServerOptions& options, const Router& router, const Observer& observer,
       const StreamServiceFactory& streams, std::atomic<std::size_t>& served)
      : neighbours_{options, router, observer},
        served_(served),
        acceptor_(io_, is_ipv6 ? tcp::v6() : tcp::v4(), listener.get()),
        sweeper_(io_),
        accept_pause_(io_),
        certificate_check_(io_) {
    listener.release();
    acceptor_.non_blocking(true);
    if (streams) streams_ = streams(io_);
    neighbours_.streams = streams_.get();
  }

  ~Loop() {
    is_going_ = true;
    if (streams_) streams_->close();
  }

  void run();
  // Before run, of one loop: a renewed certificate is loaded by itself.
  void keep_certificate(ServerTls& tls) { asio::co_spawn(io_, reload_when_changed(tls), asio::detached); }
  // From any thread.
  void stop() noexcept;
  void trust(TrustedProxies proxies) {
    asio::post(io_, [this, trusted = std::move(proxies)]() mutable {
      neighbours_.trusted_proxies = std::move(trusted);
      ++neighbours_.trust_generation;
    });
  }

 private:
  // One connection's place among those that are served, or only told 503; kept by whoever serves it, and given back
  // also where its coroutine ends for want of memory.
  class Place {
   public:
    Place(Loop& loop, bool too_many) : loop_(&loop), too_many_(too_many) { loop.count(too_many); }
    Place(Place&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), too_many_(other.too_many_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (loop_ != nullptr) loop_->uncount(too_many_);
    }
    bool too_many() const { return too_many_; }

   private:
    Loop* loop_;
    bool too_many_;
  };

  void begin_to_accept();
  void count(bool too_many);
  void uncount(bool too_many);
  asio::awaitable<void> accept_all();
  asio::awaitable<void> reload_when_changed(ServerTls& tls);
  void warn_of_accept(const boost::system::error_code& error);
  void take(LoopSocket socket);
  static asio::awaitable<void> serve(Loop& loop, LoopSocket socket, Place place);
  asio::awaitable<void> converse(LoopSocket socket, bool too_many);
  void begin_to_stop();
  void accept_what_waits();
  void end_if_done();
  void arm_sweeper();
  void sweep();

  Neighbours neighbours_;                   // outlives the coroutines, which die with io_
  std::unique_ptr<StreamService> streams_;  // likewise
  std::atomic<std::size_t>& served_;        // connections of all loops, but for those that are only told 503
  std::size_t refused_ = 0;                 // connections of this loop that are only told 503
  std::size_t live_ = 0;                    // coroutines of this loop that serve or refuse
  Deadline drain_deadline_ = Deadline::max();
  Deadline next_accept_warning_ = Deadline::min();
  bool sweeping_ = false;
  bool accepting_ = false;
  bool is_going_ = false;
  asio::io_context io_{1};
  Acceptor acceptor_;
  Timer sweeper_;
  Timer accept_pause_;
  Timer certificate_check_;
};

// What there was no memory for has ended; everything else goes on, and accepting begins anew. A coroutine that ends so
// is not gone when the exception arrives here: Asio destroys it by a handler of its own. So what is ready is done
// first, and then it is known whether anybody still accepts.
void Loop::run() {
  const auto staying = asio::make_work_guard(io_);
  bool must_look = false;
  for (;;) {
    try {
      if (std::exchange(must_look, false)) io_.poll();
      if (io_.stopped()) return;
      begin_to_accept();
      io_.run();
      return;
    } catch (const std::bad_alloc&) {
      must_look = true;
    }
  }
}

// Marked here, not when it begins to run: memory may end in between, and two must never accept.
void Loop::begin_to_accept() {
  if (accepting_ || !acceptor_.is_open()) return;
  asio::co_spawn(io_, accept_all(), asio::detached);
  accepting_ = true;
}

asio::awaitable<void> Loop::accept_all() {
  struct Mark {
    bool& accepting;
    ~Mark() { accepting = false; }
  };
  const Mark mark{accepting_};
  bool must_wait = false;
  while (acceptor_.is_open()) {
    try {
      if (std::exchange(must_wait, false)) {
        accept_pause_.expires_after(accept_retry_time);
        co_await accept_pause_.async_wait(awaited);
        continue;
      }
      auto [error, socket] = co_await acceptor_.async_accept(awaited);
      if (!error) {
        take(std::move(socket));
      } else if (error == asio::error::operation_aborted) {
        break;
      } else if (error != asio::error::connection_aborted) {
        // Out of descriptors or memory: those that are open must end first.
        must_wait = true;
        warn_of_accept(error);
      }
    } catch (const std::bad_alloc&) {
      must_wait = true;
    }
  }
}

asio::awaitable<void> Loop::reload_when_changed(ServerTls& tls) {
  while (!neighbours_.stopping) {
    certificate_check_.expires_after(neighbours_.options.tls_check_interval);
    if (const auto [cancelled] = co_await certificate_check_.async_wait(awaited); cancelled) co_return;
    if (const auto reloaded = tls.reload_if_changed(); !reloaded)
      platform::log_error("certificate was not reloaded", {{"what", reloaded.error().text()}});
    else if (*reloaded)
      platform::log_info("certificate reloaded");
  }
}

void Loop::warn_of_accept(const boost::system::error_code& error) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_accept_warning_) return;
  next_accept_warning_ = now + accept_warning_interval;
  platform::log_warning("cannot accept a connection", {{"what", error.message()}});
}

void Loop::take(LoopSocket socket) {
  const bool too_many = served_.load(std::memory_order_relaxed) >= neighbours_.options.connections_max;
  if (too_many && refused_ >= refusals_max) return;  // closes it: even saying no has a limit
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  asio::co_spawn(io_, serve(*this, std::move(socket), Place(*this, too_many)), asio::detached);
  arm_sweeper();
}

void Loop::count(bool too_many) {
  if (too_many)
    ++refused_;
  else
    served_.fetch_add(1, std::memory_order_relaxed);
  ++live_;
}

void Loop::uncount(bool too_many) {
  if (too_many)
    --refused_;
  else
    served_.fetch_sub(1, std::memory_order_relaxed);
  --live_;
  end_if_done();
}

asio::awaitable<void> Loop::serve(Loop& loop, LoopSocket socket, Place place) {
  try {
    co_await loop.converse(std::move(socket), place.too_many());
  } catch (const std::exception& error) {
    platform::log_error("connection failed", {{"what", error.what()}});
  }
}

asio::awaitable<void> Loop::converse(LoopSocket socket, bool too_many) {
  boost::system::error_code gone;
  const tcp::endpoint peer = socket.remote_endpoint(gone);
  if (gone) co_return;
  asio::ip::address address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  Connection connection(std::move(socket), address.to_string(), neighbours_);
  const auto& tls = neighbours_.options.tls;
  if (too_many) {
    if (!tls) co_await connection.refuse_as_busy();  // a handshake is more than somebody turned away may cost
  } else if (!tls || co_await connection.begin_tls(tls->current())) {
    co_await connection.serve();
  }
}

void Loop::stop() noexcept try {
  asio::post(io_, [this] { begin_to_stop(); });
} catch (...) {
  io_.stop();  // no memory even for that: end without draining
}

void Loop::begin_to_stop() {
  if (neighbours_.stopping) return;
  neighbours_.stopping = true;
  drain_deadline_ = std::chrono::steady_clock::now() + neighbours_.options.drain_time_max;
  accept_what_waits();
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_pause_.cancel();
  if (streams_) streams_->stop();
  for (Connection* const connection : neighbours_.open) connection->stop();
  arm_sweeper();
  end_if_done();
}

// Connections that the kernel has already completed would be reset by closing the listening socket.
void Loop::accept_what_waits() {
  while (true) {
    boost::system::error_code error;
    LoopSocket socket(io_.get_executor());
    acceptor_.accept(socket, error);
    if (error) return;
    take(std::move(socket));
  }
}

void Loop::end_if_done() {
  if (neighbours_.stopping && live_ == 0 && !is_going_) io_.stop();
}

void Loop::arm_sweeper() {
  if (std::exchange(sweeping_, true)) return;
  neighbours_.swept_at = std::chrono::steady_clock::now();
  try {
    sweeper_.expires_after(sweep_interval);
    sweeper_.async_wait([this](const boost::system::error_code& error) {
      sweeping_ = false;
      if (!error) sweep();
    });
  } catch (const std::bad_alloc&) {  // the next connection arms it
    sweeping_ = false;
    throw;
  }
}

void Loop::sweep() {
  const auto now = std::chrono::steady_clock::now();
  neighbours_.swept_at = now;
  if (now >= drain_deadline_) {
    platform::log_warning("stopped with answers under way", {{"connections", neighbours_.open.size()}});
    io_.stop();
    return;
  }
  for (Connection* const connection : neighbours_.open) connection->check_time(now);
  if (neighbours_.stopping || live_ != 0) arm_sweeper();
}

}  // namespace

struct Server::State {
  ServerOptions options;
  Router router;
  Observer observer;
  std::uint16_t port = 0;
  std::atomic<std::size_t> served = 0;
  std::vector<std::unique_ptr<Loop>> loops;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

platform::Outcome<std::unique_ptr<Server>> Server::listen(ServerOptions options, Router router, Observer observer,
                                                          StreamServiceFactory streams) {
  const unsigned threads = std::max(options.threads, 1U);
  auto listeners = open_listeners(options.host, options.port, threads);
  if (!listeners) return std::unexpected(std::move(listeners.error()));
  const std::size_t files_wanted = options.connections_max + other_files_max;
  if (const std::size_t files = platform::raise_open_files_limit(files_wanted); files < files_wanted) {
    platform::log_warning("fewer open files are allowed than connections_max needs",
                          {{"allowed", files}, {"wanted", files_wanted}});
  }
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->router = std::move(router);
  state->observer = std::move(observer);
  state->port = listeners->port;
  for (Descriptor& socket : listeners->sockets) {
    state->loops.push_back(std::make_unique<Loop>(std::move(socket), listeners->is_ipv6, state->options, state->router,
                                                  state->observer, streams, state->served));
  }
  if (state->options.tls) state->loops.front()->keep_certificate(*state->options.tls);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const noexcept { return state_->port; }

void Server::trust(const TrustedProxies& proxies) {
  for (const auto& loop : state_->loops) loop->trust(proxies);
}

void Server::run() {
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < state_->loops.size(); ++i) {
    others.emplace_back([loop = state_->loops[i].get()] { loop->run(); });
  }
  state_->loops.front()->run();
}

void Server::stop() noexcept {
  for (const auto& loop : state_->loops) loop->stop();
}

}  // namespace jeton::http
