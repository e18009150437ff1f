#include "cli/command_line.h"

#include "cli/command_tree.h"
#include "cli/gone_reader.h"
#include "cli/terminal.h"
#include "platform/nearest_name.h"

#include <jeton/version.h>

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <ostream>

namespace jeton::cli {
namespace {

// Commands of `app` by name.
CLI::App* child_named(CLI::App& app, const std::string& name) {
  for (CLI::App* child : app.get_subcommands([](CLI::App*) { return true; })) {
    if (child->get_name() == name) return child;
  }
  return nullptr;
}

std::string in_quotes(const std::string& text) { return "\"" + shortened(harmless(text), 60) + "\""; }

// The command that the leading words name. On a word that names none, says so and returns null.
CLI::App* named_command(CLI::App& root, Console& console, const std::vector<std::string>& arguments) {
  CLI::App* at = &root;
  for (const std::string& word : arguments) {
    const CommandFacts here = facts_of(*at);
    if (here.commands.empty() || word.starts_with('-')) break;
    CLI::App* child = child_named(*at, word);
    if (child == nullptr) {
      std::vector<std::string> names;
      for (const CommandFacts& command : here.commands) names.push_back(command.name);
      console.fail_usage(fmt::format("{} has no command {}.{} There are: {}.", here.path, in_quotes(word),
                                     platform::did_you_mean(word, names), fmt::join(names, ", ")));
      return nullptr;
    }
    at = child;
  }
  return at;
}

// What stands on the command line and belongs to nothing.
std::string about_extras(const CommandFacts& command, const std::vector<std::string>& extras) {
  const std::string try_help = " Try: " + command.path + " --help";
  if (extras.empty()) return "something on the command line is not understood." + try_help;
  const std::string& first = extras.front();
  if (!first.starts_with('-'))
    return fmt::format("{} takes no further argument, but {} is there.{}", command.path, in_quotes(first), try_help);
  std::vector<std::string> names;
  for (const OptionFacts& option : command.options) names.insert(names.end(), option.names.begin(), option.names.end());
  const std::string name = first.substr(0, first.find('='));
  return fmt::format("{} has no option {}.{}{}", command.path, in_quotes(name), platform::did_you_mean(name, names),
                     try_help);
}

// One command at a time, at every level: else a word behind a command could start another one beside it.
void require_one_command(CLI::App& app) {
  const auto children = app.get_subcommands([](CLI::App*) { return true; });
  if (!children.empty()) app.require_subcommand(1);
  for (CLI::App* child : children) require_one_command(*child);
}

// An option that was given too often, or without the value it needs.
std::string about_values(const CommandFacts& facts, const CLI::App& command, const CLI::ParseError& problem) {
  const std::string try_help = " Try: " + facts.path + " --help";
  for (const CLI::Option* option : command.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames().front();
    if (option->get_items_expected_max() == 1 && option->count() > 1) {
      return fmt::format("{} is given {} times; it has one value.{}", name, option->count(), try_help);
    }
  }
  const std::string_view what = problem.what();
  for (const OptionFacts& option : facts.options) {
    for (const std::string& name : option.names) {
      if (!what.starts_with(name + ":") && !what.starts_with(name + " ")) continue;
      return fmt::format("{} needs a value: {} {}.{}", name, name, option.placeholder, try_help);
    }
  }
  return harmless(what) + "." + try_help;
}

// The placeholder of the first argument that must be there.
std::string first_required_argument(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_required() && option->count() == 0) return option->get_type_name();
  }
  return "an argument";
}

void parse_and_run(CLI::App& app, Console& console, CLI::App& command, std::vector<std::string> arguments) {
  const CommandFacts facts = facts_of(command);
  require_one_command(app);
  std::ranges::reverse(arguments);  // as CLI11 takes them
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    console.out << help_text(facts);
  } catch (const CLI::CallForVersion&) {
    console.out << "jeton " JETON_VERSION "\n";
  } catch (const CLI::RequiredError&) {
    if (facts.commands.empty()) {
      console.fail_usage(fmt::format("{} is missing. Usage: {}", first_required_argument(command), usage_line(facts)));
    } else if (const auto extras = app.remaining(true); !extras.empty()) {
      console.fail_usage(about_extras(facts, extras));
    } else {
      console.err << help_text(facts);
      console.exit_code = exit_usage;
    }
  } catch (const CLI::ExtrasError&) {
    console.fail_usage(about_extras(facts, app.remaining(true)));
  } catch (const CLI::ArgumentMismatch& problem) {
    console.fail_usage(about_values(facts, command, problem));
  } catch (const CLI::ConversionError&) {
    // Only switches convert; all other values are texts.
    console.fail_usage("a switch takes no value. Try: " + facts.path + " --help");
  } catch (const CLI::ParseError& problem) {
    console.fail_usage(fmt::format("{} Try: {} --help", harmless(problem.what()), facts.path));
  }
}

}  // namespace

void describe_application(CLI::App& app) {
  app.name("jeton");
  app.description("Stateless authentication for APIs: keys, tokens, and the server that issues them");
  app.set_help_flag("-h,--help", "Say what the program does");
  app.set_version_flag("-V,--version", JETON_VERSION, "Print the version");
  app.option_defaults()->group("Options");
  app.require_subcommand(1);
  app.footer("jeton key generate --alg ES256 --out signing.jwk\njeton help expired");
}

int run(CLI::App& app, Console& console, const std::vector<std::string>& arguments) {
  try {
    if (CLI::App* command = named_command(app, console, arguments)) parse_and_run(app, console, *command, arguments);
  } catch (const std::bad_alloc&) {
    console.fail("out of memory.");
  } catch (const std::exception& problem) {
    console.fail(fmt::format("an unexpected fault: {}. This is a bug.", harmless(problem.what())));
  }
  console.out.flush();
  console.err.flush();
  if (!console.out) {
    if (has_gone_reader()) return exit_unread;
    console.fail("standard output cannot be written.");
  }
  return console.exit_code;
}

}  // namespace jeton::cli
