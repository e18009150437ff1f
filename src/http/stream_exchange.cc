#include "http/stream_exchange.h"

#include "http/response_writer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace jeton::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr Refusal nobody{0, ""};

// The connection alone says where a message ends and whether another follows.
bool is_framing_field(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 6> ours = {"Content-Length", "Transfer-Encoding", "Connection",
                                                    "Keep-Alive",     "Upgrade",           "Trailer"};
  return std::any_of(ours.begin(), ours.end(), [&](std::string_view one) { return same_field_name(one, name); });
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

// The status line and all fields but those of the framing; without the empty line.
std::string head_text(const Response& response) {
  std::string head;
  head.reserve(512);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(reason_of(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers.fields()) {
    if (!is_framing_field(name)) append_field(head, name, value);
  }
  return head;
}

bool can_be_sent(const Response& response) noexcept {
  const auto& fields = response.headers.fields();
  return response.status >= 100 && response.status <= 599 &&
         std::all_of(fields.begin(), fields.end(),
                     [](const auto& field) { return is_field_name(field.first) && is_field_value(field.second); });
}

}  // namespace

StreamExchange::StreamExchange(Transport& transport, std::string& input, const RequestHead& head,
                               const StreamLimits& limits, const bool& stopping)
    : transport_(transport),
      input_(input),
      head_(head),
      limits_(limits),
      stopping_(stopping),
      body_left_(head.body_bytes),
      body_ended_(head.framing == BodyFraming::none) {
  if (head.framing == BodyFraming::chunked) chunks_.emplace(static_cast<std::size_t>(limits.body_bytes_max));
}

void StreamExchange::check_time(Deadline now) noexcept {
  if (now < read_deadline_ && now < write_deadline_) return;
  if (now >= read_deadline_) read_time_over_ = true;
  if (now >= write_deadline_) lost_ = true;
  transport_.cancel();
}

void StreamExchange::stop() noexcept {
  if (on_stop_) on_stop_();
}

void StreamExchange::abort() noexcept {
  lost_ = true;
  boost::system::error_code ignored;
  transport_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  transport_.close();
}

void StreamExchange::stop_reading() noexcept {
  read_stopped_ = true;
  if (read_deadline_ != Deadline::max()) transport_.cancel();
}

std::expected<void, Refusal> StreamExchange::decode_arrived() {
  if (!chunks_ || input_.empty()) return {};
  const auto consumed = chunks_->take(std::string_view(input_).substr(0, limits_.piece_bytes_max), piece_);
  if (!consumed) return std::unexpected(consumed.error());
  input_.erase(0, *consumed);
  piece_waits_ = !piece_.empty();
  body_ended_ = chunks_->complete() && !piece_waits_;
  return {};
}

std::uint64_t StreamExchange::bytes_here() const noexcept { return chunks_ ? piece_.size() : body_left_; }

bool StreamExchange::body_is_here() const noexcept {
  if (chunks_) return chunks_->complete();
  return head_.framing == BodyFraming::counted && body_left_ <= input_.size() && body_left_ <= limits_.piece_bytes_max;
}

milliseconds StreamExchange::read_time_left() const noexcept {
  const auto earned =
      limits_.body_rate_grace + milliseconds(bytes_in_ * 1'000 / std::max<std::uint64_t>(limits_.body_rate_min, 1));
  const auto left = earned - std::chrono::duration_cast<milliseconds>(waited_);
  return std::clamp<milliseconds>(left, milliseconds(0), limits_.body_idle_time_max);
}

StreamExchange::Deadline StreamExchange::tunnel_read_deadline() const noexcept {
  return std::min<Deadline>(steady_clock::now() + limits_.tunnel_idle_time_max, tunnel_deadline_);
}

void StreamExchange::end_tunnel_within(milliseconds time) noexcept {
  tunnel_deadline_ = steady_clock::now() + time;
  if (read_deadline_ != Deadline::max()) read_deadline_ = tunnel_read_deadline();
}

void StreamExchange::end_within(milliseconds time) noexcept {
  end_tunnel_within(time);
  write_end_ = tunnel_deadline_;
  if (write_deadline_ != Deadline::max()) write_deadline_ = std::min(write_deadline_, write_end_);
}

asio::awaitable<StreamExchange::Got> StreamExchange::receive(asio::mutable_buffer into, std::size_t& size) {
  if (read_stopped_ || lost_) co_return Got::lost;
  if (read_time_over_) co_return Got::time_over;
  const auto began = steady_clock::now();
  read_deadline_ = tunnel_ ? tunnel_read_deadline() : began + read_time_left();
  const auto [error, got] = co_await transport_.async_read_some(into, awaited);
  read_deadline_ = Deadline::max();
  waited_ += steady_clock::now() - began;
  size = got;
  if (!error) co_return Got::bytes;
  if (read_time_over_) co_return Got::time_over;
  co_return error == asio::error::eof ? Got::ended : Got::lost;
}

asio::awaitable<bool> StreamExchange::invite_body() {
  if (!head_.expects_continue || body_ended_ || answer_begun_ || !input_.empty()) co_return !lost_;
  co_return co_await write_text("HTTP/1.1 100 Continue\r\n\r\n");
}

asio::awaitable<std::expected<std::string_view, Refusal>> StreamExchange::read_body() {
  if (body_ended_) co_return std::string_view();
  if (head_.framing == BodyFraming::counted) co_return co_await read_counted();
  co_return co_await read_chunked();
}

namespace {

std::unexpected<Refusal> why_not(bool time_over, bool ended) {
  if (time_over) return std::unexpected(Refusal{408, "The body took too long"});
  return std::unexpected(ended ? Refusal{400, "The request ended early"} : nobody);
}

}  // namespace

asio::awaitable<std::expected<std::string_view, Refusal>> StreamExchange::read_counted() {
  std::size_t size = 0;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, limits_.piece_bytes_max));
  if (!input_.empty()) {
    size = std::min(most, input_.size());
    piece_.assign(input_, 0, size);
    input_.erase(0, size);
  } else {
    piece_.resize(most);
    const Got got = co_await receive(asio::buffer(piece_), size);
    if (got != Got::bytes) co_return why_not(got == Got::time_over, got == Got::ended);
  }
  body_left_ -= size;
  bytes_in_ += size;
  if (body_left_ == 0) body_ended_ = true;
  co_return std::string_view(piece_).substr(0, size);
}

