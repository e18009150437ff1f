// For the tests of the proxy: a server that does what a script says on each connection, and a proxy before it.
#pragma once

#include "gateway/proxy/proxy.h"
#include "http/test_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::gateway {

// Sanitizers keep freed memory for a while, so that what a process holds says nothing.
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool memory_is_watched = true;
#else
inline constexpr bool memory_is_watched = false;
#endif

// One connection, as the script sees it.
class OriginPeer {
 public:
  explicit OriginPeer(int fd) : fd_(fd) {}
  ~OriginPeer() {
    if (fd_ >= 0) ::close(fd_);
  }
  OriginPeer(const OriginPeer&) = delete;
  OriginPeer& operator=(const OriginPeer&) = delete;

  // The next request's head with its empty line; empty when the proxy closes first.
  std::string head() { return until("\r\n\r\n"); }
  std::string until(std::string_view end) {
    std::size_t at = 0;
    while ((at = received_.find(end)) == std::string::npos) {
      if (!receive()) return {};
    }
    std::string text = received_.substr(0, at + end.size());
    received_.erase(0, text.size());
    return text;
  }
  // At most `size` bytes: less when the proxy closes.
  std::string bytes(std::size_t size) {
    while (received_.size() < size && receive()) {
    }
    std::string text = received_.substr(0, size);
    received_.erase(0, text.size());
    return text;
  }
  bool sees_close() { return !receive(); }
  // Takes some of what comes and forgets it; how much, 0 at the end.
  std::size_t drop_some() {
    if (received_.empty() && !receive()) return 0;
    return std::exchange(received_, {}).size();
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
  }
  int fd() const { return fd_; }

 private:
  bool receive() {
    char buffer[64 * 1024];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  std::string received_;
};

class Origin {
 public:
  using Script = std::function<void(OriginPeer&, unsigned connection)>;

  explicit Origin(Script script) : script_(std::move(script)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 256) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port for the origin");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Origin() { stop(); }
  void stop() {
    if (fd_ < 0) return;
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    ::close(std::exchange(fd_, -1));
    {
      const std::lock_guard lock(mutex_);
      for (const int open : open_) ::shutdown(open, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  unsigned connections() const { return connections_; }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const unsigned number = ++connections_;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, number] {
        {
          const int kept = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);  // `fd` stays ours to shut down
          OriginPeer peer(kept);
          script_(peer, number);
        }
        const std::lock_guard closing(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  }

  Script script_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> connections_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A proxy that passes everything on to one upstream, unless `decide` says otherwise.
class RunningProxy {
 public:
  using Change = std::function<void(Forward&, const http::RequestHead&)>;
  explicit RunningProxy(http::UpstreamOptions upstream, http::ServerOptions server = {}, Change change = {})
      : upstream_(made(std::move(upstream))),
        change_(std::move(change)),
        server_(std::move(server), {}, {},
                proxy_service({.decide = [this](const http::RequestHead& head, const Trace&)
                                   -> boost::asio::awaitable<ProxyDecision> { co_return decided(head); },
                               .observer =
                                   [this](const Relayed& one) {
                                     const std::lock_guard lock(mutex_);
                                     told_.push_back({one.status, one.error, one.attempts, one.complete});
                                   }})) {}

  struct Told {
    int status;
    std::optional<http::UpstreamError> error;
    unsigned attempts;
    bool complete;
  };
  std::vector<Told> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::uint16_t port() const { return server_.port(); }
  http::Upstream& upstream() { return *upstream_; }
  http::RunningServer& server() { return server_; }

 private:
  static std::shared_ptr<http::Upstream> made(http::UpstreamOptions options) {
    options.name = "origin";
    auto upstream = http::Upstream::create(std::move(options));
    if (!upstream) throw std::runtime_error(upstream.error().text());
    return *upstream;
  }
  ProxyDecision decided(const http::RequestHead& head) {
    if (head.request.path == "/refused") return http::json_response(401, R"({"error":"Access token required"})");
    Forward forward{.upstream = upstream_, .path = head.request.path};
    if (change_) change_(forward, head);
    return forward;
  }

  std::shared_ptr<http::Upstream> upstream_;
  Change change_;
  std::mutex mutex_;
  std::vector<Told> told_;
  http::RunningServer server_;
};

}  // namespace jeton::gateway
