#include "load.h"

#include "../measure.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <deque>
#include <random>

namespace jeton::bench {
namespace {

using Steady = std::chrono::steady_clock;
using Moment = Steady::time_point;

constexpr std::chrono::seconds drain_max{10};
constexpr int refusals_shown_max = 3;

// What has been received of an answer, once it is whole.
struct Answer {
  int status = 0;
  std::string_view body;
  std::size_t size = 0;
};

std::optional<Answer> whole_answer(std::string_view received) {
  const auto head_end = received.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return std::nullopt;
  const auto head = received.substr(0, head_end);
  Answer answer;
  std::from_chars(head.data() + 9, head.data() + 12, answer.status);
  std::size_t body_bytes = 0;
  for (const std::string_view field : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
    const auto at = head.find(field);
    if (at == std::string_view::npos) continue;
    std::from_chars(head.data() + at + field.size(), head.data() + head.size(), body_bytes);
    break;
  }
  answer.size = head_end + 4 + body_bytes;
  if (received.size() < answer.size) return std::nullopt;
  answer.body = received.substr(head_end + 4, body_bytes);
  return answer;
}

struct Connection {
  int socket = -1;
  std::string received{};
  std::string_view unsent{};
  std::size_t slot = 0;
  Moment due{};
  bool is_busy = false;
};

int connect_to(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  expect(::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "cannot connect");
  const int yes = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return made;
}

class Driver {
 public:
  Driver(Requests& requests, const LoadOptions& options)
      : requests_(requests), options_(options), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    connections_.resize(options.connections);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].socket = connect_to(options.port);
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, connections_[i].socket, &event);
      idle_.push_back(i);
    }
  }
  ~Driver() {
    for (const Connection& one : connections_) ::close(one.socket);
    ::close(poll_);
  }
  Driver(const Driver&) = delete;

  LoadFigures run() {
    const Moment begin = Steady::now();
    measured_from_ = begin + options_.warm_up;
    measured_to_ = measured_from_ + options_.measured;
    next_due_ = begin;
    run_until(measured_from_);
    const double cpu_before = cpu_seconds_of(options_.server);
    const Moment before = Steady::now();
    figures_.answered = 0;
    run_until(measured_to_);
    figures_.seconds = std::chrono::duration<double>(Steady::now() - before).count();
    figures_.server_cpu_seconds = cpu_seconds_of(options_.server) - cpu_before;
    const auto answered = figures_.answered;
    drain();
    figures_.answered = answered;
    std::ranges::sort(figures_.latencies_ms);
    return std::move(figures_);
  }

 private:
  void run_until(Moment end) {
    while (Steady::now() < end && !finished_) {
      ask();
      if (!finished_) wait(end);
    }
  }

  void drain() {
    const Moment end = Steady::now() + drain_max;
    while (idle_.size() < connections_.size() && Steady::now() < end) wait(end);
  }

  void ask() {
    const Moment now = Steady::now();
    if (options_.rate > 0) {
      for (; next_due_ <= now; next_due_ += pause()) waiting_.push_back(next_due_);
    }
    while (!idle_.empty() && (options_.rate == 0 || !waiting_.empty())) {
      const auto request = requests_.next();
      if (!request) {
        finished_ = idle_.size() == connections_.size();  // nothing is under way that could bring another
        return;
      }
      Connection& one = connections_[idle_.back()];
      one.is_busy = true;
      one.slot = request->slot;
      one.due = options_.rate == 0 ? now : waiting_.front();
      if (options_.rate > 0) waiting_.pop_front();
      idle_.pop_back();
      // Small enough for the socket's buffer, which is empty.
      const auto sent = ::send(one.socket, request->text.data(), request->text.size(), MSG_NOSIGNAL);
      expect(sent == static_cast<ssize_t>(request->text.size()), "a request could not be sent whole");
    }
  }

  Steady::duration pause() {
    const std::chrono::duration<double> seconds(std::exponential_distribution<double>(options_.rate)(chance_));
    return std::chrono::duration_cast<Steady::duration>(seconds);
  }

  void wait(Moment end) {
    const Moment until = options_.rate > 0 ? std::min(end, next_due_) : end;
    const auto left = std::max<Steady::duration>(until - Steady::now(), Steady::duration::zero());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec timeout{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    std::array<epoll_event, 256> events;
    const int count = ::epoll_pwait2(poll_, events.data(), events.size(), &timeout, nullptr);
    for (int i = 0; i < count; ++i) receive(events[static_cast<std::size_t>(i)].data.u64);
  }

  void receive(std::size_t index) {
    Connection& one = connections_[index];
    std::array<char, 16384> chunk;
    const auto size = ::recv(one.socket, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    expect(size > 0, "the server closed a connection");
    one.received.append(chunk.data(), static_cast<std::size_t>(size));
    const auto answer = whole_answer(one.received);
    if (!answer) return;
    expect(one.is_busy, "an answer that nobody asked for");
    const Moment now = Steady::now();
    if (requests_.take(one.slot, answer->status, answer->body)) {
      ++figures_.answered;
      if (one.due >= measured_from_ && one.due < measured_to_) {
        figures_.latencies_ms.push_back(std::chrono::duration<double, std::milli>(now - one.due).count());
      }
    } else if (++figures_.refused <= refusals_shown_max) {
      std::fprintf(stderr, "refused: %d %.*s\n", answer->status, static_cast<int>(answer->body.size()),
                   answer->body.data());
    }
    one.received.erase(0, answer->size);
    one.is_busy = false;
    idle_.push_back(index);
  }

  Requests& requests_;
  const LoadOptions options_;
  const int poll_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::deque<Moment> waiting_;  // due, and no connection was free
  Moment next_due_{}, measured_from_{}, measured_to_{};
  bool finished_ = false;
  std::mt19937_64 chance_{20261124};
  LoadFigures figures_;
};

}  // namespace

double LoadFigures::latency_ms(double share) const {
  if (latencies_ms.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_ms.size()));
  return latencies_ms[std::min(at, latencies_ms.size() - 1)];
}

double cpu_seconds_of(pid_t process) {
  clockid_t clock{};
  timespec used{};
  expect(::clock_getcpuclockid(process, &clock) == 0 && ::clock_gettime(clock, &used) == 0,
         "the server's CPU time cannot be read");
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

LoadFigures run_load(Requests& requests, const LoadOptions& options) { return Driver(requests, options).run(); }

}  // namespace jeton::bench
