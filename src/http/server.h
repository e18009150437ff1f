// Server: HTTP/1.1 on one address, one event loop per thread, each with its own listening socket (SO_REUSEPORT, after
// a plain bind has shown that the address is free).
//
// It refuses what is ambiguous before any handler sees it: Transfer-Encoding beside Content-Length, unknown codings,
// doubled Content-Length or Host, folded lines, bare LF: 400 and close. Everything has a limit: 408, 413, 431, 503.
#pragma once

#include "http/forwarded.h"
#include "http/head_view.h"
#include "http/router.h"
#include "http/stream_limits.h"
#include "platform/fault.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace jeton::http {

class ServerTls;      // http/server_tls.h
class StreamService;  // http/stream_exchange.h

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  unsigned threads = 1;
  std::size_t connections_max = 10'000;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
  std::chrono::seconds header_time_max{10};
  std::chrono::seconds body_time_max{10};
  std::chrono::seconds idle_time_max{60};
  std::chrono::seconds stream_write_time_max{10};        // for one piece of a streamed answer
  std::chrono::seconds drain_time_max{10};               // for answers under way when stopping
  TrustedProxies trusted_proxies{};                      // whose X-Forwarded-* are believed
  PathReading paths = PathReading::strict;               // raw: for a handler that has a reading of its own
  StreamLimits stream{};                                 // for a StreamService
  std::shared_ptr<ServerTls> tls{};                      // none: plain HTTP
  std::chrono::milliseconds tls_check_interval{10'000};  // how often its files are looked at, to be loaded anew
};

// Told of every request that was answered, refused ones too (their Request may lack everything but peer_address and
// id). Called on the event loops' threads, on several at once; must not block.
struct Exchange {
  const Request& request;
  const Response& response;
  std::chrono::microseconds duration;
};
using Observer = std::function<void(const Exchange&)>;

// Makes what answers the requests of one event loop, all of them, instead of the router; called once for each loop,
// before it runs.
using StreamServiceFactory = std::function<std::unique_ptr<StreamService>(boost::asio::io_context& loop)>;

class Server {
 public:
  // Binds and listens. The Fault names the address and, where it can be found out, the process that holds it.
  static platform::Outcome<std::unique_ptr<Server>> listen(ServerOptions options, Router router, Observer observer = {},
                                                           StreamServiceFactory streams = {});
  // After run() has returned. Handlers that were still waiting when drain_time_max passed end here, unanswered; so
  // whatever completes their waits from other threads must have ended before.
  ~Server();

  std::uint16_t port() const noexcept;
  // In place of options.trusted_proxies, on connections that exist too: soon, and never in the midst of a request.
  void trust(const TrustedProxies& proxies);
  // Serves until stop(); returns when all answers under way are finished or drain_time_max has passed.
  void run();
  // From any thread or a signal handler's thread. Idempotent.
  void stop() noexcept;

  struct State;  // in server.cc

 private:
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jeton::http
