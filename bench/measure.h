// How everything here is measured: CPU time of the one thread that works, so that a busy machine does not count; rounds
// in which the thing and its floor take turns in small pieces, so that both meet the same clock speed; the median.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace jeton::bench {

// Does a thing that many times over. It aborts if one of them goes wrong: a wrong answer has no speed.
using Loop = std::function<void(std::size_t count)>;

struct Figure {
  double ns;        // one operation
  double floor_ns;  // one operation of the floor; 0 if there is none
  double allocs;    // calls of operator new in one operation
};

// Nanoseconds of CPU time that this thread has used.
double thread_ns() noexcept;

// Calls of operator new by this thread. The program replaces it to count.
std::size_t allocations() noexcept;

Figure measure(const Loop& work, const Loop& floor);
Figure measure(const Loop& work);

// Keeps the process on the core on which it is.
void stay_on_this_core();

// One line: {"name":…,"ns":…}, with floor_ns, ratio and allocs where there is a floor.
std::string line_of(const std::string& name, const Figure& figure);

// Keeps the compiler from leaving out what only a measurement wants.
template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "r,m"(value) : "memory");
}

[[noreturn]] void give_up(const char* why);
inline void expect(bool good, const char* what) {
  if (!good) [[unlikely]]
    give_up(what);
}

}  // namespace jeton::bench
