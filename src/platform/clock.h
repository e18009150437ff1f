// ClockSource: wall-clock time, handed in by whoever wires the program together. Only SystemClock reads the system's.
#pragma once

#include <jeton/time.h>

#include <chrono>

namespace jeton::platform {

struct ClockSource {
  virtual std::chrono::sys_time<std::chrono::milliseconds> now() const = 0;
  UnixTime now_seconds() const { return std::chrono::floor<std::chrono::seconds>(now()); }
  virtual ~ClockSource() = default;
};

class SystemClock final : public ClockSource {
 public:
  std::chrono::sys_time<std::chrono::milliseconds> now() const override;
};

// Time that only goes on, for how long something has lasted: whatever happens to the wall clock, and while the machine
// sleeps. Since some moment that means nothing to other processes.
struct MonotonicSource {
  virtual std::chrono::milliseconds ticks() const = 0;
  virtual ~MonotonicSource() = default;
};

class SteadyClock final : public MonotonicSource {
 public:
  std::chrono::milliseconds ticks() const override;
};

}  // namespace jeton::platform
