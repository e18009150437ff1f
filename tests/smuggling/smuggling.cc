// smuggling FIRST COUNT NAME=PORT=LOG…: sends COUNT mutated requests (mutation.h) through our proxy to each of the
// named servers, which write what they saw into LOG, a line `METHOD TARGET …` for each request. What a server saw must
// be what our proxy says it sent: each whole request once, one of which the client withheld the end at most once, and
// nothing else. Exits 1 when there is a difference, and shows it.
// smuggling canary NAME=PORT=LOG…: sends each server one request past our proxy, which must be noticed; exits 1 if not.
#include "mutation.h"

#include "gateway/proxy/proxy.h"
#include "http/test_peer.h"

#include <jeton/path.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace jeton::smuggling {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t batch_size = 100;
constexpr auto settle_time_max = 10s;

struct Server {
  std::string name;
  std::uint16_t port = 0;
  std::string log;
};

// What was sent, or seen: how often each line.
using Lines = std::map<std::string, int>;

// One server with our proxy before it.
class Course {
 public:
  explicit Course(const Server& server)
      : server_(server),
        upstream_(made(server)),
        proxy_(
            options(), {}, {},
            gateway::proxy_service({.decide = [this](const http::RequestHead& head, const gateway::Trace&)
                                        -> boost::asio::awaitable<gateway::ProxyDecision> { co_return decide(head); },
                                    .observer = [this](const gateway::Relayed& one) { note(one); }})),
        log_(server.log) {
    log_.seekg(0, std::ios::end);  // what was seen before is no concern of ours
  }

