// UpstreamConnection: one connection to a server of an Upstream, on one event loop: requests are written and answers
// read, strictly (http/response_head.h), one after another.
//
// Times are deadlines that its pool's sweeper looks at several times a second. Threads: its loop's. One read and one
// write may be under way together.
#pragma once

#include "http/buffer_stock.h"
#include "http/chunk_reader.h"
#include "http/response_head.h"
#include "http/transport.h"
#include "http/upstream.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace jeton::http {

class UpstreamConnection {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  // `watched`: whose deadlines the sweeper looks at; this one is among them for as long as it lives.
  UpstreamConnection(boost::asio::io_context& loop, Upstream& upstream, std::size_t server,
                     std::unordered_set<UpstreamConnection*>& watched, BufferStock& stock);
  ~UpstreamConnection() {
    watched_.erase(this);
    stock_.give(std::move(buffer_));
  }
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  std::size_t server() const noexcept { return server_; }

  // The first of the addresses that takes it, with the handshake where there is one, within connect_time_max.
  boost::asio::awaitable<std::expected<void, UpstreamError>> connect(const Endpoints& endpoints);

  // Room for the text of a request's head, kept from one to the next.
  std::string& head_room() noexcept { return head_room_; }
  // Writing; false: the server does not take it, for whatever reason. There may still be an answer to read.
  boost::asio::awaitable<bool> write(std::string_view head, std::string_view body = {});
  boost::asio::awaitable<bool> write_chunk(std::string_view piece);  // an empty one ends the body

  // The time until the answer's first byte begins to run now, or is stopped; also of a read under way.
  void expect_answer_within(std::chrono::milliseconds time) noexcept;
  // The next head, an interim one too.
  boost::asio::awaitable<std::expected<ResponseHead, UpstreamError>> read_head(bool to_head);
  // The next piece of the body, decoded, valid until the next call; empty at its end.
  boost::asio::awaitable<std::expected<std::string_view, UpstreamError>> read_body();
  void set_idle_time_max(std::chrono::milliseconds time) noexcept { idle_time_max_ = time; }
  // Some of the body has been received: read_body will not wait.
  bool has_body_bytes() const noexcept { return !input_.empty(); }
  bool body_ended() const noexcept { return body_ended_; }
  // Anything has been received of the answer that is being waited for.
  bool has_received() const noexcept { return received_; }
  // What is wrong with the answer, for the log; static text.
  std::string_view fault() const noexcept { return fault_; }

  // After 101: bytes as they are. 0: ended.
  boost::asio::awaitable<std::size_t> read_tunnel(std::span<char> into);
  boost::asio::awaitable<bool> write_tunnel(std::string_view bytes) { return write(bytes); }
  void end_tunnel_writing() noexcept { transport_.shutdown_send(); }
  void end_tunnel_within(std::chrono::milliseconds time) noexcept;  // from now on, whatever still comes

  // What is under way ends, with `cancelled`; nothing more can be done with it.
  void cancel() noexcept;
  // The last answer was read to its end, and the server neither ends the connection nor has said more than that.
  bool can_be_kept() const noexcept;
  // At rest: nothing has come that nobody asked for, and the server has not closed it.
  bool is_quiet() noexcept;
  void rest_from(Deadline now) noexcept;  // and gives back what it holds for a body
  Deadline rests_since() const noexcept { return rests_since_; }
  void check_time(Deadline now) noexcept;

 private:
  boost::asio::awaitable<std::expected<std::size_t, UpstreamError>> receive(boost::asio::mutable_buffer into);
  boost::asio::awaitable<std::expected<std::string_view, UpstreamError>> read_plain();
  boost::asio::awaitable<std::expected<std::string_view, UpstreamError>> read_chunked();
  boost::asio::awaitable<std::expected<void, UpstreamError>> connect_to(const boost::asio::ip::tcp::endpoint& endpoint);
  template <class Buffers>
  boost::asio::awaitable<bool> write_all(Buffers buffers);
  std::unexpected<UpstreamError> malformed(std::string_view why);
  std::span<char> buffer();

  Upstream& upstream_;
  const std::size_t server_;
  std::unordered_set<UpstreamConnection*>& watched_;
  BufferStock& stock_;
  Transport transport_;
  std::string input_;               // received, not yet consumed
  std::unique_ptr<char[]> buffer_;  // for a body's pieces, while there is one
  std::string head_room_;
  std::string piece_;  // of a chunked body
  std::optional<ChunkReader> chunks_;
  ResponseHead::Framing framing_ = ResponseHead::Framing::none;
  std::uint64_t body_left_ = 0;
  std::chrono::milliseconds idle_time_max_;
  Deadline read_deadline_ = Deadline::max();
  Deadline write_deadline_ = Deadline::max();
  Deadline answer_deadline_ = Deadline::max();
  Deadline tunnel_deadline_ = Deadline::max();
  Deadline rests_since_ = Deadline::min();
  std::string fault_;
  bool waiting_for_head_ = false;
  bool received_ = false;
  bool head_read_ = false;
  bool body_ended_ = false;
  bool keep_alive_ = false;
  bool time_over_ = false;
  bool cancelled_ = false;
  bool write_failed_ = false;
};

}  // namespace jeton::http
