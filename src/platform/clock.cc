#include "platform/clock.h"

#include <ctime>

namespace jeton::platform {

std::chrono::sys_time<std::chrono::milliseconds> SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::chrono::milliseconds SteadyClock::ticks() const {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // goes on while the machine sleeps, which std::chrono::steady_clock does not
  return std::chrono::seconds{now.tv_sec} + std::chrono::milliseconds{now.tv_nsec / 1'000'000};
}

}  // namespace jeton::platform
