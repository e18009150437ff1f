// Preloaded into a process under test: its wall clock is wrong by as many seconds as the file JETON_TEST_CLOCK_STEP
// holds (8 bytes, of this machine's order), and steps when that changes.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::int64_t* shared_step() noexcept {
  const char* const path = std::getenv("JETON_TEST_CLOCK_STEP");
  const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) ::_exit(99);  // better than a test that tests nothing
  void* const mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  if (mapped == MAP_FAILED) ::_exit(99);
  return static_cast<const std::int64_t*>(mapped);
}

}  // namespace

// Visible, or nobody gets it.
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t which, timespec* now) noexcept {
  static const std::int64_t* const step = shared_step();
  const int failed = static_cast<int>(::syscall(SYS_clock_gettime, which, now));
  if (failed == 0 && which == CLOCK_REALTIME) now->tv_sec += *static_cast<const volatile std::int64_t*>(step);
  return failed;
}
