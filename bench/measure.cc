#include "measure.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <vector>

namespace jeton::bench {
namespace {

constexpr int rounds = 9;
constexpr int turns = 4;               // of each side in one round
constexpr double turn_ns = 4'000'000;  // a turn's length, about

thread_local std::size_t allocation_count = 0;  // not atomic: counting must not be what is measured

double time_of(const Loop& loop, std::size_t count) {
  const double before = thread_ns();
  loop(count);
  return thread_ns() - before;
}

// How many make a turn. Warms up as well.
std::size_t count_for_a_turn(const Loop& loop) {
  for (std::size_t count = 1;; count *= 2) {
    const double took = time_of(loop, count);
    if (took >= turn_ns / 2)
      return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(count) * turn_ns / took));
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

double thread_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::size_t allocations() noexcept { return allocation_count; }

Figure measure(const Loop& work, const Loop& floor) {
  const std::size_t work_count = count_for_a_turn(work);
  const std::size_t floor_count = floor ? count_for_a_turn(floor) : 0;
  std::vector<double> works, floors;
  std::size_t allocated = 0;
  for (int round = 0; round < rounds; ++round) {
    double work_took = 0, floor_took = 0;
    for (int turn = 0; turn < turns; ++turn) {
      const std::size_t before = allocations();
      work_took += time_of(work, work_count);
      allocated += allocations() - before;
      if (floor) floor_took += time_of(floor, floor_count);
    }
    works.push_back(work_took / static_cast<double>(turns * work_count));
    if (floor) floors.push_back(floor_took / static_cast<double>(turns * floor_count));
  }
  return {median(works), floor ? median(floors) : 0,
          static_cast<double>(allocated) / static_cast<double>(rounds * turns * work_count)};
}

Figure measure(const Loop& work) { return measure(work, {}); }

void stay_on_this_core() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(std::max(0, sched_getcpu())), &one);
  sched_setaffinity(0, sizeof one, &one);
}

std::string line_of(const std::string& name, const Figure& figure) {
  std::array<char, 256> text;
  if (figure.floor_ns > 0) {
    std::snprintf(text.data(), text.size(), R"({"name":"%s","ns":%.1f,"floor_ns":%.1f,"ratio":%.3f,"allocs":%.3g})",
                  name.c_str(), figure.ns, figure.floor_ns, figure.ns / figure.floor_ns, figure.allocs);
  } else {
    std::snprintf(text.data(), text.size(), R"({"name":"%s","ns":%.1f})", name.c_str(), figure.ns);
  }
  return text.data();
}

void give_up(const char* why) {
  std::fprintf(stderr, "bench: %s\n", why);
  std::exit(1);
}

}  // namespace jeton::bench

// The whole program counts.
void* operator new(std::size_t size) {
  ++jeton::bench::allocation_count;
  if (void* const made = std::malloc(size == 0 ? 1 : size)) return made;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++jeton::bench::allocation_count;
  const auto to = static_cast<std::size_t>(alignment);
  if (void* const made = std::aligned_alloc(to, (size + to - 1) / to * to)) return made;
  throw std::bad_alloc();
}
void operator delete(void* object) noexcept { std::free(object); }
void operator delete(void* object, std::size_t) noexcept { std::free(object); }
void operator delete(void* object, std::align_val_t) noexcept { std::free(object); }
void operator delete(void* object, std::size_t, std::align_val_t) noexcept { std::free(object); }
