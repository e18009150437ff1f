#include "http/connection.h"

#include "http/chunk_reader.h"
#include "http/response_writer.h"
#include "platform/entropy.h"
#include "platform/log.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <string>
#include <utility>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);

constexpr milliseconds linger_time_max{2'000};
constexpr std::size_t linger_bytes_max = 1024 * 1024;
constexpr milliseconds first_byte_time_max_when_stopping{500};

constexpr std::size_t answers_bytes_max = 64 * 1024;  // of inline answers, before they are sent

constexpr Refusal nobody{0, ""};

std::string chunk_head(std::size_t size) {
  std::array<char, 18> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), size, 16).ptr;
  return std::string(text.data(), end) + "\r\n";
}

}  // namespace

// What an answer that is waited for needs of its request.
struct Connection::Late {
  InlineAnswer::Later handler;
  std::string id;
  bool keep_alive, http_1_0, with_body;
};

Connection::Connection(LoopSocket socket, std::string peer_address, Neighbours& neighbours)
    : transport_(std::move(socket)),
      peer_address_(std::move(peer_address)),
      id_(platform::random_hex(8)),
      neighbours_(neighbours) {
  look_at_peer();
  boost::system::error_code ignored;
  transport_.socket().non_blocking(true, ignored);
  neighbours_.open.insert(this);
}

void Connection::look_at_peer() {
  const auto address = parse_address(peer_address_);
  peer_is_trusted_ = address.has_value() && neighbours_.trusted_proxies.contains(*address);
  trust_generation_ = neighbours_.trust_generation;
}

bool Connection::peer_is_trusted() {
  if (trust_generation_ != neighbours_.trust_generation) [[unlikely]]
    look_at_peer();
  return peer_is_trusted_;
}

Connection::~Connection() { neighbours_.open.erase(this); }

asio::awaitable<void> Connection::serve() {
  const ServerOptions& options = neighbours_.options;
  const bool asks_inline = static_cast<bool>(neighbours_.router.inline_handler());
  begin(Phase::fresh, neighbours_.stopping ? first_byte_time_max_when_stopping : options.header_time_max);
  while (true) {
    step_ = AtOnce::partial;
    if (asks_inline && !input_.empty() && !co_await answer_at_once()) break;
    if (step_ == AtOnce::all) continue;
    if (step_ == AtOnce::later) {
      if (!co_await answer_late() || !rest()) break;
      continue;
    }
    const auto size = co_await await_head();
    if (size && asks_inline && step_ != AtOnce::declined) continue;
    auto head = size ? take_head(*size) : std::unexpected(size.error());
    if (!head) {
      Request unread;
      identify(unread);
      co_await refuse(head.error(), unread);
      break;
    }
    identify(head->request);
    if (neighbours_.streams != nullptr) {
      if (!co_await relay(*head)) break;
      if (!rest()) break;
      continue;
    }
    auto body = co_await read_body(*head);
    if (!body) {
      co_await refuse(body.error(), head->request);
      break;
    }
    const bool stays_open = co_await answer(*head);
    if (!stays_open) break;
    if (!rest()) break;
  }
  if (transport_.is_tls()) co_await end_tls();
  close();
}

// Between two requests. False: there is to be no other.
bool Connection::rest() {
  if (input_.empty() && input_.capacity() > idle_input_bytes_max) std::string().swap(input_);
  if (!input_.empty()) {
    begin(Phase::head, neighbours_.options.header_time_max);
    request_began_ = steady_clock::now();
    return true;
  }
  begin(Phase::idle, neighbours_.options.idle_time_max);
  return !neighbours_.stopping;
}

asio::awaitable<void> Connection::refuse_as_busy() {
  Request unread;
  identify(unread);
  co_await refuse({503, "Too many connections"}, unread);
  close();
}

void Connection::check_time(Deadline now) noexcept {
  if (exchange_ != nullptr) exchange_->check_time(now);
  if (now < deadline_) return;
  timed_out_ = true;
  transport_.cancel();
}

