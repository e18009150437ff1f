#include "http/upstream_connection.h"

#include "http/tls.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Framing = ResponseHead::Framing;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t resting_text_bytes_max = 4 * 1024;  // what a connection at rest keeps of each

}  // namespace

UpstreamConnection::UpstreamConnection(asio::io_context& loop, Upstream& upstream, std::size_t server,
                                       std::unordered_set<UpstreamConnection*>& watched, BufferStock& stock)
    : upstream_(upstream),
      server_(server),
      watched_(watched),
      stock_(stock),
      transport_(LoopSocket(loop)),
      idle_time_max_(upstream.options().idle_time_max) {
  watched_.insert(this);
}

void UpstreamConnection::check_time(Deadline now) noexcept {
  if (now < read_deadline_ && now < write_deadline_) return;
  time_over_ = true;
  transport_.cancel();
}

void UpstreamConnection::cancel() noexcept {
  cancelled_ = true;
  transport_.cancel();
}

std::unexpected<UpstreamError> UpstreamConnection::malformed(std::string_view why) {
  fault_ = why;
  return std::unexpected(UpstreamError::malformed);
}

std::span<char> UpstreamConnection::buffer() {
  if (!buffer_) buffer_ = stock_.take();
  return {buffer_.get(), stock_.buffer_bytes()};
}

asio::awaitable<std::expected<void, UpstreamError>> UpstreamConnection::connect_to(
    const asio::ip::tcp::endpoint& endpoint) {
  const auto failure = [&](std::string why) {
    fault_ = time_over_ ? "no connection within connect_timeout" : std::move(why);
    return std::unexpected(cancelled_   ? UpstreamError::cancelled
                           : time_over_ ? UpstreamError::connect_time_over
                                        : UpstreamError::not_connected);
  };
  const auto [error] = co_await transport_.socket().async_connect(endpoint, awaited);
  if (error || time_over_ || cancelled_) {
    transport_.close();
    co_return failure(error.message());
  }
  boost::system::error_code ignored;
  transport_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  const Url& url = upstream_.server(server_).url;
  if (!url.tls) co_return std::expected<void, UpstreamError>();
  transport_.use_tls(upstream_.tls());
  const auto named = expect_host(transport_.tls().native_handle(), url.host);
  if (!named) co_return failure("a name that no certificate can bear");
  const auto [refused] = co_await transport_.tls().async_handshake(asio::ssl::stream_base::client, awaited);
  if (refused) {
    std::string problem = certificate_problem(transport_.tls().native_handle());
    co_return failure(problem.empty() ? "TLS: " + refused.message() : "certificate: " + std::move(problem));
  }
  co_return std::expected<void, UpstreamError>();
}

asio::awaitable<std::expected<void, UpstreamError>> UpstreamConnection::connect(const Endpoints& endpoints) {
  std::expected<void, UpstreamError> connected = std::unexpected(UpstreamError::not_connected);
  read_deadline_ = steady_clock::now() + upstream_.options().connect_time_max;
  for (const auto& endpoint : endpoints) {
    connected = co_await connect_to(endpoint);
    if (connected || time_over_ || cancelled_ || transport_.is_tls()) break;
  }
  read_deadline_ = Deadline::max();
  co_return connected;
}

template <class Buffers>
asio::awaitable<bool> UpstreamConnection::write_all(Buffers buffers) {
  if (write_failed_ || cancelled_) co_return false;
  write_deadline_ = steady_clock::now() + upstream_.options().write_time_max;
  const auto [error, size] = co_await asio::async_write(transport_, buffers, awaited);
  write_deadline_ = Deadline::max();
  if (error) write_failed_ = true;
  co_return !error;
}

asio::awaitable<bool> UpstreamConnection::write(std::string_view head, std::string_view body) {
  return write_all(std::array<asio::const_buffer, 2>{asio::buffer(head), asio::buffer(body)});
}

asio::awaitable<bool> UpstreamConnection::write_chunk(std::string_view piece) {
  std::array<char, 20> size{};
  char* const end = std::to_chars(size.data(), size.data() + 16, piece.size(), 16).ptr;
  co_return co_await write_all(
      std::array<asio::const_buffer, 4>{asio::buffer(size.data(), static_cast<std::size_t>(end - size.data())),
                                        asio::buffer("\r\n", 2), asio::buffer(piece), asio::buffer("\r\n", 2)});
}

void UpstreamConnection::expect_answer_within(milliseconds time) noexcept {
  answer_deadline_ = steady_clock::now() + time;
  if (waiting_for_head_) read_deadline_ = answer_deadline_;
}

asio::awaitable<std::expected<std::size_t, UpstreamError>> UpstreamConnection::receive(asio::mutable_buffer into) {
  if (cancelled_) co_return std::unexpected(UpstreamError::cancelled);
  if (time_over_) co_return std::unexpected(UpstreamError::idle_time_over);
  const auto [error, size] = co_await transport_.async_read_some(into, awaited);
  read_deadline_ = Deadline::max();
  if (!error) {
    received_ = true;
    co_return size;
  }
  if (cancelled_) co_return std::unexpected(UpstreamError::cancelled);
  if (time_over_)
    co_return std::unexpected(received_ ? UpstreamError::idle_time_over : UpstreamError::first_byte_time_over);
  if (error == asio::error::eof) co_return std::size_t{0};
  co_return std::unexpected(UpstreamError::lost);
}

