// issuer_bench: the parts of `tools/bench issuer` and `tools/soak sessions`; each prints one JSON object.
//
//   issuer_bench fill DATA COUNT TOKENS FILE       sessions into the database of a stopped issuer; see session_fill.h
//   issuer_bench bytes DATA                        {"bytes_per_session":…}
//   issuer_bench rotations DATA COUNT              {"cpu_us":…,"reads":…,"writes":…}; its tokens are no good then
//   issuer_bench floor updates DATA | signatures | passwords THREADS | syncs FOLDER     {"per_s":…}
//   issuer_bench refresh PORT PID FILE CONNECTIONS RATE SECONDS         the tokens of FILE, which is written anew
//   issuer_bench post PORT PID CONNECTIONS RATE SECONDS PATH BODY [HEADER…]
#include "../measure.h"
#include "issuer_floors.h"
#include "load.h"
#include "requests.h"
#include "rotations.h"
#include "session_fill.h"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace jeton::bench {
namespace {

using Words = std::vector<std::string>;

constexpr double floor_seconds = 1.5;

std::size_t number(const std::string& word) { return std::stoul(word); }

LoadOptions load_options(const std::string& port, const std::string& pid, const Words& rest) {
  return {.port = static_cast<std::uint16_t>(number(port)),
          .server = static_cast<pid_t>(number(pid)),
          .connections = number(rest[0]),
          .rate = std::stod(rest[1]),
          .measured = std::chrono::milliseconds(static_cast<long>(std::stod(rest[2]) * 1000))};
}

void print(const LoadFigures& figures) {
  std::printf(R"({"answered":%llu,"refused":%llu,"per_s":%.1f,"cpu_us":%.2f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f})"
              "\n",
              static_cast<unsigned long long>(figures.answered), static_cast<unsigned long long>(figures.refused),
              figures.per_second(), figures.cpu_us(), figures.latency_ms(0.5), figures.latency_ms(0.99),
              figures.latency_ms(1));
}

int refresh(const Words& words) {
  auto requests = Refreshes::read(words[3]);
  const auto figures = run_load(requests, load_options(words[1], words[2], {words[4], words[5], words[6]}));
  requests.write(words[3]);
  print(figures);
  return 0;
}

int post(const Words& words) {
  SameRequest request(words[6], {words.begin() + 8, words.end()}, words[7]);
  print(run_load(request, load_options(words[1], words[2], {words[3], words[4], words[5]})));
  return 0;
}

int floor(const Words& words) {
  double rate = 0;
  if (words[1] == "updates" && words.size() == 3) rate = grouped_updates_floor(words[2], floor_seconds);
  if (words[1] == "signatures") rate = signatures_floor(floor_seconds);
  if (words[1] == "passwords" && words.size() == 3) {
    rate = password_hashes_floor(static_cast<unsigned>(number(words[2])), floor_seconds);
  }
  if (words[1] == "syncs" && words.size() == 3) rate = syncs_per_second(words[2], floor_seconds);
  if (rate == 0) return 2;
  std::printf(R"({"per_s":%.1f})"
              "\n",
              rate);
  return 0;
}

int run(const Words& words) {
  expect(sodium_init() >= 0, "libsodium does not start");
  if (words.size() == 5 && words[0] == "fill") {
    fill_sessions(words[1], number(words[2]), number(words[3]), words[4]);
    return 0;
  }
  if (words.size() == 2 && words[0] == "bytes") {
    std::printf(R"({"bytes_per_session":%.1f})"
                "\n",
                bytes_per_session(words[1]));
    return 0;
  }
  if (words.size() == 3 && words[0] == "rotations") {
    const auto cost = cost_of_rotations(words[1], number(words[2]));
    std::printf(R"({"cpu_us":%.2f,"reads":%.3f,"writes":%.3f})"
                "\n",
                cost.cpu_us, cost.reads, cost.writes);
    return 0;
  }
  if (words.size() >= 2 && words[0] == "floor") return floor(words);
  if (words.size() == 7 && words[0] == "refresh") return refresh(words);
  if (words.size() >= 8 && words[0] == "post") return post(words);
  std::fputs("usage: see the head of bench/issuer/issuer_bench.cc\n", stderr);
  return 2;
}

}  // namespace
}  // namespace jeton::bench

int main(int argc, char** argv) { return jeton::bench::run({argv + 1, argv + argc}); }
