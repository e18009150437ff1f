// The subcommands, one function each; main.cc calls them all.
#pragma once

#include "cli/command.h"

namespace jeton::cli {

void add_key_commands(CLI::App& app, Console& console);      // key generate|import|jwks|thumbprint|check
void add_token_commands(CLI::App& app, Console& console);    // token sign|verify|inspect
void add_jws_commands(CLI::App& app, Console& console);      // jws sign|verify
void add_explain_command(CLI::App& app, Console& console);   // explain
void add_serve_command(CLI::App& app, Console& console);     // serve

}  // namespace jeton::cli