  bool run(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t at = first; at < first + count; at += batch_size) {
      const std::uint64_t end = std::min(at + batch_size, first + count);
      for (std::uint64_t number = at; number < end; ++number) {
        if (converse(mutated_request(number))) continue;
        std::printf("%s: request %llu: no end\n", server_.name.c_str(), static_cast<unsigned long long>(number));
        return false;
      }
      if (!settle(at, end)) return false;
    }
    return true;
  }
  // What the proxy did not send is seen to be so.
  bool notices_a_stowaway() {
    http::RawPeer peer(server_.port);
    peer.send("GET /stowaway HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n");
    peer.sees_close();
    const auto give_up = std::chrono::steady_clock::now() + settle_time_max;
    do {
      read_log();
      if (difference() == "seen, and not sent: GET /stowaway") return true;
      std::this_thread::sleep_for(2ms);
    } while (std::chrono::steady_clock::now() < give_up);
    std::printf("%s: a request past the proxy was not noticed\n", server_.name.c_str());
    return false;
  }
  void report() const {
    std::printf("%-8s %10llu answered by us %10llu sent whole %8llu sent in part %10llu seen\n", server_.name.c_str(),
                static_cast<unsigned long long>(answered_), static_cast<unsigned long long>(whole_),
                static_cast<unsigned long long>(partly_), static_cast<unsigned long long>(seen_count_));
  }

 private:
  static http::ServerOptions options() {
    http::ServerOptions options;
    options.paths = http::PathReading::raw;
    return options;
  }
  static std::shared_ptr<http::Upstream> made(const Server& server) {
    http::UpstreamOptions options;
    options.name = server.name;
    options.servers = {"http://127.0.0.1:" + std::to_string(server.port)};
    options.passive_failures_max = 1'000'000'000;
    return *http::Upstream::create(std::move(options));
  }
  gateway::ProxyDecision decide(const http::RequestHead& head) const {
    auto path = canonical_path(head.request.path);
    if (!path) return http::json_response(400, R"({"error":"Invalid path"})");
    return gateway::Forward{.upstream = upstream_, .path = std::move(*path)};
  }
  void note(const gateway::Relayed& one) {
    const std::lock_guard lock(mutex_);
    if (one.attempts == 0) ++answered_;
    if (one.attempts == 0) return;
    const auto& request = one.request.request;
    std::string line = std::string(one.request.method_name()) + " ";
    line += canonical_path(request.path).value_or("?");
    if (request.target.size() > request.path.size()) line += "?" + request.query;
    // A request whose body the client did not send to its end, or badly, was begun and then cut.
    const bool cut = one.request.framing != http::BodyFraming::none && one.error.has_value();
    (cut ? partly_ : whole_) += one.attempts;
    (cut ? sent_in_part_ : sent_)[line] += static_cast<int>(one.attempts);
  }
  // False: nobody ended the conversation.
  bool converse(const std::string& bytes) const {
    http::RawPeer peer(proxy_.port());
    peer.send(bytes);
    peer.end_sending();
    const auto give_up = std::chrono::steady_clock::now() + settle_time_max;
    peer.sees_close();
    return std::chrono::steady_clock::now() < give_up;
  }
  // Logs write a backslash and a quotation mark with a backslash before it.
  static std::string unescaped(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '\\' || text[i + 1] == '"');
      plain += text[escape ? ++i : i];
    }
    return plain;
  }
  void read_log() {
    log_.clear();
    for (std::string line; std::getline(log_, line);) {
      if (log_.eof()) {  // not whole yet: again
        log_.seekg(-static_cast<std::streamoff>(line.size()), std::ios::end);
        break;
      }
      const std::size_t method_end = line.find(' ');
      const std::size_t target_end = method_end == std::string::npos ? method_end : line.find(' ', method_end + 1);
      ++seen_[unescaped(line.substr(0, target_end))];
      ++seen_count_;
    }
  }
  // Whether all that was seen is what was sent; empty when it is, else the first difference.
  std::string difference() {
    const std::lock_guard lock(mutex_);
    for (const auto& [line, times] : sent_) {
      const auto found = seen_.find(line);
      if (found == seen_.end() || found->second < times) return "sent, and not seen: " + line;
    }
    for (const auto& [line, times] : seen_) {
      const auto sent = sent_.find(line);
      const auto part = sent_in_part_.find(line);
      const int most = (sent == sent_.end() ? 0 : sent->second) + (part == sent_in_part_.end() ? 0 : part->second);
      if (times > most) return "seen, and not sent: " + line;
    }
    return {};
  }
  static void take(Lines& lines, const std::string& line, int times) {
    const auto found = lines.find(line);
    if (found != lines.end() && (found->second -= times) <= 0) lines.erase(found);
  }
  bool settle(std::uint64_t first, std::uint64_t end) {
    const auto give_up = std::chrono::steady_clock::now() + settle_time_max;
    std::string found;
    do {
      read_log();
      found = difference();
      if (found.empty()) break;
      std::this_thread::sleep_for(2ms);
    } while (std::chrono::steady_clock::now() < give_up);
    if (!found.empty()) {
      std::printf("%s: requests %llu to %llu: %s\n", server_.name.c_str(), static_cast<unsigned long long>(first),
                  static_cast<unsigned long long>(end - 1), found.c_str());
      return false;
    }
    const std::lock_guard lock(mutex_);
    // What was cut may be seen late.
    for (const auto& [line, times] : sent_) take(seen_, line, times);
    for (const auto& [line, times] : std::exchange(seen_, {})) take(sent_in_part_, line, times);
    sent_.clear();
    return true;
  }

  const Server& server_;
  std::shared_ptr<http::Upstream> upstream_;
  std::mutex mutex_;
  Lines sent_, sent_in_part_, seen_;
  std::uint64_t answered_ = 0, whole_ = 0, partly_ = 0, seen_count_ = 0;
  http::RunningServer proxy_;
  std::ifstream log_;
};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Server server_of(const std::string& text) {
  const std::size_t first = text.find('='), second = text.find('=', first + 1);
  return {text.substr(0, first), static_cast<std::uint16_t>(number_of(text.substr(first + 1, second - first - 1))),
          text.substr(second + 1)};
}

}  // namespace
}  // namespace jeton::smuggling

int main(int argc, char** argv) {
  using jeton::smuggling::Course;
  using jeton::smuggling::Server;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 2) return 2;
  const bool canary = arguments[0] == "canary";
  const std::uint64_t first = jeton::smuggling::number_of(arguments[0]);
  const std::uint64_t count = jeton::smuggling::number_of(arguments[1]);
  std::vector<Server> servers;
  for (std::size_t i = canary ? 1 : 2; i < arguments.size(); ++i)
    servers.push_back(jeton::smuggling::server_of(arguments[i]));
  std::vector<std::unique_ptr<Course>> courses;
  for (const Server& server : servers) courses.push_back(std::make_unique<Course>(server));
  if (canary) return std::ranges::all_of(courses, [](const auto& one) { return one->notices_a_stowaway(); }) ? 0 : 1;
  std::atomic<bool> same = true;
  {
    std::vector<std::jthread> threads;
    for (const auto& course : courses)
      threads.emplace_back([&same, course = course.get(), first, count] {
        if (!course->run(first, count)) same = false;
      });
  }
  for (const auto& course : courses) course->report();
  return same ? 0 : 1;
}