asio::awaitable<std::expected<ResponseHead, UpstreamError>> UpstreamConnection::read_head(bool to_head) {
  const std::size_t most = upstream_.options().head_bytes_max;
  std::size_t scanned = 0;
  while (true) {
    const auto end = find_head_end(std::string_view(input_).substr(0, most), scanned);
    if (!end) co_return malformed(end.error().error);
    if (*end != 0) {
      auto head = parse_response_head(std::string_view(input_).substr(0, *end), to_head);
      input_.erase(0, *end);
      if (!head) co_return malformed(head.error());
      if (head->is_interim()) co_return std::move(*head);
      head_read_ = true;
      framing_ = head->framing;
      body_left_ = head->body_bytes;
      keep_alive_ = head->keep_alive;
      body_ended_ = framing_ == Framing::none;
      chunks_.reset();
      if (framing_ == Framing::chunked) chunks_.emplace(std::numeric_limits<std::size_t>::max());
      co_return std::move(*head);
    }
    if (input_.size() >= most) co_return malformed("the head is too large");
    // The whole head has the time that its first byte has: a server need not dribble it.
    waiting_for_head_ = true;
    read_deadline_ = answer_deadline_;
    const auto got = co_await receive(asio::buffer(buffer().data(), std::min(buffer().size(), most - input_.size())));
    waiting_for_head_ = false;
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return std::unexpected(UpstreamError::lost);
    input_.append(buffer_.get(), *got);
  }
}

asio::awaitable<std::expected<std::string_view, UpstreamError>> UpstreamConnection::read_body() {
  return framing_ == Framing::chunked ? read_chunked() : read_plain();
}

// Counted, or until the server closes.
asio::awaitable<std::expected<std::string_view, UpstreamError>> UpstreamConnection::read_plain() {
  if (body_ended_) co_return std::string_view();
  const bool counted = framing_ == Framing::counted;
  const std::span<char> into = buffer();
  std::size_t most = into.size();
  if (counted) most = static_cast<std::size_t>(std::min<std::uint64_t>(most, body_left_));
  std::size_t size = 0;
  if (!input_.empty()) {
    size = input_.copy(into.data(), most);
    input_.erase(0, size);
  } else {
    read_deadline_ = steady_clock::now() + idle_time_max_;
    const auto got = co_await receive(asio::buffer(into.data(), most));
    if (!got) co_return std::unexpected(got.error());
    size = *got;
  }
  if (size == 0) {
    if (counted) co_return std::unexpected(UpstreamError::lost);
    body_ended_ = true;
    co_return std::string_view();
  }
  if (counted) {
    body_left_ -= size;
    body_ended_ = body_left_ == 0;
  }
  co_return std::string_view(into.data(), size);
}

asio::awaitable<std::expected<std::string_view, UpstreamError>> UpstreamConnection::read_chunked() {
  if (body_ended_) co_return std::string_view();
  piece_.clear();
  while (true) {
    const std::string_view arrived = std::string_view(input_).substr(0, upstream_.options().piece_bytes_max);
    const auto consumed = chunks_->take(arrived, piece_);
    if (!consumed) co_return malformed(consumed.error().error);
    input_.erase(0, *consumed);
    if (chunks_->complete()) body_ended_ = true;
    if (body_ended_ || !piece_.empty()) co_return std::string_view(piece_);
    if (!input_.empty()) continue;
    read_deadline_ = steady_clock::now() + idle_time_max_;
    const auto got = co_await receive(asio::buffer(buffer().data(), buffer().size()));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return std::unexpected(UpstreamError::lost);
    input_.assign(buffer_.get(), *got);
  }
}

asio::awaitable<std::size_t> UpstreamConnection::read_tunnel(std::span<char> into) {
  if (!input_.empty()) {
    const std::size_t size = input_.copy(into.data(), into.size());
    input_.erase(0, size);
    co_return size;
  }
  read_deadline_ = tunnel_deadline_;
  const auto got = co_await receive(asio::buffer(into.data(), into.size()));
  co_return got ? *got : 0;
}

void UpstreamConnection::end_tunnel_within(milliseconds time) noexcept {
  tunnel_deadline_ = steady_clock::now() + time;
  read_deadline_ = tunnel_deadline_;
}

bool UpstreamConnection::can_be_kept() const noexcept {
  return head_read_ && body_ended_ && keep_alive_ && input_.empty() && !time_over_ && !cancelled_ && !write_failed_;
}

bool UpstreamConnection::is_quiet() noexcept {
  char byte = 0;
  const ssize_t got = ::recv(transport_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  const bool nothing = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return nothing && (!transport_.is_tls() || !has_unread(transport_.tls().native_handle()));
}

void UpstreamConnection::rest_from(Deadline now) noexcept {
  rests_since_ = now;
  head_read_ = false;
  received_ = false;
  answer_deadline_ = Deadline::max();
  idle_time_max_ = upstream_.options().idle_time_max;
  stock_.give(std::move(buffer_));
  for (std::string* const text : {&piece_, &input_, &head_room_}) {
    text->clear();
    if (text->capacity() > resting_text_bytes_max) std::string().swap(*text);
  }
}

}  // namespace jeton::http
