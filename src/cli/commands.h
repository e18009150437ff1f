// The subcommands, one function each; main.cc calls them all.
#pragma once

#include "cli/command.h"
#include "platform/clock.h"

namespace jeton::cli {

void add_key_commands(CLI::App& app, Console& console);    // key generate|import|jwks|thumbprint|check|…
void add_audit_commands(CLI::App& app, Console& console);  // audit list|verify
void add_token_commands(CLI::App& app, Console& console,
                        const platform::ClockSource& clock);  // token sign|verify|inspect
void add_jws_commands(CLI::App& app, Console& console);       // jws sign|verify
void add_explain_command(CLI::App& app, Console& console, const platform::ClockSource& clock);  // explain
void add_serve_command(CLI::App& app, Console& console);                                        // serve
void add_session_commands(CLI::App& app, Console& console);                                     // session list|why|end
void add_user_commands(CLI::App& app, Console& console, const platform::ClockSource& clock);    // user import
void add_client_commands(CLI::App& app, Console& console);       // client create|list|show|set|…
void add_user_record_commands(CLI::App& app, Console& console);  // user list|show|create|…
void add_backup_command(CLI::App& app, Console& console);        // backup
void add_restore_command(CLI::App& app, Console& console);       // restore
void add_feed_commands(CLI::App& app, Console& console);         // feed key
void add_policy_commands(CLI::App& app, Console& console, const platform::ClockSource& clock);  // policy check|test
void add_gateway_command(CLI::App& app, Console& console);       // gateway
void add_why_command(CLI::App& app, Console& console);           // why
// help, completion and man: all made from the tree of commands, so they are added last.
void add_help_commands(CLI::App& app, Console& console);

}  // namespace jeton::cli