asio::awaitable<std::expected<std::string_view, Refusal>> StreamExchange::read_chunked() {
  if (std::exchange(piece_waits_, false)) {
    bytes_in_ += piece_.size();
    body_ended_ = chunks_->complete();
    co_return std::string_view(piece_);
  }
  piece_.clear();
  while (true) {
    const std::string_view arrived = std::string_view(input_).substr(0, limits_.piece_bytes_max);
    const auto consumed = chunks_->take(arrived, piece_);
    if (!consumed) co_return std::unexpected(consumed.error());
    input_.erase(0, *consumed);
    bytes_in_ += piece_.size();
    if (chunks_->complete()) body_ended_ = true;
    if (body_ended_ || !piece_.empty()) co_return std::string_view(piece_);
    if (!input_.empty()) continue;
    input_.resize(limits_.piece_bytes_max);
    std::size_t size = 0;
    const Got got = co_await receive(asio::buffer(input_), size);
    input_.resize(size);
    if (got != Got::bytes) co_return why_not(got == Got::time_over, got == Got::ended);
  }
}

template <class Buffers>
asio::awaitable<bool> StreamExchange::write(const Buffers& buffers) {
  if (lost_) co_return false;
  write_deadline_ = std::min<Deadline>(steady_clock::now() + limits_.write_time_max, write_end_);
  const auto [error, size] = co_await asio::async_write(transport_, buffers, awaited);
  write_deadline_ = Deadline::max();
  if (tunnel_ && read_deadline_ != Deadline::max()) read_deadline_ = tunnel_read_deadline();
  if (error) lost_ = true;
  co_return !error;
}

asio::awaitable<bool> StreamExchange::write_text(std::string_view text) {
  co_return co_await write(std::array<asio::const_buffer, 1>{asio::buffer(text)});
}

asio::awaitable<bool> StreamExchange::answer(const Response& response) {
  // A body that is here already need not cost the connection.
  if (!body_ended_ && body_is_here()) {
    if (!chunks_) input_.erase(0, static_cast<std::size_t>(body_left_));
    body_ended_ = true;
  }
  const bool bodiless = is_bodiless(response.status);
  const AnswerLength length{bodiless ? AnswerLength::Kind::none : AnswerLength::Kind::counted, response.body.size()};
  if (!co_await begin_answer(response, length, true)) co_return false;
  if (!bodiless && !response.body.empty() && with_body()) {
    if (!co_await write_piece(response.body)) co_return false;
  }
  co_return co_await end_answer();
}

