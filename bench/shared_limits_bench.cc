// shared_limits_bench: what it costs to tell a real server what was counted. One JSON object a line.
//
//   shared_limits/caller        CPU of this process, a caller told and learned, 1,024 callers in one write
//   shared_limits/server        CPU of the server for it
//   shared_limits/round_trip    one caller told, and the answer there: wall time, the median of 2,000
#include "gateway/shared_limits/connection.h"
#include "limits_server.h"
#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace jeton::bench {
namespace {

using gateway::Batch;
using gateway::Connection;
using std::chrono::nanoseconds;

nanoseconds steady() { return std::chrono::steady_clock::now().time_since_epoch(); }

std::vector<Batch> batches(std::size_t count, std::size_t callers) {
  std::vector<Batch> made;
  for (std::size_t i = 0; i < count; ++i) {
    Batch& batch = made.emplace_back(Batch{.mark = "bench:" + std::to_string(i)});
    for (std::size_t caller = 0; caller < callers; ++caller) {
      batch.told.push_back(
          {.key = {i * 1'000 + caller, 7}, .rate = parse_rate("600/min").value(), .count = 3, .since = steady()});
    }
  }
  return made;
}

// Seconds of CPU time that the server has used.
double server_seconds(const gateway::LimitsServer& server) {
  double seconds = 0;
  std::istringstream lines(server.ask({"INFO", "cpu"}));
  for (std::string line; std::getline(lines, line);) {
    for (const char* name : {"used_cpu_sys:", "used_cpu_user:"}) {
      if (line.starts_with(name)) seconds += std::stod(line.substr(std::string(name).size()));
    }
  }
  return seconds;
}

void say(const char* name, double ns) {
  std::printf("{\"name\":\"shared_limits/%s\",\"ns\":%.1f}\n", name, ns);
  std::fflush(stdout);
}

void run() {
  gateway::LimitsServer server;
  server.start();
  auto opened = Connection::open({.server = gateway::parse_server_address(server.address()).value()});
  expect(opened.has_value(), "no connection");
  std::uint64_t number = 0;
  const auto tell = [&](std::vector<Batch>& all) {
    for (Batch& batch : all) batch.number = ++number;
    expect(opened->exchange(all, steady()).has_value(), "no answer");
  };
  constexpr std::size_t rounds = 300, lanes = 8;
  auto many = batches(lanes, Batch::callers_max);
  tell(many);
  const double server_before = server_seconds(server), before = thread_ns();
  for (std::size_t i = 0; i < rounds; ++i) tell(many);
  constexpr double told = rounds * lanes * Batch::callers_max;
  say("caller", (thread_ns() - before) / told);
  say("server", (server_seconds(server) - server_before) * 1e9 / told);

  auto one = batches(1, 1);
  std::vector<double> times;
  for (int i = 0; i < 2'000; ++i) {
    const nanoseconds began = steady();
    tell(one);
    times.push_back(static_cast<double>((steady() - began).count()));
  }
  std::ranges::sort(times);
  say("round_trip", times[times.size() / 2]);
}

}  // namespace
}  // namespace jeton::bench

int main() { jeton::bench::run(); }
