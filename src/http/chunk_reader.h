// ChunkReader: takes a chunked body apart as its bytes arrive (RFC 9112, section 7.1), strictly and within limits.
//
// Extensions and trailer fields are checked for their form, counted against a limit and dropped. Bare LF, space
// around the size, a size of more than eight digits, and data that does not end in CR LF are refused.
#pragma once

#include "http/request_head.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace jeton::http {

class ChunkReader {
 public:
  // Extensions and trailers together, over the whole body.
  static constexpr std::size_t overhead_bytes_max = 4 * 1024;

  explicit ChunkReader(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Consumes from the front of `bytes`, appends data to `body`. Returns the number of bytes consumed: all of them
  // unless the body is complete. Refusals: 400 for the form, 413 for the size. Not to be called again after a
  // refusal.
  std::expected<std::size_t, Refusal> take(std::string_view bytes, std::string& body);
  bool complete() const noexcept { return state_ == State::complete; }

 private:
  enum class State : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer, trailer_lf, complete };

  std::expected<std::size_t, Refusal> take_data(std::string_view bytes, std::string& body);
  std::expected<void, Refusal> take_one(char c);
  std::expected<void, Refusal> take_size_char(char c);
  std::expected<void, Refusal> end_size_line();
  std::expected<void, Refusal> end_trailer_line();

  std::size_t body_bytes_max_;
  std::size_t body_bytes_ = 0;
  std::size_t overhead_bytes_ = 0;
  std::uint64_t chunk_bytes_ = 0;  // left of the chunk being read
  unsigned size_digits_ = 0;
  std::string line_;  // the extensions or the trailer field being read
  State state_ = State::size;
};

}  // namespace jeton::http
