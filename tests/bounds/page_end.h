// PageEnd: for tests, text that lies at the very end of a page behind which nothing may be read. Whoever reads a byte
// too many ends the program.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace jeton::jose {

class PageEnd {
 public:
  explicit PageEnd(std::size_t bytes_max) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    bytes_ = (bytes_max + page_ - 1) / page_ * page_;
    void* const made = mmap(nullptr, bytes_ + page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) std::abort();
    begin_ = static_cast<char*>(made);
    if (mprotect(begin_ + bytes_, page_, PROT_NONE) != 0) std::abort();
  }
  PageEnd(const PageEnd&) = delete;
  PageEnd& operator=(const PageEnd&) = delete;
  ~PageEnd() { munmap(begin_, bytes_ + page_); }

  // The last `size` bytes before the end.
  char* last(std::size_t size) const noexcept { return begin_ + bytes_ - size; }
  std::string_view place(std::string_view text) const noexcept {
    if (!text.empty()) std::memcpy(last(text.size()), text.data(), text.size());
    return {last(text.size()), text.size()};
  }

 private:
  std::size_t page_, bytes_ = 0;
  char* begin_ = nullptr;
};

}  // namespace jeton::jose
