// StreamExchange: one request whose head has been read and whose body has not, and the way back to whoever sent it: for
// handlers that pass both bodies on piece by piece and hold neither (a proxy). StreamService is such a handler.
//
// The body is handed over decoded, the answer is framed here: a handler never sees or writes a length, a chunk or a
// Connection field, so that it cannot disagree with the connection about where a message ends.
//
// Threads: all on the connection's event loop. read_body and the writing of the answer may be under way together, each
// once.
#pragma once

#include "http/chunk_reader.h"
#include "http/request_head.h"
#include "http/stream_limits.h"
#include "http/transport.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jeton::http {

// How long an answer is. `unknown`: chunks, or to HTTP/1.0 until the connection closes.
struct AnswerLength {
  enum class Kind : std::uint8_t { none, counted, unknown };
  Kind kind = Kind::none;
  std::uint64_t bytes = 0;  // when counted
};

class StreamExchange {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  // `input` holds what has been received beyond the head; what is read too far is left there.
  StreamExchange(Transport& transport, std::string& input, const RequestHead& head, const StreamLimits& limits,
                 const bool& stopping);
  StreamExchange(const StreamExchange&) = delete;
  StreamExchange& operator=(const StreamExchange&) = delete;

  const RequestHead& head() const noexcept { return head_; }
  const Request& request() const noexcept { return head_.request; }
  const StreamLimits& limits() const noexcept { return limits_; }
  boost::asio::io_context::executor_type executor() noexcept { return transport_.get_executor(); }
  bool stopping() const noexcept { return stopping_; }
  // Called when the server begins to stop; what would last for ever is to end then.
  void on_stop(std::function<void()> call) { on_stop_ = std::move(call); }

  // Lets a client go on that waits for 100 (Continue). Before the first read_body, and not beside the writing of an
  // answer. False: the client is gone.
  boost::asio::awaitable<bool> invite_body();
  // The next piece of the body, decoded, valid until the next call; empty at its end. Refusal: the body is malformed,
  // too large (413), too slow (408), or its sender is gone (status 0); nothing can be read then.
  boost::asio::awaitable<std::expected<std::string_view, Refusal>> read_body();
  // The whole body has been read, or there is none.
  bool body_ended() const noexcept { return body_ended_; }
  // The whole body has been received already, and is no longer than a piece: read_body will give it without waiting.
  bool body_is_here() const noexcept;
  // How long it is, if body_is_here; of chunks what they hold.
  std::uint64_t bytes_here() const noexcept;
  // The reading under way ends; what it read stays.
  void stop_reading() noexcept;

  // An answer that is known whole. False: the client is gone.
  boost::asio::awaitable<bool> answer(const Response& response);
  // An interim answer (1xx but 100 and 101); not told to HTTP/1.0.
  boost::asio::awaitable<bool> interim(const Response& response);
  // An answer piece by piece: begin, any number of pieces, end. `response` gives status and fields. `at_hand`: the
  // first piece, or the end, follows without a wait; the head then travels with it. `last`: so does the end with this
  // piece.
  boost::asio::awaitable<bool> begin_answer(const Response& response, AnswerLength length, bool at_hand = false);
  boost::asio::awaitable<bool> write_piece(std::string_view piece, bool last = false);
  boost::asio::awaitable<bool> end_answer();
  bool answer_begun() const noexcept { return answer_begun_; }
  // A head that still waits for its first piece is forgotten, so that another answer can be begun. False: it is sent.
  bool take_back_answer() noexcept;
  int status() const noexcept { return status_; }
  std::uint64_t bytes_out() const noexcept { return bytes_out_; }  // of the answer's body
  std::uint64_t bytes_in() const noexcept { return bytes_in_; }    // of the request's body

  // 101 (Switching Protocols): after it the connection carries bytes as they are and then closes.
  boost::asio::awaitable<bool> begin_tunnel(const Response& response);
  boost::asio::awaitable<std::size_t> read_tunnel(std::span<char> into);  // 0: ended
  boost::asio::awaitable<bool> write_tunnel(std::string_view bytes);
  void end_tunnel_writing() noexcept { transport_.shutdown_send(); }
  void end_tunnel_within(std::chrono::milliseconds time) noexcept;  // from now on, whatever still comes
  // The same, and of writing too: for who is not to have more.
  void end_within(std::chrono::milliseconds time) noexcept;
  // What is under way fails, and the connection is reset when the exchange ends.
  void abort() noexcept;

  // For the connection, first of all: takes apart what has been received of a chunked body with its head, so that a
  // malformed one is refused before anybody has heard of the request.
  std::expected<void, Refusal> decode_arrived();
  // For the connection: whether the answer is whole, and whether another request may follow it.
  bool answered() const noexcept { return answer_ended_; }
  bool stays_open() const noexcept { return answer_ended_ && keep_alive_ && body_ended_ && !tunnel_; }
  bool is_tunnel() const noexcept { return tunnel_; }
  void check_time(Deadline now) noexcept;
  void stop() noexcept;

 private:
  enum class Got : std::uint8_t { bytes, time_over, ended, lost };
  boost::asio::awaitable<Got> receive(boost::asio::mutable_buffer into, std::size_t& size);
  boost::asio::awaitable<std::expected<std::string_view, Refusal>> read_counted();
  boost::asio::awaitable<std::expected<std::string_view, Refusal>> read_chunked();
  template <class Buffers>
  boost::asio::awaitable<bool> write(const Buffers& buffers);
  boost::asio::awaitable<bool> write_text(std::string_view text);
  std::chrono::milliseconds read_time_left() const noexcept;
  Deadline tunnel_read_deadline() const noexcept;
  bool with_body() const noexcept { return head_.request.method != Method::head; }

  Transport& transport_;
  std::string& input_;
  const RequestHead& head_;
  const StreamLimits& limits_;
  const bool& stopping_;
  std::function<void()> on_stop_;
  std::string piece_;
  std::string held_head_;  // of the answer, to travel with what follows
  std::optional<ChunkReader> chunks_;
  std::uint64_t body_left_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  std::uint64_t answer_left_ = 0;
  std::chrono::steady_clock::duration waited_{0};  // for the body
  Deadline read_deadline_ = Deadline::max();
  Deadline write_deadline_ = Deadline::max();
  Deadline tunnel_deadline_ = Deadline::max();
  Deadline write_end_ = Deadline::max();  // of all writing
  int status_ = 0;
  AnswerLength::Kind answer_kind_ = AnswerLength::Kind::none;
  bool body_ended_ = false;
  bool piece_waits_ = false;  // decoded, not yet read
  bool read_stopped_ = false;
  bool read_time_over_ = false;
  bool lost_ = false;
  bool answer_begun_ = false;
  bool answer_ended_ = false;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool last_written_ = false;
  bool tunnel_ = false;
};

// Answers requests of one event loop; made for each by a StreamServiceFactory (http/server.h).
class StreamService {
 public:
  virtual ~StreamService() = default;
  // Answers one request. A connection whose answer was begun and not ended is reset, one without an answer closed.
  // The exchange outlives the coroutine; when the coroutine has ended, nothing of it may be under way.
  virtual boost::asio::awaitable<void> serve(StreamExchange& exchange) = 0;
  // The server begins to stop: exchanges under way go on.
  virtual void stop() noexcept {}
  // The loop ends: whatever belongs to it (sockets, timers) is given up. Exchanges that are still under way end after
  // it, by the end of their coroutines.
  virtual void close() noexcept {}
};
}  // namespace jeton::http
