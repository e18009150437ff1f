// Fault: why something outside the program did not work, for a person: what happened and where, and what to do.
#pragma once

#include <expected>
#include <string>

namespace jeton::platform {

struct Fault {
  std::string what;    // "127.0.0.1:8080 is taken (by nginx, pid 812)."
  std::string remedy;  // "Choose another with --listen, or stop it." May be empty.

  std::string text() const { return remedy.empty() ? what : what + " " + remedy; }
};

template <class T>
using Outcome = std::expected<T, Fault>;

}  // namespace jeton::platform
