// has_gone_reader: whether standard output is a pipe that nobody reads any more (`jeton audit list | head`).
#pragma once

#include <poll.h>
#include <unistd.h>

namespace jeton::cli {

// What a shell answers for a program that SIGPIPE has ended: no failure that anybody has to be told of.
inline constexpr int exit_unread = 141;

inline bool has_gone_reader() {
  pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

}  // namespace jeton::cli
