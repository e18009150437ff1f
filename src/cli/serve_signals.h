// Signals of a server: SIGTERM and SIGINT stop it, the second one at once; SIGHUP reloads. Taken by a thread of their
// own, so that their work may do anything.
#pragma once

#include <functional>
#include <memory>
#include <thread>

namespace jeton::cli {

// Blocks the signals that SignalThread takes, for this thread and all that it starts from now on, and ignores SIGPIPE.
// To be called before the first thread is started.
void block_serve_signals() noexcept;

class SignalThread {
 public:
  struct Actions {
    std::function<void()> stop;    // the first SIGTERM or SIGINT
    std::function<void()> reload;  // each SIGHUP
  };
  explicit SignalThread(Actions actions);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void run();
  void take(int signal);

  Actions actions_;
  int signals_ = -1;  // signalfd
  int end_ = -1;      // eventfd, written to when this object ends
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace jeton::cli
