#include "gateway/proxy/relay.h"

#include "gateway/proxy/rewrite.h"
#include "gateway/proxy/websocket_frames.h"
#include "http/response_writer.h"
#include "platform/log.h"

#include <jeton/guard.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <utility>

namespace jeton::gateway {
namespace {

namespace asio = boost::asio;
using http::AnswerLength;
using http::ResponseHead;
using http::UpstreamConnection;
using http::UpstreamError;
using std::chrono::milliseconds;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
// A server that stops taking a body has usually said why, or is about to.
constexpr milliseconds early_answer_time_max{2'000};
// A tunnel of which one end has closed.
constexpr milliseconds tunnel_end_time_max{5'000};
// What is on its way to a client whose permit has ended, the Close frame, and the client's own.
constexpr milliseconds close_time_max{500};
constexpr unsigned interim_answers_max = 8;

std::string_view text_of(int status) noexcept {
  switch (status) {
    case 503: return "Service unavailable";
    case 504: return "Gateway timeout";
    default: return "Bad gateway";
  }
}

AnswerLength length_of(const ResponseHead& head, bool to_head) {
  using Kind = AnswerLength::Kind;
  if (head.response.status == 204 || head.response.status == 304) return {};
  if (to_head) return head.has_length ? AnswerLength{Kind::counted, head.length} : AnswerLength{};
  switch (head.framing) {
    case ResponseHead::Framing::none: return {Kind::counted, 0};
    case ResponseHead::Framing::counted: return {Kind::counted, head.body_bytes};
    case ResponseHead::Framing::chunked:
    case ResponseHead::Framing::until_close: break;
  }
  return {Kind::unknown, 0};
}

bool is_event_stream(const http::Response& response) {
  const std::string* const type = response.headers.find("Content-Type");
  constexpr std::string_view events = "text/event-stream";
  return type != nullptr && type->size() >= events.size() &&
         http::same_field_name(std::string_view(*type).substr(0, events.size()), events);
}

// Waits for another coroutine of the same loop to say that it has ended.
class Ended {
 public:
  explicit Ended(asio::io_context::executor_type loop) : timer_(loop, http::LoopTimer::time_point::max()) {}
  void set() {
    set_ = true;
    timer_.cancel();
  }
  bool is_set() const noexcept { return set_; }
  asio::awaitable<void> wait() {
    while (!set_) co_await timer_.async_wait(awaited);
  }

 private:
  http::LoopTimer timer_;
  bool set_ = false;
};

}  // namespace

struct Relay::Upload {
  explicit Upload(asio::io_context::executor_type loop) : ended(loop) {}
  Ended ended;
  std::optional<http::Refusal> refusal;  // of the client's body
  bool complete = false;                 // all of it was sent
};

asio::awaitable<void> Relay::answer(int status, std::string_view error) {
  if (client_.answer_begun()) co_return;
  http::Response response = http::error_response(status, error);
  response.headers.add("X-Request-Id", trace_.request_id);
  if (forward_.cors) add_cors(*forward_.cors, response);
  co_await client_.answer(response);
}

asio::awaitable<void> Relay::give_up(UpstreamError error) {
  error_ = error;
  const int status = http::status_of(error);
  co_await answer(status, text_of(status));
}

void Relay::log_malformed(const UpstreamConnection& server) const {
  platform::log_warning(
      "malformed answer of an upstream",
      {{"upstream", pool_.upstream().options().name}, {"request", trace_.request_id}, {"what", server.fault()}});
}

asio::awaitable<void> Relay::answer_client_fault(const http::Refusal& refusal) {
  if (refusal.status != 0) co_await answer(refusal.status, refusal.error);
}

asio::awaitable<void> Relay::run(PermitWatch& watch) {
  watch.add(*this);
  while (co_await attempt() == Turn::again) {
  }
}

// From a timer, while the coroutines wait: each of them finds permit_ended_ when what it waits for has failed.
void Relay::end(const Error& why) noexcept {
  permit_ended_ = why;
  if (server_connection_ != nullptr) server_connection_->cancel();
  switch (stage_) {
    case RelayStage::request: break;
    case RelayStage::answer:
    case RelayStage::events: client_.abort(); break;
    case RelayStage::websocket: client_.end_within(close_time_max); break;
  }
}

asio::awaitable<void> Relay::refuse() {
  error_ = UpstreamError::cancelled;
  if (client_.answer_begun()) co_return;
  const Answer refusal = answer_for(*permit_ended_, forward_.permit->route->policy);
  http::Response response{.status = refusal.status, .body = refusal.body};
  for (const auto& [name, value] : refusal.headers) response.headers.add(name, value);
  if (forward_.cors) add_cors(*forward_.cors, response);
  response.headers.set("X-Request-Id", trace_.request_id);
  co_await client_.answer(response);
}

asio::awaitable<Relay::Turn> Relay::attempt() {
  auto lease = co_await pool_.lease(server_, fresh_);
  if (permit_ended_) {  // while it was being connected
    co_await refuse();
    co_return Turn::ended;
  }
  if (!lease) {
    const bool unsent = lease.error() == UpstreamError::not_connected;
    if (unsent && server_ && retries_++ < pool_.upstream().options().retries_max) co_return Turn::again;
    co_await give_up(lease.error());
    co_return Turn::ended;
  }
  server_connection_ = &**lease;
  const Turn turn = co_await exchange(*lease);
  server_connection_ = nullptr;
  if (turn == Turn::ended && !error_) {
    pool_.upstream().note_success(*server_);
    // A server that was asked to switch protocols and did not may still be of two minds about what comes next.
    if (!asks_for_websocket(client_.head())) lease->give_back();
  }
  co_return turn;
}

bool Relay::may_go_again(const http::UpstreamPool::Lease& lease, UpstreamError error) const noexcept {
  const http::Method method = client_.request().method;
  const bool is_safe = method == http::Method::get || method == http::Method::head || method == http::Method::options;
  return error == UpstreamError::lost && is_safe && client_.head().framing == http::BodyFraming::none &&
         !asks_for_websocket(client_.head()) && !client_.answer_begun() && !lease->has_received() &&
         retries_ < pool_.upstream().options().retries_max;
}

// The head, and with it a body that is here already. False: it could not be sent whole.
asio::awaitable<bool> Relay::send_request(UpstreamConnection& server) {
  std::optional<std::uint64_t> length;
  if (client_.head().framing == http::BodyFraming::chunked && client_.body_is_here()) length = client_.bytes_here();
  auto head = upstream_head(client_.head(), forward_, trace_, pool_.upstream().server(server.server()).authority,
                            length, std::move(server.head_room()));
  if (!head) {
    platform::log_error("request cannot be passed on", {{"request", trace_.request_id}, {"what", head.error()}});
    co_await answer(500, "Internal error");
    co_return false;
  }
  ++attempts_;
  pool_.upstream().server(server.server()).requests.fetch_add(1, std::memory_order_relaxed);
  std::string_view body;
  if (!client_.body_ended() && client_.body_is_here()) {
    if (const auto piece = co_await client_.read_body()) body = *piece;
  }
  // What a server does not take it may have answered all the same: see what it says.
  const bool taken = co_await server.write(*head, body);
  server.head_room() = std::move(*head);
  const http::UpstreamOptions& options = pool_.upstream().options();
  if (!taken || client_.body_ended())
    server.expect_answer_within(taken ? options.first_byte_time_max : early_answer_time_max);
  co_return true;
}

asio::awaitable<Relay::Turn> Relay::exchange(http::UpstreamPool::Lease& lease) {
  UpstreamConnection& server = *lease;
  server.set_idle_time_max(pool_.upstream().options().idle_time_max);
  if (!co_await send_request(server)) {
    error_ = UpstreamError::cancelled;
    co_return Turn::ended;
  }
  Upload upload(client_.executor());
  const bool uploads = !client_.body_ended();
  if (uploads) {
    if (!co_await client_.invite_body()) {
      error_ = UpstreamError::cancelled;
      co_return Turn::ended;
    }
    asio::co_spawn(client_.executor(), upload_body(*this, server, upload), asio::detached);
  } else {
    upload.complete = true;
    upload.ended.set();
  }
  Turn turn = Turn::ended;
  std::exception_ptr failed;
  try {
    turn = co_await read_answer(lease, upload);
  } catch (...) {
    failed = std::current_exception();  // the upload works on what this frame holds: it ends first
  }
  if (!upload.ended.is_set()) {  // answered before it was asked whole: neither connection can go on
    client_.stop_reading();
    server.cancel();
    co_await upload.ended.wait();
  }
  if (failed) std::rethrow_exception(failed);
  if (!upload.complete && !error_) error_ = UpstreamError::cancelled;
  co_return turn;
}

asio::awaitable<void> Relay::upload_body(Relay& relay, UpstreamConnection& server, Upload& upload) {
  const bool chunked = relay.client_.head().framing == http::BodyFraming::chunked;
  try {
    while (true) {
      const auto piece = co_await relay.client_.read_body();
      if (!piece) {
        upload.refusal = piece.error();
        server.cancel();  // wakes who reads the answer; and the request must not be taken for whole
        break;
      }
      const bool at_end = piece->empty();
      bool taken = true;
      if (!at_end) taken = chunked ? co_await server.write_chunk(*piece) : co_await server.write(*piece);
      if (taken && at_end && chunked) taken = co_await server.write("0\r\n\r\n");
      if (!taken) {
        server.expect_answer_within(early_answer_time_max);
        break;
      }
      if (at_end || (!chunked && relay.client_.body_ended())) {
        upload.complete = true;
        server.expect_answer_within(relay.pool_.upstream().options().first_byte_time_max);
        break;
      }
    }
  } catch (const std::exception& error) {
    platform::log_error("upload failed", {{"what", error.what()}});
    server.cancel();
  }
  upload.ended.set();
}

asio::awaitable<Relay::Turn> Relay::read_answer(http::UpstreamPool::Lease& lease, Upload& upload) {
  UpstreamConnection& server = *lease;
  const bool to_head = client_.request().method == http::Method::head;
  for (unsigned interim = 0;; ++interim) {
    auto head = co_await server.read_head(to_head);
    if (permit_ended_) {
      co_await refuse();
      co_return Turn::ended;
    }
    if (!head) {
      if (upload.refusal) {
        error_ = UpstreamError::cancelled;
        co_await answer_client_fault(*upload.refusal);
        co_return Turn::ended;
      }
      // That a connection which was at rest has ended says nothing of its server.
      if (!lease.reused() || lease->has_received() || head.error() != UpstreamError::lost)
        pool_.upstream().note_failure(server.server(), std::chrono::steady_clock::now());
      if (may_go_again(lease, head.error())) {
        ++retries_;
        fresh_ = true;
        co_return Turn::again;
      }
      if (head.error() == UpstreamError::malformed) log_malformed(server);
      co_await give_up(head.error());
      co_return Turn::ended;
    }
    if (head->response.status == 101 && asks_for_websocket(client_.head()) && grants_websocket(*head)) {
      co_await tunnel(server, *head);
      co_return Turn::ended;
    }
    if (!head->is_interim()) {
      co_await pass_answer(server, *head);
      co_return Turn::ended;
    }
    if (head->response.status == 101 || interim == interim_answers_max) {
      co_await give_up(UpstreamError::malformed);
      co_return Turn::ended;
    }
    // 100 answers an expectation that was ours to meet, and never went on.
    if (head->response.status != 100 && upload.ended.is_set())
      co_await client_.interim(client_answer(*head, forward_, trace_));
  }
}

asio::awaitable<void> Relay::pass_answer(UpstreamConnection& server, const ResponseHead& head) {
  const bool to_head = client_.request().method == http::Method::head;
  const bool events = is_event_stream(head.response);
  stage_ = events ? RelayStage::events : RelayStage::answer;
  if (events) {
    server.set_idle_time_max(pool_.upstream().options().event_idle_time_max);
    client_.on_stop([&server] { server.cancel(); });
    if (client_.stopping()) server.cancel();
  }
  const bool at_hand = server.has_body_bytes() || server.body_ended();
  if (!co_await client_.begin_answer(client_answer(head, forward_, trace_), length_of(head, to_head), at_hand)) {
    error_ = UpstreamError::cancelled;
    co_return;
  }
  while (true) {
    const auto piece = co_await server.read_body();
    if (permit_ended_) {
      error_ = UpstreamError::cancelled;
      break;
    }
    if (!piece) {
      error_ = piece.error();
      if (error_ == UpstreamError::malformed) log_malformed(server);
      if (error_ != UpstreamError::cancelled)
        pool_.upstream().note_failure(server.server(), std::chrono::steady_clock::now());
      // An event stream has no last event; it is ended well when we stop, and its client comes back elsewhere.
      if (client_.take_back_answer())
        co_await give_up(piece.error());
      else if (events && client_.stopping())
        co_await client_.end_answer();
      break;
    }
    if (piece->empty()) {
      if (!co_await client_.end_answer()) error_ = UpstreamError::cancelled;
      break;
    }
    const bool last = server.body_ended();
    if (!co_await client_.write_piece(*piece, last) || (last && !co_await client_.end_answer())) {
      error_ = UpstreamError::cancelled;
      break;
    }
    if (last) break;
  }
  client_.on_stop({});
}

// What the server says, until it ends or the client takes no more.
asio::awaitable<void> Relay::pour_down(UpstreamConnection& server, std::exception_ptr& failed) {
  try {
    WebSocketFrames frames;
    std::array<char, 16 * 1024> buffer;
    while (!permit_ended_) {
      const std::size_t size = co_await server.read_tunnel(buffer);
      if (size == 0 || permit_ended_) break;
      const std::string_view bytes(buffer.data(), size);
      frames.note(bytes);
      if (!co_await client_.write_tunnel(bytes)) break;
    }
    if (permit_ended_) co_await say_close(frames.may_follow());
  } catch (...) {
    failed = std::current_exception();
  }
  client_.end_tunnel_writing();
  if (!permit_ended_) client_.end_tunnel_within(tunnel_end_time_max);
}

// RFC 6455, section 7.4.1. Without a place for a frame a reset says at least that this was not the end.
asio::awaitable<void> Relay::say_close(bool may_follow) {
  if (!may_follow || !co_await client_.write_tunnel(close_frame(policy_violation, name_of(permit_ended_->code))))
    client_.abort();
}

// What the client says. After the end of its permit it is read on for a while, for its own Close, and goes nowhere: a
// connection that is closed with something unread takes back what was said on it last.
asio::awaitable<void> Relay::pour_up(UpstreamConnection& server, std::exception_ptr& failed) {
  try {
    std::array<char, 16 * 1024> buffer;
    while (const std::size_t size = co_await client_.read_tunnel(buffer)) {
      if (!permit_ended_ && !co_await server.write_tunnel({buffer.data(), size}) && !permit_ended_) break;
    }
  } catch (...) {
    failed = std::current_exception();
  }
  server.end_tunnel_writing();
  server.end_tunnel_within(tunnel_end_time_max);
}

asio::awaitable<void> Relay::tunnel(UpstreamConnection& server, const ResponseHead& head) {
  error_ = UpstreamError::cancelled;  // the connection never goes back
  stage_ = RelayStage::websocket;
  http::Response response = client_answer(head, forward_, trace_);
  response.headers.add("Upgrade", "websocket");
  if (!co_await client_.begin_tunnel(response)) co_return;
  client_.on_stop([this, &server] {
    client_.abort();
    server.cancel();
  });
  Ended ended(client_.executor());
  std::exception_ptr up_failed, down_failed;
  const auto up = [](Relay& relay, UpstreamConnection& to, std::exception_ptr& failed,
                     Ended& done) -> asio::awaitable<void> {
    co_await relay.pour_up(to, failed);
    done.set();
  };
  asio::co_spawn(client_.executor(), up(*this, server, up_failed, ended), asio::detached);
  co_await pour_down(server, down_failed);
  co_await ended.wait();
  client_.on_stop({});
  if (up_failed) std::rethrow_exception(up_failed);
  if (down_failed) std::rethrow_exception(down_failed);
}

}  // namespace jeton::gateway
