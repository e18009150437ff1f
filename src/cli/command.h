// What every subcommand is given: where to read and write, and how it ends. Each subcommand has a file of its own and
// adds itself to the application with one function declared in commands.h.
//
// Exit codes: 0 done, or the answer is yes; 1 the answer is no (refused token, bad key), or something failed; 2 the
// command line itself was wrong.
#pragma once

#include <CLI/CLI.hpp>

#include <iosfwd>
#include <string>

namespace jeton::cli {

inline constexpr int exit_good = 0;
inline constexpr int exit_bad = 1;
inline constexpr int exit_usage = 2;

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colour = false;          // out is a terminal and NO_COLOR is not set
  int exit_code = exit_good;    // what a subcommand's callback leaves here is what the process returns
  bool in_is_terminal = false;  // then a command that reads standard input says so before it waits

  // "jeton: TEXT" to err, with nothing in it that could move a terminal's cursor; sets exit_code to exit_bad.
  void fail(const std::string& text);
  // The same with exit_usage.
  void fail_usage(const std::string& text);
  // "jeton: note: TEXT" to err; the exit code stays.
  void note(const std::string& text);
};

}  // namespace jeton::cli
