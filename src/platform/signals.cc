#include "platform/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>

namespace jeton::platform {

struct SignalThread::State {
  SignalActions actions;
  sigset_t mask_before{};
  int signals = -1;
  int ending = -1;
  std::thread thread;

  ~State() {
    if (signals >= 0) ::close(signals);
    if (ending >= 0) ::close(ending);
  }

  void run() {
    std::array<pollfd, 2> waited = {pollfd{signals, POLLIN, 0}, pollfd{ending, POLLIN, 0}};
    while (true) {
      if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return;
      if (waited[1].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
      if (info.ssi_signo == SIGHUP) {
        if (actions.reload) actions.reload();
      } else if (actions.stop) {
        actions.stop(info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
      }
    }
  }
};

SignalThread::SignalThread(std::unique_ptr<State> state) : state_(std::move(state)) {}

Outcome<std::unique_ptr<SignalThread>> SignalThread::start(SignalActions actions) {
  auto state = std::make_unique<State>();
  state->actions = std::move(actions);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, signal);
  state->signals = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  state->ending = ::eventfd(0, EFD_CLOEXEC);
  if (state->signals < 0 || state->ending < 0) {
    return std::unexpected(Fault{"cannot wait for signals: " + std::generic_category().message(errno) + ".", ""});
  }
  std::signal(SIGPIPE, SIG_IGN);
  ::pthread_sigmask(SIG_BLOCK, &set, &state->mask_before);
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return std::unique_ptr<SignalThread>(new SignalThread(std::move(state)));
}

SignalThread::~SignalThread() {
  const std::uint64_t one = 1;
  while (::write(state_->ending, &one, sizeof one) < 0 && errno == EINTR) {
  }
  state_->thread.join();
  ::pthread_sigmask(SIG_SETMASK, &state_->mask_before, nullptr);
}

}  // namespace jeton::platform
