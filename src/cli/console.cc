#include "cli/command.h"

#include <ostream>

namespace jeton::cli {

void Console::fail(const std::string& text) {
  err << "jeton: " << text << '\n' << std::flush;
  exit_code = exit_bad;
}

void Console::fail_usage(const std::string& text) {
  err << "jeton: " << text << '\n' << std::flush;
  exit_code = exit_usage;
}

void Console::note(const std::string& text) { err << "jeton: note: " << text << '\n' << std::flush; }

}  // namespace jeton::cli
