// The shapes of option that the commands are made of: a text, a text that may be repeated, a switch. Values arrive as
// text; each command reads its own, strictly.
#pragma once

#include <CLI/CLI.hpp>

#include <jeton/algorithm.h>

#include "platform/fault.h"

#include <optional>
#include <string>
#include <vector>

namespace jeton::cli {

CLI::Option* add_text(CLI::App& app, const std::string& names, std::optional<std::string>& value,
                      const std::string& placeholder, const std::string& description);
// Each occurrence takes exactly one value, whatever it looks like.
CLI::Option* add_texts(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                       const std::string& placeholder, const std::string& description);
CLI::Option* add_switch(CLI::App& app, const std::string& names, bool& value, const std::string& description);

// A subcommand with its help and an example to paste.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      const std::string& example);

// --alg as given, or what is wrong with it and which name is nearest.
platform::Outcome<Algorithm> algorithm_from(const std::string& name);

// The names of options of `app` that were given on the command line, other than `allowed`: "--now". Empty if there
// are none.
std::string first_option_given_besides(const CLI::App& app, const std::vector<std::string>& allowed);

}  // namespace jeton::cli