void Connection::stop() noexcept {
  switch (phase_) {
    case Phase::idle:
      wake_to_stop_ = true;
      transport_.cancel();
      break;
    case Phase::fresh: begin(Phase::fresh, first_byte_time_max_when_stopping); break;
    case Phase::lingering:
      timed_out_ = true;
      transport_.cancel();
      break;
    case Phase::head:
    case Phase::body:
    case Phase::answering:
    case Phase::streaming:
      if (stream_) stream_->stop();
      break;
    case Phase::relaying:
      if (exchange_ != nullptr) exchange_->stop();
      break;
    case Phase::writing: break;  // answered first; serve() then sees that the server is stopping
  }
}

asio::awaitable<Connection::ReadResult> Connection::read_some() {
  while (true) {
    if (timed_out_) co_return ReadResult::time_over;
    const auto [error, size] = co_await transport_.async_read_some(asio::buffer(chunk_), awaited);
    if (!error) {
      input_.append(chunk_.data(), size);
      co_return ReadResult::bytes;
    }
    if (timed_out_) co_return ReadResult::time_over;
    if (error == asio::error::eof) co_return ReadResult::ended;
    // Woken to stop while idle: a request that has already arrived is still answered.
    boost::system::error_code unknown;
    if (!std::exchange(wake_to_stop_, false) || transport_.socket().available(unknown) == 0 || unknown)
      co_return ReadResult::lost;
  }
}

Refusal Connection::refusal_of(ReadResult result, std::string_view when_slow) const noexcept {
  switch (result) {
    case ReadResult::time_over: return {408, when_slow};
    case ReadResult::ended: return {400, "The request ended early"};
    case ReadResult::lost:
    case ReadResult::bytes: break;
  }
  return nobody;
}

// Everything that has arrived is answered before anything is sent: clients that write several requests at once get all
// answers in one piece.
Connection::AtOnce Connection::take_at_once() {
  std::string& out = neighbours_.answers;
  HeadView& head = neighbours_.head;
  std::string_view rest = input_;
  AtOnce step = AtOnce::all;
  while (step == AtOnce::all && !rest.empty() && out.size() < answers_bytes_max) {
    if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // RFC 9112, section 2.2: one empty line before a request
    std::size_t scanned = 0;
    const auto end = find_head_end(rest.substr(0, neighbours_.options.header_bytes_max), scanned);
    if (!end || *end == 0) {
      step = AtOnce::partial;
      break;
    }
    if (read_head_view(rest.substr(0, *end), head, neighbours_.options.paths) || head.framing != BodyFraming::none) {
      step = AtOnce::declined;
      break;
    }
    const bool keep_alive = head.keep_alive && !neighbours_.stopping;
    std::array<char, 40> id_text{};
    const std::string_view id = next_id(id_text);
    InlineAnswer answer(out, {.request_id = id,
                              .keep_alive = keep_alive,
                              .http_1_0 = head.http_1_0,
                              .with_body = head.method != Method::head});
    if (!answer_inline({head, peer_address_, peer_is_trusted(), id, neighbours_.trusted_proxies}, answer)) {
      auto handler = answer.take_later();
      step = handler ? AtOnce::later : AtOnce::declined;
      if (!handler) break;
      late_ = std::make_unique<Late>(
          Late{std::move(handler), std::string(id), keep_alive, head.http_1_0, head.method != Method::head});
    }
    ++requests_;
    rest.remove_prefix(*end);
    if (!keep_alive && step == AtOnce::all) step = AtOnce::closing;
  }
  input_.erase(0, input_.size() - rest.size());
  if (step == AtOnce::all && !input_.empty()) step = AtOnce::partial;
  return step;
}

