#include "cli/command_line.h"

#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace jeton::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct StoppedClock final : platform::ClockSource {
  std::chrono::sys_time<std::chrono::milliseconds> now() const override { return from_unix_seconds(1'700'000'000); }
};

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    describe_application(app_);
    add_key_commands(app_, console_);
    add_token_commands(app_, console_, clock_);
    add_jws_commands(app_, console_);
    add_explain_command(app_, console_, clock_);
    add_help_commands(app_, console_);
  }
  int run_with(const std::vector<std::string>& arguments) { return run(app_, console_, arguments); }

  std::istringstream in_;
  std::ostringstream out_, err_;
  Console console_{.in = in_, .out = out_, .err = err_};
  StoppedClock clock_;
  CLI::App app_;
};

TEST_F(CommandLine, EveryCommandHasHelpWithAnExample) {
  for (const CommandFacts* command : all_commands(facts_of(app_))) {
    EXPECT_FALSE(command->description.empty()) << command->path;
    EXPECT_THAT(help_text(*command), HasSubstr("\nExample:\n  ")) << command->path;
    for (const OptionFacts& option : command->options) EXPECT_FALSE(option.description.empty()) << command->path;
  }
}

TEST_F(CommandLine, EveryCommandIsInCompletionAndManual) {
  const CommandFacts root = facts_of(app_);
  for (const CommandFacts* command : all_commands(root)) {
    if (command->path == "jeton") continue;
    const std::string below = "'" + command->path.substr(6) + "'";
    EXPECT_THAT(bash_completion(root), HasSubstr(below + ") words=")) << command->path;
    EXPECT_THAT(zsh_completion(root), HasSubstr("(" + below + ") words=")) << command->path;
    EXPECT_THAT(fish_completion(root), HasSubstr("-a " + command->name + " -d ")) << command->path;
    EXPECT_THAT(manual_page(root), HasSubstr(".SS " + command->path)) << command->path;
  }
}

TEST_F(CommandLine, FlagsTakeNoValueAndOptionsSayWhich) {
  const CommandFacts root = facts_of(app_);
  const CommandFacts* verify = find_command(root, {"token", "verify"});
  ASSERT_NE(verify, nullptr);
  for (const OptionFacts& option : verify->options) {
    const std::string name = option.is_argument ? option.placeholder : option.names.back();
    const bool is_flag = name == "--help" || name == "--json" || name == "--batch-json" || name.starts_with("--any-");
    EXPECT_EQ(option.placeholder.empty(), is_flag) << name;
    EXPECT_EQ(option.is_repeatable, name == "--issuer" || name == "--audience" || name == "--alg") << name;
  }
}

TEST_F(CommandLine, UnknownCommandIsAnsweredWithTheNearest) {
  EXPECT_EQ(run_with({"tokn", "verify"}), exit_usage);
  EXPECT_THAT(err_.str(), StartsWith("jeton: jeton has no command \"tokn\". Did you mean token? There are: "));
  err_.str("");
  EXPECT_EQ(run_with({"token", "verfy"}), exit_usage);
  EXPECT_THAT(err_.str(), StartsWith("jeton: jeton token has no command \"verfy\". Did you mean verify?"));
}

TEST_F(CommandLine, UnknownOptionIsAnsweredWithTheNearest) {
  EXPECT_EQ(run_with({"token", "verify", "--isuer", "x"}), exit_usage);
  EXPECT_EQ(
      err_.str(),
      "jeton: jeton token verify has no option \"--isuer\". Did you mean --issuer? Try: jeton token verify --help\n");
}

TEST_F(CommandLine, NoCommandIsAUsageError) {
  EXPECT_EQ(run_with({}), exit_usage);
  EXPECT_THAT(err_.str(), HasSubstr("Usage: jeton COMMAND"));
}

TEST_F(CommandLine, GroupWithoutItsCommandIsAUsageError) {
  EXPECT_EQ(run_with({"token"}), exit_usage);
  EXPECT_THAT(err_.str(), HasSubstr("Usage: jeton token COMMAND"));
}

TEST_F(CommandLine, HelpIsNoError) {
  EXPECT_EQ(run_with({"token", "verify", "--help"}), exit_good);
  EXPECT_THAT(out_.str(), HasSubstr("Usage: jeton token verify [OPTIONS] [TOKEN]"));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CommandLine, VersionIsPrinted) {
  EXPECT_EQ(run_with({"--version"}), exit_good);
  EXPECT_THAT(out_.str(), StartsWith("jeton 0."));
}

TEST_F(CommandLine, ClosedOutputIsAFailure) {
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(run_with({"--version"}), exit_bad);
  EXPECT_EQ(err_.str(), "jeton: standard output cannot be written.\n");
}

TEST_F(CommandLine, EscapesInArgumentsDoNotReachTheTerminal) {
  EXPECT_EQ(run_with({"\033[31m"}), exit_usage);
  EXPECT_EQ(err_.str().find('\033'), std::string::npos);
}

}  // namespace
}  // namespace jeton::cli
