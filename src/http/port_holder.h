// port_holder: who listens on a TCP port of this machine, as far as /proc tells this user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace jeton::http {

struct PortHolder {
  std::string program;  // as in /proc/PID/comm, made printable
  int pid = 0;
};

// Any listener on `port`, whatever its address. nullopt: nobody, or a process whose descriptors this user may not see.
std::optional<PortHolder> port_holder(std::uint16_t port);

}  // namespace jeton::http
