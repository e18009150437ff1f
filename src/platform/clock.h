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

}  // namespace jeton::platform
