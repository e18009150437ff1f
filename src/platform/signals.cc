#include "platform/signals.h"

#include "platform/log.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace jeton::platform {
namespace {

sigset_t taken_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals() noexcept {
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

SignalThread::SignalThread(SignalActions actions) : actions_(std::move(actions)), thread_([this] { run(); }) {}

SignalThread::~SignalThread() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGHUP);  // to that thread alone: it wakes up and sees `ending_`
  thread_.join();
}

void SignalThread::run() {
  const sigset_t set = taken_signals();
  for (int signal = 0; !ending_;) {
    if (sigwait(&set, &signal) == 0 && !ending_) take(signal);
  }
}

void SignalThread::take(int signal) {
  if (signal == SIGHUP) {
    if (!stopping_) actions_.reload();
    return;
  }
  if (stopping_) {
    // Nothing is lost: what was answered is durable.
    log_warning("stopped at once", {{"reason", "a second signal"}});
    std::_Exit(128 + signal);
  }
  stopping_ = true;
  log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  actions_.stop();
}

}  // namespace jeton::platform
