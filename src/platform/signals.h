// Signals of a server: SIGTERM and SIGINT stop it, the second one at once; SIGHUP reloads. Taken by a thread of their
// own, where anything may be done that a signal handler may not.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace jeton::platform {

// Blocks the signals that SignalThread takes, for this thread and all that it starts from now on, and ignores SIGPIPE.
// To be called before the first thread is started: a thread that does not block them would be ended by them.
void block_signals() noexcept;

// The actions must not throw; they are called one after another, never two at once.
struct SignalActions {
  std::function<void()> stop;    // the first SIGTERM or SIGINT; a further one ends the process, with 128 + its number
  std::function<void()> reload;  // each SIGHUP before that
};

class SignalThread {
 public:
  explicit SignalThread(SignalActions actions);  // after block_signals()
  // Waits for the action under way. Signals that come later stay pending.
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void run();
  void take(int signal);

  SignalActions actions_;
  bool stopping_ = false;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace jeton::platform
