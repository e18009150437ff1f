// Preloaded into a process under test: its wall clock is half a minute ahead of everybody else's.
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

extern "C" int clock_gettime(clockid_t which, timespec* now) noexcept {
  const int failed = static_cast<int>(::syscall(SYS_clock_gettime, which, now));
  if (failed == 0 && which == CLOCK_REALTIME) now->tv_sec += 30;
  return failed;
}
