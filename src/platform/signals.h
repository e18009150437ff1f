// SignalThread: turns SIGINT, SIGTERM and SIGHUP into calls on a thread of its own, where anything may be done that a
// signal handler may not.
//
// Make it before any other thread: it blocks the three signals in the calling thread, and threads that are started
// later inherit that. It also ignores SIGPIPE for the process, so that a reader of stderr that goes away does not end
// it. Destruction ends the thread and puts the calling thread's mask back; destroy it on the thread that made it.
#pragma once

#include "platform/fault.h"

#include <functional>
#include <memory>

namespace jeton::platform {

struct SignalActions {
  std::function<void(const char* name)> stop;  // "SIGINT" or "SIGTERM", each time one comes
  std::function<void()> reload;                // SIGHUP
};

class SignalThread {
 public:
  // The actions must not throw; either may be empty.
  static Outcome<std::unique_ptr<SignalThread>> start(SignalActions actions);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  struct State;
  explicit SignalThread(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jeton::platform
