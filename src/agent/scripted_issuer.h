// For the tests of this room: an issuer on this machine that answers each path with what it is told, counts, and can be
// as wrong as it likes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::agent {

class ScriptedIssuer {
 public:
  // One request: its head, and the way back.
  class Peer {
   public:
    Peer(int fd, std::string received) : head(std::move(received)), fd_(fd) {}
    bool send(std::string_view bytes) {
      while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes_sent += static_cast<std::size_t>(sent);
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      }
      return true;
    }
    const std::string head;
    std::size_t bytes_sent = 0;

   private:
    int fd_;
  };
  using Script = std::function<void(Peer&)>;

  ScriptedIssuer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept(); });
  }
  ~ScriptedIssuer() { stop(); }
  // Nothing listens any more.
  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& one : serving_) one.join();
    ::close(listener_);
  }

  std::string url(std::string_view path = "") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  void script(const std::string& path, Script script) {
    const std::lock_guard lock(mutex_);
    scripts_[path] = std::move(script);
  }
  void answer(const std::string& path, std::string status, std::string headers, std::string body) {
    const std::string text =
        "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    script(path, [text](Peer& peer) { peer.send(text); });
  }
  int count(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(path);
    return found == counts_.end() ? 0 : found->second;
  }
  int count() const { return total_; }
  bool stopping() const { return stopping_; }

 private:
  void accept() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      serving_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    std::string head;
    char bytes[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      head.append(bytes, static_cast<std::size_t>(got));
    }
    const auto begin = head.find(' ') + 1;
    const std::string path = head.substr(begin, head.find(' ', begin) - begin);
    Script script;
    {
      const std::lock_guard lock(mutex_);
      ++counts_[path];
      ++total_;
      script = scripts_[path];
    }
    Peer peer(fd, head);
    if (script) {
      script(peer);
    } else {
      peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::shutdown(fd, SHUT_RDWR);
    ::close(fd);
  }

  int listener_;
  std::uint16_t port_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::map<std::string, Script> scripts_;
  std::map<std::string, int> counts_;
  std::atomic<int> total_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace jeton::agent
