// JETON_FUZZ_TARGET(name) { … } defines a fuzz target: a function of `input` that states properties with
// JETON_PROPERTY.
//
// In a fuzzer the target is its entry point and a property that fails ends the program. In the replay test
// (replay_test.cc) targets are listed, and a property that fails throws PropertyFailed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::fuzz {

inline constexpr std::size_t input_bytes_max = 64 * 1024;

struct PropertyFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Target {
  const char* name;
  void (*run)(std::string_view input);
};
inline std::vector<Target>& targets() {
  static std::vector<Target> list;
  return list;
}

struct Listed {
  Listed(const char* name, void (*run)(std::string_view)) { targets().push_back({name, run}); }
};

[[noreturn]] inline void fail(const char* property, const char* file, int line) {
#ifdef JETON_FUZZ_PROGRAM
  std::fprintf(stderr, "%s:%d: property does not hold: %s\n", file, line, property);
  std::abort();
#else
  throw PropertyFailed(std::string(file) + ":" + std::to_string(line) + ": property does not hold: " + property);
#endif
}

}  // namespace jeton::fuzz

#define JETON_PROPERTY(condition) ((condition) ? void() : ::jeton::fuzz::fail(#condition, __FILE__, __LINE__))

#ifdef JETON_FUZZ_PROGRAM
#define JETON_FUZZ_TARGET(name)                                                       \
  static void run_##name(std::string_view input);                                     \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    if (size > ::jeton::fuzz::input_bytes_max) return -1;                             \
    run_##name({reinterpret_cast<const char*>(data), size});                          \
    return 0;                                                                         \
  }                                                                                   \
  static void run_##name([[maybe_unused]] std::string_view input)
#else
#define JETON_FUZZ_TARGET(name)                                        \
  static void run_##name(std::string_view input);                      \
  static const ::jeton::fuzz::Listed listed_##name{#name, run_##name}; \
  static void run_##name([[maybe_unused]] std::string_view input)
#endif
