#include "protected_text.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace jeton::hostile {

ProtectedText::ProtectedText(std::size_t size, std::size_t readable) : size_(size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t open_size = (readable + page - 1) / page * page;
  pages_size_ = open_size + (size - readable + page) / page * page;
  pages_ = mmap(nullptr, pages_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages_ == MAP_FAILED) throw std::runtime_error("mmap");
  char* const wall = static_cast<char*>(pages_) + open_size;
  begin_ = wall - readable;
  std::memset(begin_, 'A', readable);
  if (mprotect(wall, pages_size_ - open_size, PROT_NONE) != 0) throw std::runtime_error("mprotect");
}

ProtectedText::~ProtectedText() { munmap(pages_, pages_size_); }

}  // namespace jeton::hostile
