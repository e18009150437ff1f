// One gateway's limiter in a process of its own, for the tests: commands come on stdin, one answer a line.
//   charge NAME RATE COUNT   allowed, refused and unavailable of so many charges, one after the other
//   settle                   1 when all is told and learned, 0 if that takes too long
//   counts                   exchanges, faults, wrong keys, the longest lag in ns, 1 if the server is away
// Started as: limits_peer SERVER local|refuse INTERVAL_MS
#include "gateway/shared_limits/shared_limits.h"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>

namespace jeton::gateway {
namespace {

std::chrono::nanoseconds steady() { return std::chrono::steady_clock::now().time_since_epoch(); }

std::string charge(RateLimiter& limiter, std::istringstream& words) {
  std::string name, rate;
  std::uint64_t count = 0;
  words >> name >> rate >> count;
  for (char& c : rate) c = c == '_' ? ' ' : c;
  const LimitRule rule{.name = name, .by = LimitBy::all, .allowance = parse_rate(rate).value()};
  const Charge charge = charge_for(rule, nullptr, "", limiter.seed()).value();
  std::uint64_t verdicts[3] = {0, 0, 0};
  // Noon of one day: what is under test is not the calendar.
  constexpr UnixTime wall = from_unix_seconds(1'700'000'000);
  for (std::uint64_t i = 0; i < count; ++i)
    ++verdicts[static_cast<int>(limiter.charge({&charge, 1}, steady(), wall).verdict())];
  return std::to_string(verdicts[0]) + ' ' + std::to_string(verdicts[1]) + ' ' + std::to_string(verdicts[2]);
}

int serve(const std::string& server, const std::string& when_away, int interval_ms) {
  RateLimiter limiter({}, LimitSeed::derived_from("the same everywhere"));
  platform::Metrics metrics;
  SharedLimitsOptions options{
      .connection = {.server = parse_server_address(server).value()},
      .interval = std::chrono::milliseconds(interval_ms),
      .away_after = std::chrono::milliseconds{300},
      .when_away = when_away == "refuse" ? WhenAway::refuse : WhenAway::local_limits,
  };
  SharedLimits shared(limiter, std::move(options), steady, metrics);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "charge") {
      std::cout << charge(limiter, words) << std::endl;
    } else if (command == "settle") {
      std::cout << (shared.settle(std::chrono::seconds{60}) ? 1 : 0) << std::endl;
    } else if (command == "counts") {
      const auto counts = shared.counts();
      std::cout << counts.exchanges << ' ' << counts.faults << ' ' << counts.wrong_keys << ' ' << counts.lag_max.count()
                << ' ' << (shared.is_away() ? 1 : 0) << std::endl;
    }
  }
  return 0;
}

}  // namespace
}  // namespace jeton::gateway

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return jeton::gateway::serve(argv[1], argv[2], std::stoi(argv[3]));
}
