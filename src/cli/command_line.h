// The command line as a whole: reads the arguments, runs the one command they name, and turns every mistake in them
// into a sentence that says what is wrong, where, and what was probably meant.
#pragma once

#include "cli/command.h"

#include <string>
#include <vector>

namespace jeton::cli {

// Name, description and version. The commands are added by whoever wires the program together.
void describe_application(CLI::App& app);

// Runs the command that `arguments` (without the program's name) ask for, and returns the exit code. Nothing is
// thrown.
int run(CLI::App& app, Console& console, const std::vector<std::string>& arguments);

}  // namespace jeton::cli
