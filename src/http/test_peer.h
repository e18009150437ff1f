// For the tests of this room: a server on a thread of its own, and a peer that sends any bytes it likes.
#pragma once

#include "http/server.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace jeton::http {

class RunningServer {
 public:
  RunningServer(ServerOptions options, Router router, Observer observer = {}, StreamServiceFactory streams = {}) {
    auto server = Server::listen(std::move(options), std::move(router), std::move(observer), std::move(streams));
    if (!server) throw std::runtime_error(server.error().text());
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~RunningServer() { stop(); }

  std::uint16_t port() const { return server_->port(); }
  Server& server() { return *server_; }
  void stop() {
    server_->stop();
    wait();
  }
  void wait() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

struct RawAnswer {
  int status = 0;  // 0: none came
  std::string head;
  std::string body;

  bool has(std::string_view line) const { return head.find(std::string(line) + "\r\n") != std::string::npos; }
};

class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port, int family = AF_INET) {
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    const int done = family == AF_INET ? ::connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof v4)
                                       : ::connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof v6);
    connected_ = done == 0;
    const int at_once = 1;  // what is sent in two pieces must not wait for an acknowledgement
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  }
  RawPeer(RawPeer&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), received_(std::move(other.received_)) {}
  ~RawPeer() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  // The next answer; of one without Content-Length only the head. `bodiless`: to a HEAD request.
  RawAnswer answer(bool bodiless = false) {
    RawAnswer answer;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return answer;
    }
    answer.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::size_t at = answer.head.find("Content-Length: ");
    if (bodiless || at == std::string::npos) return answer;
    const std::size_t size = std::stoul(answer.head.substr(at + 16));
    while (received_.size() < size) {
      if (!receive()) return answer;
    }
    answer.body = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
  }
  // What comes up to and with `end`; what came so far, if it never comes.
  std::string received_until(std::string_view end) {
    std::size_t at = 0;
    while ((at = received_.find(end)) == std::string::npos) {
      if (!receive()) return received_;
    }
    std::string text = received_.substr(0, at + end.size());
    received_.erase(0, text.size());
    return text;
  }
  const std::string& received() const { return received_; }
  // Takes some of what comes and forgets it; how much, 0 at the end.
  std::size_t drop_some() {
    if (received_.empty() && !receive()) return 0;
    const std::size_t size = received_.size();
    received_.clear();
    return size;
  }
  // Whether the server has closed or reset the connection, waiting no longer than that. What has come and was not taken
  // ends the waiting at once.
  bool closed_within(std::chrono::milliseconds time) {
    pollfd waited{fd_, POLLIN, 0};
    if (::poll(&waited, 1, static_cast<int>(time.count())) != 1) return false;
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK) <= 0;
  }
  // Takes and forgets what comes until nothing has come for that long. False: the server has closed or reset instead.
  bool is_quiet_for(std::chrono::milliseconds time) {
    pollfd waited{fd_, POLLIN, 0};
    while (::poll(&waited, 1, static_cast<int>(time.count())) == 1) {
      char bytes[4096];
      if (::recv(fd_, bytes, sizeof bytes, 0) <= 0) return false;
    }
    return true;
  }
  // Until the server's kernel has all that was sent: so long it may still be on its way, even on one machine. False: it
  // never got there.
  bool has_arrived() const {
    for (int i = 0; i < 20'000; ++i) {
      int unacknowledged = 0;
      if (::ioctl(fd_, SIOCOUTQ, &unacknowledged) != 0) return false;
      if (unacknowledged == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  // True when the server closes without sending another byte.
  bool sees_close() {
    while (receive()) {
    }
    return received_.empty() && !failed_;
  }

 private:
  bool receive() {
    pollfd waited{fd_, POLLIN, 0};
    if (::poll(&waited, 1, 20'000) != 1) {
      failed_ = true;
      return false;
    }
    char bytes[16 * 1024];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      if (got < 0) failed_ = true;  // a reset: what was under way may be lost
      return false;
    }
    received_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int fd_ = -1;
  bool connected_ = false;
  bool failed_ = false;
  std::string received_;
};

}  // namespace jeton::http
