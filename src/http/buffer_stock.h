// BufferStock: an event loop's buffers that are not in use, for whoever needs one for a moment: the one given back last
// is the next to be taken, so that it still lies in the processor's cache. Without it each request would ask the
// allocator for a large piece, and that tidies up all small ones each time.
//
// Threads: its loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace jeton::http {

class BufferStock {
 public:
  using Buffer = std::unique_ptr<char[]>;
  static constexpr std::size_t kept_max = 64;

  explicit BufferStock(std::size_t buffer_bytes) : bytes_(buffer_bytes) { kept_.reserve(kept_max); }

  std::size_t buffer_bytes() const noexcept { return bytes_; }
  // What is in it is not initialized.
  Buffer take() {
    if (kept_.empty()) return std::make_unique_for_overwrite<char[]>(bytes_);
    Buffer buffer = std::move(kept_.back());
    kept_.pop_back();
    return buffer;
  }
  void give(Buffer buffer) noexcept {
    if (buffer && kept_.size() < kept_max) kept_.push_back(std::move(buffer));  // there is room for it
  }

 private:
  std::size_t bytes_;
  std::vector<Buffer> kept_;
};

}  // namespace jeton::http
