// The tree of commands as plain facts, read off the CLI11 application. Help, shell completion and the manual page are
// all made from it, so that none can say something that the program does not do.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace jeton::cli {

struct OptionFacts {
  std::vector<std::string> names;  // "--jwks"; empty for an argument
  std::string placeholder;         // "FILE"; empty for a flag
  std::string description;
  std::string group;         // the heading it stands under
  bool is_argument = false;  // has a place instead of a name
  bool is_required = false;
  bool is_repeatable = false;
};

struct CommandFacts {
  std::string path;  // "jeton token verify"
  std::string name;  // "verify"
  std::string description;
  std::string example;  // lines to paste; may be empty
  std::vector<OptionFacts> options;
  std::vector<CommandFacts> commands;
};

CommandFacts facts_of(const CLI::App& app);

// The command at that path below `root`, by names, or null.
const CommandFacts* find_command(const CommandFacts& root, const std::vector<std::string>& names);

// All of them, parents before children.
std::vector<const CommandFacts*> all_commands(const CommandFacts& root);

// Placeholders by which completion knows what to offer.
inline constexpr const char* file_placeholder = "FILE";
inline constexpr const char* algorithm_placeholder = "ALG";
inline constexpr const char* topic_placeholder = "TOPIC";

// The names `jeton key generate` and others take for --alg.
std::vector<std::string> algorithm_names();

std::string usage_line(const CommandFacts& command);
std::string help_text(const CommandFacts& command);

}  // namespace jeton::cli
