// ProtectedText: a text whose bytes, from a chosen place on, must not be touched: whoever reads them ends the program.
#pragma once

#include <cstddef>
#include <string_view>

namespace jeton::hostile {

class ProtectedText {
 public:
  // `size` bytes, the first `readable` of them 'A', the others behind a page that cannot be read.
  ProtectedText(std::size_t size, std::size_t readable);
  ~ProtectedText();
  ProtectedText(const ProtectedText&) = delete;
  ProtectedText& operator=(const ProtectedText&) = delete;

  std::string_view text() const noexcept { return {begin_, size_}; }
  char* begin() noexcept { return begin_; }

 private:
  void* pages_;
  std::size_t pages_size_, size_;
  char* begin_;
};

}  // namespace jeton::hostile
