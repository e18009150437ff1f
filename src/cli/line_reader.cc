#include "cli/line_reader.h"

#include <algorithm>
#include <istream>

namespace jeton::cli {
namespace {
constexpr std::size_t chunk_bytes_max = 64 * 1024;
}

bool LineReader::refill() {
  std::streambuf& source = *in_.rdbuf();
  chunk_.clear();
  chunk_at_ = 0;
  try {
    if (source.sgetc() == std::streambuf::traits_type::eof()) return false;
    const auto available = std::clamp<std::streamsize>(source.in_avail(), 1, chunk_bytes_max);
    chunk_.resize(static_cast<std::size_t>(available));
    chunk_.resize(static_cast<std::size_t>(source.sgetn(chunk_.data(), available)));
  } catch (const std::ios_base::failure&) {
    // libstdc++ tells a failing read(2) apart from the end by throwing.
    failed_ = true;
    chunk_.clear();
  }
  return !chunk_.empty();
}

LineReader::Got LineReader::next() {
  line_.clear();
  bool began = false;
  bool too_long = false;
  for (;;) {
    if (chunk_at_ == chunk_.size() && !refill()) break;
    began = true;
    const std::string_view rest = std::string_view(chunk_).substr(chunk_at_);
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end);
    if (piece.size() > line_bytes_max_ - line_.size()) too_long = true;
    if (too_long) {
      line_.clear();
    } else {
      line_ += piece;
    }
    chunk_at_ += piece.size() + (end == std::string_view::npos ? 0 : 1);
    if (end != std::string_view::npos) break;
  }
  if (failed_) return Got::failed;
  if (!began) return Got::end;
  return too_long ? Got::too_long : Got::line;
}

}  // namespace jeton::cli
