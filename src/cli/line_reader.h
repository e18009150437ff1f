// LineReader: one line after the other, each bounded, without waiting for more than there is.
//
// A line ends at LF or at the end of input; an LF at the very end makes no further, empty line. A line that is too
// long is passed over whole and reported once, so that the stream stays in step. It never waits for bytes behind a
// complete line: whoever writes one line and waits for the answer gets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace jeton::cli {

class LineReader {
 public:
  // `in` outlives the reader.
  LineReader(std::istream& in, std::size_t line_bytes_max) : in_(in), line_bytes_max_(line_bytes_max) {}

  enum class Got : std::uint8_t { line, too_long, end, failed };
  // `failed`: the input cannot be read; what came of the line under way is not given out. On `line`, line() is the
  // text without its LF, until the next call.
  Got next();
  std::string_view line() const noexcept { return line_; }

 private:
  // Fills chunk_ with what there is, waiting for at least one byte. False at the end.
  bool refill();

  std::istream& in_;
  std::size_t line_bytes_max_;
  std::string line_;
  std::string chunk_;
  std::size_t chunk_at_ = 0;
  bool failed_ = false;
};

}  // namespace jeton::cli