// Whether it was answered. A handler that throws has answered 500.
bool Connection::answer_inline(const InlineRequest& request, InlineAnswer& answer) const {
  try {
    neighbours_.router.inline_handler()(request, answer);
  } catch (const std::exception& error) {
    platform::log_error("handler failed", {{"request", request.id}, {"what", error.what()}});
    answer.fail();
  } catch (...) {
    platform::log_error("handler failed", {{"request", request.id}, {"what", "not a std::exception"}});
    answer.fail();
  }
  if (!answer.begun()) return false;
  answer.finish();
  return true;
}

// False: the connection is to end.
asio::awaitable<bool> Connection::answer_late() {
  phase_ = Phase::answering;
  deadline_ = Deadline::max();
  const std::unique_ptr<Late> late = std::move(late_);
  std::string text;
  InlineAnswer answer(text, {.request_id = late->id,
                             .keep_alive = late->keep_alive,
                             .http_1_0 = late->http_1_0,
                             .with_body = late->with_body});
  bool is_whole = false;
  try {
    co_await late->handler(answer);
    is_whole = answer.begun();
  } catch (const std::exception& error) {
    platform::log_error("handler failed", {{"request", late->id}, {"what", error.what()}});
  } catch (...) {
    platform::log_error("handler failed", {{"request", late->id}, {"what", "not a std::exception"}});
  }
  if (!is_whole) answer.fail();
  answer.finish();
  begin(Phase::writing, neighbours_.options.idle_time_max);
  const bool sent = co_await write_text(text);
  if (sent && !late->keep_alive && !input_.empty()) co_await linger();
  co_return sent && late->keep_alive;
}

// What the socket does not take at once.
std::string Connection::send_at_once() {
  std::string& out = neighbours_.answers;
  if (out.empty()) return {};
  boost::system::error_code error;
  const std::size_t sent =  // an error shows again in the write that waits
      transport_.is_tls() ? 0 : transport_.socket().write_some(asio::buffer(out), error);
  std::string rest = out.substr(error ? 0 : sent);
  out.clear();
  if (out.capacity() > 2 * answers_bytes_max) out.shrink_to_fit();
  return rest;
}

// Answers what has arrived and what arrives next, as long as inline handlers can; then step_ says what has come. False:
// the connection is to end.
asio::awaitable<bool> Connection::answer_at_once() {
  step_ = take_at_once();
  unsent_ = send_at_once();
  while (true) {
    if (std::string unsent = std::exchange(unsent_, {}); !unsent.empty()) {
      begin(Phase::writing, neighbours_.options.idle_time_max);
      const bool sent = co_await write_text(unsent);
      if (!sent) co_return false;
    }
    if (step_ == AtOnce::closing && !input_.empty()) co_await linger();
    if (step_ == AtOnce::closing) co_return false;
    if (step_ != AtOnce::all) co_return true;
    if (neighbours_.stopping) co_return false;
    if (transport_.is_tls()) {
      rest_after();
      const ReadResult result = co_await read_some();
      co_return result == ReadResult::bytes;
    }
    co_await ride();
    if (lost_) co_return false;
  }
}

asio::awaitable<std::expected<std::size_t, Refusal>> Connection::await_head() {
  const ServerOptions& options = neighbours_.options;
  std::size_t scanned = 0;
  if (phase_ != Phase::fresh && phase_ != Phase::head && !input_.empty()) {
    request_began_ = steady_clock::now();
    begin(Phase::head, options.header_time_max);
  }
  while (true) {
    if (input_.starts_with("\r\n")) input_.erase(0, 2);
    const auto end = find_head_end(std::string_view(input_).substr(0, options.header_bytes_max), scanned);
    if (!end) co_return std::unexpected(end.error());
    if (*end != 0) {
      if (phase_ == Phase::fresh || phase_ == Phase::idle) request_began_ = steady_clock::now();
      co_return *end;
    }
    if (input_.size() >= options.header_bytes_max)
      co_return std::unexpected(Refusal{431, "The request head is too large"});
    const ReadResult result = co_await read_some();
    if (result != ReadResult::bytes) {
      // A new connection that says nothing is told 408 at last; one that has been served, or ends without a word, is
      // not.
      const bool unasked =
          input_.empty() && (phase_ == Phase::idle || result == ReadResult::ended || neighbours_.stopping);
      co_return std::unexpected(unasked ? nobody : refusal_of(result, "The request head took too long"));
    }
    if (phase_ == Phase::fresh || phase_ == Phase::idle) {
      request_began_ = steady_clock::now();
      begin(Phase::head, options.header_time_max);
    }
  }
}

