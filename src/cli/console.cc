#include "cli/command.h"

#include "cli/terminal.h"

#include <ostream>

namespace jeton::cli {

void Console::fail(const std::string& text) {
  err << "jeton: " << harmless(text, true) << '\n' << std::flush;
  exit_code = exit_bad;
}

void Console::fail_usage(const std::string& text) {
  err << "jeton: " << harmless(text, true) << '\n' << std::flush;
  exit_code = exit_usage;
}

void Console::note(const std::string& text) { err << "jeton: note: " << harmless(text, true) << '\n' << std::flush; }

}  // namespace jeton::cli
