// jeton: wires clock, streams and commands together.
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "platform/clock.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

// A descriptor that the caller has closed must not be taken by the next file that is opened: a key would be written
// into a message, or the other way round. It is filled with one that can be used for neither.
void fill_closed_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) != -1) continue;
    const int wrong_way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", wrong_way) != fd) std::_Exit(jeton::cli::exit_bad);
  }
}

}  // namespace

int main(int argc, char** argv) {
  fill_closed_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone away is an error of writing: see gone_reader.h
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);

  jeton::cli::Console console{.in = std::cin, .out = std::cout, .err = std::cerr};
  console.colour =
      jeton::cli::terminal_takes_colour(::isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR"), std::getenv("TERM"));
  console.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
  const jeton::platform::SystemClock clock;

  CLI::App app;
  jeton::cli::describe_application(app);
  jeton::cli::add_serve_command(app, console);
  jeton::cli::add_gateway_command(app, console);
  jeton::cli::add_why_command(app, console);
  jeton::cli::add_user_commands(app, console, clock);
  jeton::cli::add_backup_command(app, console);
  jeton::cli::add_restore_command(app, console);
  jeton::cli::add_feed_commands(app, console);
  jeton::cli::add_key_commands(app, console);
  jeton::cli::add_session_commands(app, console);
  jeton::cli::add_audit_commands(app, console);
  jeton::cli::add_token_commands(app, console, clock);
  jeton::cli::add_jws_commands(app, console);
  jeton::cli::add_explain_command(app, console, clock);
  jeton::cli::add_client_commands(app, console);
  jeton::cli::add_user_record_commands(app, console);
  jeton::cli::add_policy_commands(app, console, clock);
  jeton::cli::add_help_commands(app, console);
  return jeton::cli::run(app, console, std::vector<std::string>(argv + 1, argv + argc));
}
