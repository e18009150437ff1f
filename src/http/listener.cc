#include "http/listener.h"

#include "http/port_holder.h"

#include <fmt/format.h>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace jeton::http {
namespace {

using platform::Fault;
using platform::Outcome;

constexpr int backlog_connections_max = 4096;  // the kernel lowers it to net.core.somaxconn
constexpr auto lock_wait_time_max = std::chrono::seconds(2);

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* generic() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  bool is_ipv6() const noexcept { return storage.ss_family == AF_INET6; }
  void set_port(std::uint16_t port) noexcept {
    if (is_ipv6())
      reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
    else
      reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  }
};

Outcome<Address> resolve(const std::string& host) {
  std::string name = host;
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int code = name.empty() ? EAI_NONAME : ::getaddrinfo(name.c_str(), "0", &hints, &found);
  if (code != 0) {
    return std::unexpected(
        Fault{fmt::format("{} is not an address to listen on: {}.", host.empty() ? "\"\"" : host, ::gai_strerror(code)),
              "Give --listen an address of this machine, such as 127.0.0.1:8080."});
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  return address;
}

std::string errno_text(int code) { return std::generic_category().message(code); }

Fault listen_fault(const std::string& where, std::uint16_t port, int code) {
  if (code == EADDRINUSE) {
    const auto holder = port_holder(port);
    const std::string by = !holder                     ? ""
                           : holder->pid == ::getpid() ? " (by this process)"
                                                       : fmt::format(" (by {}, pid {})", holder->program, holder->pid);
    return {fmt::format("{} is taken{}.", where, by), "Choose another with --listen, or stop it."};
  }
  if (code == EACCES) {
    return {fmt::format("{} may not be listened on: {}.", where, errno_text(code)),
            "Choose a port from 1024 up with --listen, or grant CAP_NET_BIND_SERVICE."};
  }
  if (code == EADDRNOTAVAIL) {
    return {fmt::format("{} is not an address of this machine.", where), "Choose another with --listen."};
  }
  return {fmt::format("{} cannot be listened on: {}.", where, errno_text(code)), ""};
}

bool set_option(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// Opens, binds and listens; on failure returns an empty Descriptor and leaves the reason in errno.
Descriptor listen_on(const Address& address, bool share) {
  Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool listening = socket && set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
                         (!share || set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1)) &&
                         (!address.is_ipv6() || set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
                         ::bind(socket.get(), address.generic(), address.size) == 0 &&
                         ::listen(socket.get(), backlog_connections_max) == 0;
  if (listening) return socket;
  const int code = errno;
  socket.reset();
  errno = code;
  return socket;
}

std::uint16_t port_of(int fd) noexcept {
  Address bound;
  bound.size = sizeof bound.storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  return ntohs(bound.is_ipv6() ? reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port
                               : reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

// Held while a server goes from "nobody listens there" to listening itself. Another holder is waited for; after
// lock_wait_time_max the start goes on without it, since a stranger may hold the name for ever.
Descriptor lock_port(std::uint16_t port) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = fmt::format("jeton/listen/{}", port);
  std::memcpy(name.sun_path + 1, text.data(), text.size());  // the leading NUL makes it abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  const auto give_up = std::chrono::steady_clock::now() + lock_wait_time_max;
  while (true) {
    Descriptor lock(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!lock || ::bind(lock.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0) return lock;
    if (errno != EADDRINUSE || std::chrono::steady_clock::now() > give_up) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string address_text(const std::string& host, std::uint16_t port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

platform::Outcome<Listeners> open_listeners(const std::string& host, std::uint16_t port, std::size_t count) {
  auto address = resolve(host);
  if (!address) return std::unexpected(std::move(address.error()));
  Descriptor lock;
  if (port != 0) {  // the kernel never gives port 0 a port that anyone uses, shared or not
    lock = lock_port(port);
    address->set_port(port);
    if (!listen_on(*address, false)) return std::unexpected(listen_fault(address_text(host, port), port, errno));
  }
  Listeners listeners;
  listeners.is_ipv6 = address->is_ipv6();
  for (std::size_t i = 0; i < count; ++i) {
    Descriptor socket = listen_on(*address, true);
    if (!socket) return std::unexpected(listen_fault(address_text(host, port), port, errno));
    if (i == 0) {
      port = port_of(socket.get());
      address->set_port(port);
    }
    listeners.sockets.push_back(std::move(socket));
  }
  listeners.port = port;
  return listeners;
}

}  // namespace jeton::http
