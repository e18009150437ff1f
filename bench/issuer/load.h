// Load: many keep-alive connections to one server on this machine, driven from one thread.
//
// Closed loop (rate 0): every connection asks again as soon as it was answered; gives the most that the server does.
// Open loop: requests fall due at random moments (Poisson) at the given rate, whatever the server does, and a latency
// counts from the moment a request was due; so a stall is not hidden by a client that waits politely.
//
// The server's CPU time is that of its process, so that figures per core hold although this client shares the machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::bench {

// What is asked, and what is made of the answers.
class Requests {
 public:
  struct Next {
    std::size_t slot;       // given back with the answer
    std::string_view text;  // head and body; until the answer
  };
  virtual ~Requests() = default;
  // Nothing: all that can be asked is under way. With nothing under way, the run ends early.
  virtual std::optional<Next> next() = 0;
  // True if it is the answer that was wanted.
  virtual bool take(std::size_t slot, int status, std::string_view body) = 0;
};

struct LoadOptions {
  std::uint16_t port = 0;
  pid_t server = 0;
  std::size_t connections = 64;
  double rate = 0;  // requests a second; 0: closed loop
  std::chrono::milliseconds warm_up{500};
  std::chrono::milliseconds measured{2000};
};

struct LoadFigures {
  std::uint64_t answered = 0;  // as wanted, within the measured time
  std::uint64_t refused = 0;   // otherwise, ever
  double seconds = 0, server_cpu_seconds = 0;
  std::vector<double> latencies_ms;  // sorted

  double per_second() const { return static_cast<double>(answered) / seconds; }
  double cpu_us() const { return server_cpu_seconds * 1e6 / static_cast<double>(answered); }
  double latency_ms(double share) const;
};

LoadFigures run_load(Requests& requests, const LoadOptions& options);

// CPU time, in seconds, that a process has used so far, with the threads that have ended.
double cpu_seconds_of(pid_t process);

}  // namespace jeton::bench
