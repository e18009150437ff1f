// help, completion, man: what the program says about itself
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "platform/nearest_name.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/topics.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>

namespace jeton::cli {
namespace {

void show_overview(Console& console, const CommandFacts& root) {
  console.out << help_text(root) << "\nError codes, each explained by `jeton help CODE`:\n";
  std::string line = " ";
  for (const std::string& name : topic_names()) {
    if (line.size() + 1 + name.size() > 100) {
      console.out << line << '\n';
      line = " ";
    }
    line += " " + name;
  }
  console.out << line << '\n';
}

// A topic is an error code, or the path of a command.
void help(Console& console, const CommandFacts& root, const std::vector<std::string>& words) {
  if (words.empty()) return show_overview(console, root);
  if (words.size() == 1) {
    if (const std::string text = topic_text(words.front()); !text.empty()) {
      console.out << text;
      return;
    }
  }
  if (const CommandFacts* command = find_command(root, words)) {
    console.out << help_text(*command);
    return;
  }
  std::vector<std::string> names = topic_names();
  for (const CommandFacts& child : root.commands) names.push_back(child.name);
  const std::string asked = fmt::format("{}", fmt::join(words, " "));
  console.fail_usage(fmt::format("{} is neither an error code nor a command.{} jeton help lists them.",
                                 shortened(harmless(asked), 60), platform::did_you_mean(asked, names)));
}

void complete(Console& console, const CommandFacts& root, const std::string& shell) {
  if (shell == "bash")
    console.out << bash_completion(root);
  else if (shell == "zsh")
    console.out << zsh_completion(root);
  else if (shell == "fish")
    console.out << fish_completion(root);
  else
    console.fail_usage(
        fmt::format("{} is not a shell jeton knows. There are bash, zsh and fish.", shortened(harmless(shell), 40)));
}

}  // namespace

void add_help_commands(CLI::App& app, Console& console) {
  const auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* show = add_command(app, "help", "Explain an error code or a command", "jeton help expired");
  show->add_option("topic", *words, "An error code, or a command")->type_name(topic_placeholder);
  show->callback([&app, &console, words] { help(console, facts_of(app), *words); });

  const auto shell = std::make_shared<std::optional<std::string>>();
  CLI::App* completion =
      add_command(app, "completion", "Print the completion script of a shell", "source <(jeton completion bash)");
  add_text(*completion, "shell", *shell, "SHELL", "bash, zsh or fish")->required();
  completion->callback([&app, &console, shell] { complete(console, facts_of(app), **shell); });

  CLI::App* man = add_command(app, "man", "Print the manual page", "jeton man | man -l -");
  man->callback([&app, &console] { console.out << manual_page(facts_of(app)); });
}

}  // namespace jeton::cli
