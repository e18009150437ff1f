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
      if (++overhead_bytes_ > overhead_bytes_max) return std::unexpected(Refusal{431, "Trailer fields are too long"});
      trailer_line_.push_back(c);
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
  state_ = c == '\r' ? State::size_lf : State::extension;
  return {};
}

std::expected<void, Refusal> ChunkReader::end_size_line() {
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
  if (trailer_line_.empty()) {
    state_ = State::complete;
    return {};
  }
  const std::size_t colon = trailer_line_.find(':');
  const std::string_view line = trailer_line_;
  if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon)) || !is_field_value(line.substr(colon + 1))) {
    return bad("Malformed trailer field");
  }
  trailer_line_.clear();
  state_ = State::trailer;
  return {};
}

}  // namespace jeton::http