std::expected<RequestHead, Refusal> Connection::take_head(std::size_t size) {
  auto head = parse_request_head(std::string_view(input_).substr(0, size), neighbours_.options.paths);
  input_.erase(0, size);
  return head;
}

asio::awaitable<std::expected<void, Refusal>> Connection::read_body(RequestHead& head) {
  const ServerOptions& options = neighbours_.options;
  if (head.framing == BodyFraming::none) co_return std::expected<void, Refusal>{};
  if (head.framing == BodyFraming::counted && head.body_bytes > options.body_bytes_max) {
    co_return std::unexpected(Refusal{413, "The body is too large"});
  }
  begin(Phase::body, options.body_time_max);
  if (head.expects_continue && input_.empty()) {
    const bool written = co_await write_text("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return std::unexpected(nobody);
  }
  if (head.framing == BodyFraming::counted) {
    co_return co_await read_counted(head.request.body, static_cast<std::size_t>(head.body_bytes));
  }
  co_return co_await read_chunked(head.request.body);
}

asio::awaitable<std::expected<void, Refusal>> Connection::read_counted(std::string& body, std::size_t size) {
  while (input_.size() < size) {
    const ReadResult result = co_await read_some();
    if (result != ReadResult::bytes) co_return std::unexpected(refusal_of(result, "The body took too long"));
  }
  body.assign(input_, 0, size);
  input_.erase(0, size);
  co_return std::expected<void, Refusal>{};
}

asio::awaitable<std::expected<void, Refusal>> Connection::read_chunked(std::string& body) {
  ChunkReader reader(neighbours_.options.body_bytes_max);
  while (true) {
    const auto consumed = reader.take(input_, body);
    if (!consumed) co_return std::unexpected(consumed.error());
    input_.erase(0, *consumed);
    if (reader.complete()) co_return std::expected<void, Refusal>{};
    const ReadResult result = co_await read_some();
    if (result != ReadResult::bytes) co_return std::unexpected(refusal_of(result, "The body took too long"));
  }
}

asio::awaitable<bool> Connection::answer(RequestHead& head) {
  phase_ = Phase::answering;
  deadline_ = Deadline::max();
  Response response = co_await neighbours_.router.answer(head.request);
  if (!is_sendable(response)) {
    platform::log_error("handler made an answer that cannot be sent",
                        {{"request", head.request.id}, {"path", head.request.path}});
    response = error_response(500, "Internal error");
  }
  if (response.stream) {
    co_await stream_answer(head.request, response, head.http_1_0);
    co_return false;
  }
  const bool keep_alive = head.keep_alive && !neighbours_.stopping;
  std::string text =
      head_of(response, {.keep_alive = keep_alive, .http_1_0 = head.http_1_0, .request_id = head.request.id});
  begin(Phase::writing, neighbours_.options.idle_time_max);
  const bool written = co_await write(response, std::move(text), head.request.method != Method::head);
  report(head.request, response);
  if (written && !keep_alive && !input_.empty()) co_await linger();
  co_return written&& keep_alive;
}

asio::awaitable<void> Connection::refuse(Refusal refusal, Request& request) {
  if (refusal.status == 0) co_return;
  const Response response = error_response(refusal.status, refusal.error);
  begin(Phase::writing, linger_time_max);
  std::string text = head_of(response, {.keep_alive = false, .request_id = request.id});
  const bool written = co_await write(response, std::move(text), request.method != Method::head);
  report(request, response);
  if (written) co_await linger();
}

asio::awaitable<bool> Connection::write(const Response& response, std::string head, bool with_body) {
  const bool has_body = with_body && !is_bodiless(response.status);
  const std::array<asio::const_buffer, 2> parts = {
      asio::buffer(head), asio::buffer(response.body.data(), has_body ? response.body.size() : 0)};
  const auto [error, size] = co_await asio::async_write(transport_, parts, awaited);
  co_return !error;
}

// Counted and logged when it begins: it may last for days.
asio::awaitable<void> Connection::stream_answer(const Request& request, const Response& response, bool http_1_0) {
  const milliseconds write_time_max = neighbours_.options.stream_write_time_max;
  begin(Phase::streaming, write_time_max);
  report(request, response);
  bool written = co_await write_text(
      head_of(response, {.keep_alive = false, .http_1_0 = http_1_0, .streamed = true, .request_id = request.id}));
  if (request.method == Method::head) co_return;
  stream_ = response.stream;
  if (neighbours_.stopping) stream_->stop();
  while (written) {
    deadline_ = Deadline::max();
    const BodyStream::Piece piece = co_await stream_->next();
    begin(Phase::streaming, write_time_max);
    if (!piece || piece->empty()) break;
    std::string size = http_1_0 ? std::string() : chunk_head(piece->size());
    const std::string_view end = http_1_0 ? "" : "\r\n";
    const std::array<asio::const_buffer, 3> parts = {asio::buffer(size), asio::buffer(*piece), asio::buffer(end)};
    const auto [error, ignored] = co_await asio::async_write(transport_, parts, awaited);
    written = !error;
  }
  if (written && !http_1_0) co_await write_text("0\r\n\r\n");
  stream_.reset();
}

asio::awaitable<bool> Connection::write_text(std::string_view text) {
  const auto [error, size] = co_await asio::async_write(transport_, asio::buffer(text), awaited);
  co_return !error;
}

// Closing a socket while the peer still sends makes the kernel reset the connection, and the reset may overtake the
// answer. So: no more from us, then read and drop what comes until the peer has closed too, within limits.
asio::awaitable<void> Connection::linger() {
  if (!transport_.is_tls()) transport_.shutdown_send();
  begin(Phase::lingering, neighbours_.stopping ? milliseconds(0) : linger_time_max);
  for (std::size_t dropped = 0; dropped < linger_bytes_max;) {
    input_.clear();
    const ReadResult result = co_await read_some();
    if (result != ReadResult::bytes) break;
    dropped += input_.size();
  }
}

void Connection::begin(Phase phase, milliseconds time_max) noexcept {
  phase_ = phase;
  timed_out_ = false;
  deadline_ = steady_clock::now() + time_max;
}

void Connection::close() noexcept { transport_.close(); }

// The id of the request that comes next, in `text`: the connection's, and its number.
std::string_view Connection::next_id(std::array<char, 40>& text) const noexcept {
  char* at = std::copy(id_.begin(), id_.end(), text.begin());
  *at++ = '-';
  at = std::to_chars(at, text.data() + text.size(), requests_ + 1).ptr;
  return {text.data(), static_cast<std::size_t>(at - text.data())};
}

void Connection::identify(Request& request) {
  std::array<char, 40> id{};
  request.peer_address = peer_address_;
  request.id = next_id(id);
  ++requests_;
  see_through(neighbours_.trusted_proxies, request, transport_.is_tls() ? "https" : "http");
}

void Connection::report(const Request& request, const Response& response) const noexcept try {
  if (!neighbours_.observer) return;
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - request_began_);
  neighbours_.observer({request, response, duration});
} catch (const std::exception& error) {
  platform::log_error("observer failed", {{"what", error.what()}});
} catch (...) {
  platform::log_error("observer failed", {{"what", "not a std::exception"}});
}

}  // namespace jeton::http
