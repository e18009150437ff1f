// open_listeners: the listening sockets of a server, one for each event loop, all on one address (SO_REUSEPORT).
//
// SO_REUSEPORT alone would let a second server of the same user share the port in silence. So the address is first
// bound and listened on plainly, which fails if anyone listens there, sharing or not; only then are the sharing
// sockets opened. Between the two steps the port is free for a moment: a lock (an abstract Unix socket named after
// the port, which the kernel releases with the process) keeps two servers that start together from both passing the
// first step.
#pragma once

#include "platform/fault.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace jeton::http {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;
  void reset() noexcept;

 private:
  int fd_ = -1;
};

struct Listeners {
  std::vector<Descriptor> sockets;  // non-blocking, listening
  bool is_ipv6 = false;
  std::uint16_t port = 0;
};

// `host` is a name or an address, an IPv6 address with or without brackets. `port` 0: any free one, the same for all.
platform::Outcome<Listeners> open_listeners(const std::string& host, std::uint16_t port, std::size_t count);

// "127.0.0.1:8080", "[::1]:8080"
std::string address_text(const std::string& host, std::uint16_t port);

}  // namespace jeton::http
