// Completion for shells, and the manual page, made from the tree of commands.
#pragma once

#include "cli/command_tree.h"

#include <string>

namespace jeton::cli {

// A script to be sourced. After `jeton …` it offers commands, options, algorithms after --alg, topics after `help`,
// and files.
std::string bash_completion(const CommandFacts& root);
std::string zsh_completion(const CommandFacts& root);
std::string fish_completion(const CommandFacts& root);

// jeton(1), for man.
std::string manual_page(const CommandFacts& root);

}  // namespace jeton::cli
