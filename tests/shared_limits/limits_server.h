// A real Redis or Valkey server on a socket in a directory of its own, and gateways in processes of their own: for the
// tests.
#pragma once

#include <hiredis/hiredis.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace jeton::gateway {

inline pid_t start_process(const std::vector<std::string>& words, int in = -1, int out = -1) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (in >= 0) ::dup2(in, 0);
    if (out >= 0) ::dup2(out, 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  return pid;
}

class LimitsServer {
 public:
  explicit LimitsServer(std::vector<std::string> more = {}) : more_(std::move(more)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "jeton-limits-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
    directory_ = pattern;
  }
  ~LimitsServer() {
    kill();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    std::vector<std::string> words{
        JETON_LIMITS_SERVER, "--port", "0",     "--unixsocket", socket(),     "--save",  "",
        "--appendonly",      "no",     "--dir", directory_,     "--loglevel", "warning", "--logfile",
        directory_ + "/log"};
    words.insert(words.end(), more_.begin(), more_.end());
    pid_ = start_process(words);
    for (int tried = 0; tried < 1'000; ++tried) {
      const std::unique_ptr<redisContext, void (*)(redisContext*)> context(redisConnectUnix(socket().c_str()),
                                                                           redisFree);
      if (context != nullptr && context->err == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("the server does not start");
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    std::filesystem::remove(socket());
  }
  void stop() const {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
  }
  void go_on() const { ::kill(pid_, SIGCONT); }

  std::string socket() const { return directory_ + "/s"; }
  std::string address() const { return "unix:" + socket(); }

  // The answer's text or number, or those of its elements, one a line.
  std::string ask(std::initializer_list<const char*> words) const {
    const std::unique_ptr<redisContext, void (*)(redisContext*)> context(redisConnectUnix(socket().c_str()), redisFree);
    std::vector<const char*> argv(words);
    const std::unique_ptr<void, void (*)(void*)> reply(
        redisCommandArgv(context.get(), static_cast<int>(argv.size()), argv.data(), nullptr), freeReplyObject);
    return reply == nullptr ? "closed" : text_of(*static_cast<const redisReply*>(reply.get()));
  }

 private:
  static std::string text_of(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
    if (reply.type != REDIS_REPLY_ARRAY) return reply.str == nullptr ? "" : std::string(reply.str, reply.len);
    std::string all;
    for (std::size_t i = 0; i < reply.elements; ++i) all += text_of(*reply.element[i]) + '\n';
    return all;
  }

  std::vector<std::string> more_;
  std::string directory_;
  pid_t pid_ = 0;
};

// What a peer let through, refused, or could not decide.
struct Charged {
  std::uint64_t allowed = 0, refused = 0, unavailable = 0;
};
struct PeerCounts {
  std::uint64_t exchanges = 0, faults = 0, wrong_keys = 0;
  std::int64_t lag_max = 0;
  int away = 0;
};

class Peer {
 public:
  explicit Peer(const LimitsServer& server, const std::string& when_away = "local", int interval_ms = 1) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = start_process({JETON_LIMITS_PEER, server.address(), when_away, std::to_string(interval_ms)}, in[0], out[1]);
    ::close(in[0]);
    ::close(out[1]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
  }
  ~Peer() {
    std::fclose(to_);
    ::waitpid(pid_, nullptr, 0);
    std::fclose(from_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // The two halves, for several peers at once.
  void begin(const std::string& command) {
    std::fputs((command + "\n").c_str(), to_);
    std::fflush(to_);
  }
  std::istringstream end() {
    std::array<char, 256> line{};
    if (std::fgets(line.data(), line.size(), from_) == nullptr) throw std::runtime_error("a peer has ended");
    return std::istringstream(line.data());
  }

  Charged end_charge() {
    Charged charged;
    end() >> charged.allowed >> charged.refused >> charged.unavailable;
    return charged;
  }
  Charged charge(const std::string& name, const std::string& rate, std::uint64_t count) {
    begin("charge " + name + ' ' + rate + ' ' + std::to_string(count));
    return end_charge();
  }
  bool settle() {
    begin("settle");
    int done = 0;
    end() >> done;
    return done == 1;
  }
  PeerCounts counts() {
    begin("counts");
    PeerCounts counts;
    end() >> counts.exchanges >> counts.faults >> counts.wrong_keys >> counts.lag_max >> counts.away;
    return counts;
  }

 private:
  pid_t pid_ = 0;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

// Asks again until it is so, for as long as a slow machine may need.
template <class Condition>
bool comes_true(Condition condition) {
  for (int tried = 0; tried < 6'000; ++tried) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace jeton::gateway
