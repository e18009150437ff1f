#include "cli/serve_signals.h"

#include "platform/log.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace jeton::cli {
namespace {

sigset_t serve_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_serve_signals() noexcept {
  const sigset_t set = serve_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

SignalThread::SignalThread(Actions actions) : actions_(std::move(actions)) {
  const sigset_t set = serve_signals();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  end_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

SignalThread::~SignalThread() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(end_, &one, sizeof one));
  thread_.join();
  ::close(signals_);
  ::close(end_);
}

void SignalThread::run() {
  for (;;) {
    std::array<pollfd, 2> watched{
        {{.fd = signals_, .events = POLLIN, .revents = 0}, {.fd = end_, .events = POLLIN, .revents = 0}}};
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == sizeof info) take(static_cast<int>(info.ssi_signo));
  }
}

void SignalThread::take(int signal) {
  if (signal == SIGHUP) {
    if (!stopping_) actions_.reload();
    return;
  }
  if (stopping_) {
    // Nothing is lost: what was answered is durable.
    platform::log_warning("stopped at once", {{"reason", "a second signal"}});
    std::_Exit(128 + signal);
  }
  stopping_ = true;
  platform::log_info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  actions_.stop();
}

}  // namespace jeton::cli
