// Connection: one accepted socket, from its first byte to its close: reads requests one after another, has each
// answered, writes the answers in order. It lives on one event loop and is touched by that loop's thread alone.
//
// Time limits are deadlines that the loop's Sweeper compares with the clock several times a second, which costs a
// request nothing; so a limit is kept to within sweep_interval.
#pragma once

#include "http/body_stream.h"
#include "http/request_head.h"
#include "http/router.h"
#include "http/server.h"
#include "http/stream_exchange.h"
#include "http/transport.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace jeton::http {

using Deadline = std::chrono::steady_clock::time_point;

inline constexpr std::chrono::milliseconds sweep_interval{100};
inline constexpr std::size_t idle_input_bytes_max = 16 * 1024;  // more is given back to the system between requests

class Connection;

// What the connections of one event loop share with each other and with the server.
struct Neighbours {
  const ServerOptions& options;
  const Router& router;
  const Observer& observer;
  StreamService* streams = nullptr;  // answers every request instead of the router, if there is one
  std::unordered_set<Connection*> open{};
  TrustedProxies trusted_proxies = options.trusted_proxies;  // of now
  std::uint64_t trust_generation = 0;                        // changes with them
  bool stopping = false;
  Deadline swept_at = std::chrono::steady_clock::now();  // within sweep_interval of now while connections are open
  HeadView head{};                                       // of the request being read; for one call, never across a wait
  std::string answers{};                                 // written by inline handlers, not yet sent; likewise
};

class Connection {
 public:
  Connection(LoopSocket socket, std::string peer_address, Neighbours& neighbours);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Before serve: the handshake, within header_time_max. False: there is nobody to talk to.
  boost::asio::awaitable<bool> begin_tls(TlsContext context);
  // Serves until either side closes. The object must outlive the coroutine.
  boost::asio::awaitable<void> serve();
  // Says 503 and closes; for connections beyond connections_max.
  boost::asio::awaitable<void> refuse_as_busy();

  // From the sweeper: ends the read or write under way when its time is over.
  void check_time(Deadline now) noexcept;
  // The server is stopping: an idle connection closes at once, any other after the answer under way.
  void stop() noexcept;

 private:
  enum class Phase : std::uint8_t { fresh, idle, head, body, answering, writing, streaming, relaying, lingering };
  enum class ReadResult : std::uint8_t { bytes, time_over, ended, lost };

  boost::asio::awaitable<ReadResult> read_some();
  // What has become of the requests in input_ that an inline handler could answer.
  enum class AtOnce : std::uint8_t {
    all,       // answered, and nothing is left
    partial,   // the next one is not whole, or not good
    declined,  // the next one is for the router
    later,     // the next one has an answer that has to be waited for: late_
    closing,   // answered, and the last of them ends the connection
  };
  AtOnce take_at_once();
  bool answer_inline(const InlineRequest& request, InlineAnswer& answer) const;
  boost::asio::awaitable<bool> answer_late();
  std::string send_at_once();
  boost::asio::awaitable<bool> answer_at_once();
  // Answers inline as bytes arrive (connection_lane.cc); then step_, unsent_ and lost_ say how it ended.
  template <class Handler>
  struct Lane;
  boost::asio::awaitable<void> ride();
  bool goes_on(const boost::system::error_code& error, std::size_t size);
  void rest_after() noexcept;
  // Until input_ begins with a whole head; its size.
  boost::asio::awaitable<std::expected<std::size_t, Refusal>> await_head();
  std::expected<RequestHead, Refusal> take_head(std::size_t size);
  boost::asio::awaitable<std::expected<void, Refusal>> read_body(RequestHead& head);
  boost::asio::awaitable<std::expected<void, Refusal>> read_counted(std::string& body, std::size_t size);
  boost::asio::awaitable<std::expected<void, Refusal>> read_chunked(std::string& body);
  boost::asio::awaitable<bool> answer(RequestHead& head);
  boost::asio::awaitable<void> refuse(Refusal refusal, Request& request);
  boost::asio::awaitable<bool> write(const Response& response, std::string head, bool with_body);
  boost::asio::awaitable<bool> write_text(std::string_view text);
  boost::asio::awaitable<void> stream_answer(const Request& request, const Response& response, bool http_1_0);
  boost::asio::awaitable<bool> relay(const RequestHead& head);
  boost::asio::awaitable<void> serve_stream(StreamExchange& exchange);
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<void> end_tls();
  Refusal refusal_of(ReadResult result, std::string_view when_slow) const noexcept;
  bool rest();
  bool peer_is_trusted();
  void look_at_peer();
  void begin(Phase phase, std::chrono::milliseconds time_max) noexcept;
  void close() noexcept;
  std::string_view next_id(std::array<char, 40>& text) const noexcept;
  void identify(Request& request);
  void report(const Request& request, const Response& response) const noexcept;

  Transport transport_;
  std::string peer_address_;
  std::string id_;  // of the connection; requests are numbered
  std::uint64_t requests_ = 0;
  bool peer_is_trusted_ = false;
  std::uint64_t trust_generation_ = 0;  // in which it was looked at
  Neighbours& neighbours_;
  std::string input_;  // received, not yet consumed
  std::array<char, 4096> chunk_;
  Deadline deadline_ = Deadline::max();
  Deadline request_began_ = std::chrono::steady_clock::now();
  Phase phase_ = Phase::fresh;
  AtOnce step_ = AtOnce::partial;  // of inline answers
  std::string unsent_{};           // of them
  struct Late;
  std::unique_ptr<Late> late_;
  bool lost_ = false;  // while waiting for the next request
  bool timed_out_ = false;
  bool wake_to_stop_ = false;
  std::shared_ptr<BodyStream> stream_{};  // of the answer under way
  StreamExchange* exchange_ = nullptr;    // under way
};

}  // namespace jeton::http
