#include "http/chunk_reader.h"

#include <algorithm>

namespace jeton::http {
namespace {

std::unexpected<Refusal> bad(std::string_view error) { return std::unexpected(Refusal{400, error}); }

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Takes a quoted string off the front (RFC 9110, section 5.6.4).
bool take_quoted(std::string_view& text) noexcept {
  if (!text.starts_with('"')) return false;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return true;
    }
    if (text[at] == '\\') ++at;
  }
  return false;
}

// *( ";" name [ "=" ( token / quoted-string ) ] ), without the space that RFC 9112 lets a recipient bear with.
bool are_extensions(std::string_view text) noexcept {
  while (text.starts_with(';')) {
    const std::size_t name_end = std::min(text.find_first_of(";=", 1), text.size());
    if (!is_field_name(text.substr(1, name_end - 1))) return false;
    text.remove_prefix(name_end);
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    if (take_quoted(text)) continue;
    const std::size_t value_end = std::min(text.find(';'), text.size());
    if (!is_field_name(text.substr(0, value_end))) return false;
    text.remove_prefix(value_end);
  }
  return text.empty();
}

}  // namespace

std::expected<std::size_t, Refusal> ChunkReader::take(std::string_view bytes, std::string& body) {
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::complete) {
    if (state_ == State::data) {
      const auto taken = take_data(bytes.substr(at), body);
      if (!taken) return taken;
      at += *taken;
      continue;
    }
    if (auto done = take_one(bytes[at]); !done) return std::unexpected(done.error());
    ++at;
  }
  return at;
}

std::expected<std::size_t, Refusal> ChunkReader::take_data(std::string_view bytes, std::string& body) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), chunk_bytes_));
  body.append(bytes.substr(0, taken));
  chunk_bytes_ -= taken;
  if (chunk_bytes_ == 0) state_ = State::data_cr;
  return taken;
}

std::expected<void, Refusal> ChunkReader::take_one(char c) {
  switch (state_) {
    case State::size: return take_size_char(c);
    case State::extension:
      if (c == '\r') {
        state_ = State::size_lf;
        return {};
      }
      if (!is_field_value({&c, 1})) return bad("Malformed chunk extension");
      if (++overhead_bytes_ > overhead_bytes_max) return bad("Chunk extensions are too long");
      line_.push_back(c);
      return {};
    case State::size_lf:
      if (c != '\n') return bad("Malformed chunk size");
      return end_size_line();
    case State::data_cr:
      if (c != '\r') return bad("Chunk data does not end in CR LF");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (c != '\n') return bad("Chunk data does not end in CR LF");
      state_ = State::size;
      return {};
    case State::trailer:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return {};
      }
      if (!is_field_value({&c, 1})) return bad("Malformed trailer field");
      if (++overhead_bytes_ > overhead_bytes_max) return std::unexpected(Refusal{431, "Trailer fields are too long"});
      line_.push_back(c);
      return {};
    case State::trailer_lf:
      if (c != '\n') return bad("Malformed trailer field");
      return end_trailer_line();
    case State::data:
    case State::complete: break;  // not reached: take() handles both
  }
  return {};
}

std::expected<void, Refusal> ChunkReader::take_size_char(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++size_digits_ > 8) return bad("Chunk size is too large");
    chunk_bytes_ = chunk_bytes_ * 16 + static_cast<std::uint64_t>(digit);
    return {};
  }
  if (size_digits_ == 0 || (c != '\r' && c != ';')) return bad("Malformed chunk size");
  if (c == ';') line_.push_back(c);
  state_ = c == '\r' ? State::size_lf : State::extension;
  return {};
}

std::expected<void, Refusal> ChunkReader::end_size_line() {
  if (!line_.empty() && !are_extensions(line_)) return bad("Malformed chunk extension");
  line_.clear();
  size_digits_ = 0;
  if (chunk_bytes_ == 0) {
    state_ = State::trailer;
    return {};
  }
  if (chunk_bytes_ > body_bytes_max_ - body_bytes_) return std::unexpected(Refusal{413, "The body is too large"});
  body_bytes_ += static_cast<std::size_t>(chunk_bytes_);
  state_ = State::data;
  return {};
}

std::expected<void, Refusal> ChunkReader::end_trailer_line() {
  if (line_.empty()) {
    state_ = State::complete;
    return {};
  }
  const std::size_t colon = line_.find(':');
  const std::string_view line = line_;
  if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon)) ||
      !is_field_value(line.substr(colon + 1))) {
    return bad("Malformed trailer field");
  }
  // RFC 9110, section 6.5.1: what says where a message ends or how its connection goes on comes before it, not after.
  for (const std::string_view misplaced : {"Content-Length", "Transfer-Encoding", "Host", "Connection",
                                           "Proxy-Connection", "Keep-Alive", "Upgrade", "Expect", "Trailer"}) {
    if (same_field_name(line.substr(0, colon), misplaced)) return bad("Field that has no place in a trailer");
  }
  line_.clear();
  state_ = State::trailer;
  return {};
}

}  // namespace jeton::http
