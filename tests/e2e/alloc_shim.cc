// alloc_shim: a library that a process under test is started with (LD_PRELOAD). It counts what is asked of the heap,
// and the N-th time after it was armed there is none. It is told so, and tells that it did, as fault_shim.cc is.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

// As fault_control.py has it.
struct Control {
  std::atomic<std::int32_t> armed, target, mode, error, count, hit;
};

// Mapped when the library is loaded, not at the first call: that may come out of this very function.
Control* told = nullptr;

__attribute__((constructor)) void map_control() {
  const char* path = std::getenv("JETON_FAULTS");
  const int file = path == nullptr ? -1 : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0));
  if (file < 0) return;
  void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::syscall(SYS_close, file);
  if (at != MAP_FAILED) told = static_cast<Control*>(at);
}

bool is_turn() {
  if (told == nullptr || told->armed == 0) return false;
  if (++told->count != told->target) return false;
  told->hit = 1;
  errno = ENOMEM;
  return true;
}

}  // namespace

// The library shows nothing else.
#define SHIM extern "C" __attribute__((visibility("default")))

SHIM void* malloc(std::size_t bytes) { return is_turn() ? nullptr : __libc_malloc(bytes); }
SHIM void* calloc(std::size_t count, std::size_t bytes) { return is_turn() ? nullptr : __libc_calloc(count, bytes); }
SHIM void* realloc(void* block, std::size_t bytes) { return is_turn() ? nullptr : __libc_realloc(block, bytes); }
SHIM void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return is_turn() ? nullptr : __libc_memalign(alignment, bytes);
}
SHIM int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  void* made = is_turn() ? nullptr : __libc_memalign(alignment, bytes);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}