asio::awaitable<bool> StreamExchange::interim(const Response& response) {
  if (head_.http_1_0 || answer_begun_ || !can_be_sent(response)) co_return !lost_;
  co_return co_await write_text(head_text(response) + "\r\n");
}

asio::awaitable<bool> StreamExchange::begin_answer(const Response& response, AnswerLength length, bool at_hand) {
  if (answer_begun_ || !can_be_sent(response)) co_return false;
  answer_begun_ = true;
  status_ = response.status;
  answer_kind_ = length.kind;
  answer_left_ = length.kind == AnswerLength::Kind::counted && with_body() ? length.bytes : 0;
  chunked_ = length.kind == AnswerLength::Kind::unknown && !head_.http_1_0;
  const bool until_close = length.kind == AnswerLength::Kind::unknown && head_.http_1_0 && with_body();
  keep_alive_ = head_.keep_alive && !stopping_ && body_ended_ && !until_close;
  std::string head = head_text(response);
  if (length.kind == AnswerLength::Kind::counted) append_field(head, "Content-Length", std::to_string(length.bytes));
  if (chunked_) append_field(head, "Transfer-Encoding", "chunked");
  if (!keep_alive_)
    append_field(head, "Connection", "close");
  else if (head_.http_1_0)
    append_field(head, "Connection", "keep-alive");
  head.append("\r\n");
  if (at_hand) {
    held_head_ = std::move(head);
    co_return !lost_;
  }
  co_return co_await write_text(head);
}

bool StreamExchange::take_back_answer() noexcept {
  if (held_head_.empty()) return false;
  held_head_.clear();
  answer_begun_ = false;
  return true;
}

asio::awaitable<bool> StreamExchange::write_piece(std::string_view piece, bool last) {
  if (piece.empty()) co_return !lost_;
  if (!with_body() || answer_kind_ == AnswerLength::Kind::none) co_return false;
  bytes_out_ += piece.size();
  if (answer_kind_ == AnswerLength::Kind::counted) {
    if (piece.size() > answer_left_) co_return false;
    answer_left_ -= piece.size();
  }
  const std::string head = std::exchange(held_head_, {});
  if (!chunked_) co_return co_await write(std::array<asio::const_buffer, 2>{asio::buffer(head), asio::buffer(piece)});
  std::array<char, 20> size{};
  char* const end = std::to_chars(size.data(), size.data() + 16, piece.size(), 16).ptr;
  last_written_ = last;
  const std::string_view behind = last ? "\r\n0\r\n\r\n" : "\r\n";
  const std::array<asio::const_buffer, 5> parts = {
      asio::buffer(head), asio::buffer(size.data(), static_cast<std::size_t>(end - size.data())),
      asio::buffer("\r\n", 2), asio::buffer(piece), asio::buffer(behind)};
  co_return co_await write(parts);
}

asio::awaitable<bool> StreamExchange::end_answer() {
  if (!answer_begun_ || answer_left_ != 0) co_return false;
  std::string rest = std::exchange(held_head_, {});
  if (chunked_ && with_body() && !std::exchange(last_written_, true)) rest += "0\r\n\r\n";
  if (!rest.empty() && !co_await write_text(rest)) co_return false;
  answer_ended_ = !lost_;
  co_return answer_ended_;
}

asio::awaitable<bool> StreamExchange::begin_tunnel(const Response& response) {
  if (answer_begun_ || !body_ended_ || !can_be_sent(response)) co_return false;
  const std::string* const protocol = response.headers.find("Upgrade");
  if (protocol == nullptr) co_return false;
  answer_begun_ = true;
  status_ = response.status;
  tunnel_ = true;
  std::string head = head_text(response);
  append_field(head, "Connection", "Upgrade");
  append_field(head, "Upgrade", *protocol);
  head.append("\r\n");
  answer_ended_ = co_await write_text(head);
  co_return answer_ended_;
}

asio::awaitable<std::size_t> StreamExchange::read_tunnel(std::span<char> into) {
  if (!input_.empty()) {
    const std::size_t size = input_.copy(into.data(), into.size());
    input_.erase(0, size);
    co_return size;
  }
  std::size_t size = 0;
  const Got got = co_await receive(asio::buffer(into.data(), into.size()), size);
  bytes_in_ += size;
  co_return got == Got::bytes ? size : 0;
}

asio::awaitable<bool> StreamExchange::write_tunnel(std::string_view bytes) {
  bytes_out_ += bytes.size();
  co_return co_await write_text(bytes);
}

}  // namespace jeton::http
