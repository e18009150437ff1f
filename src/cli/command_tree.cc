#include "cli/command_tree.h"

#include <jeton/algorithm.h>

#include <fmt/format.h>

#include <algorithm>

namespace jeton::cli {
namespace {

OptionFacts facts_of_option(const CLI::Option& option) {
  OptionFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  facts.is_argument = facts.names.empty();
  facts.description = option.get_description();
  facts.group = facts.is_argument ? "Arguments" : option.get_group();
  facts.is_required = option.get_required();
  const bool takes_value = option.get_items_expected_max() > 0;
  if (takes_value) facts.placeholder = option.get_type_name();
  facts.is_repeatable = option.get_items_expected_max() > 1;
  return facts;
}

void collect(const CommandFacts& command, std::vector<const CommandFacts*>& all) {
  all.push_back(&command);
  for (const CommandFacts& child : command.commands) collect(child, all);
}

std::string spelling(const OptionFacts& option) {
  if (option.is_argument) return option.placeholder;
  std::string text = fmt::format("{}", fmt::join(option.names, ", "));
  if (!option.placeholder.empty()) text += " " + option.placeholder;
  return text;
}

// `text` in lines of at most 100 columns, each but the first indented.
std::string in_column(std::string_view text, std::size_t indent) {
  constexpr std::size_t width = 100;
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (column + 1 + end > width && column != indent) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column != indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

void append_table(std::string& out, const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t widest = 0;
  for (const auto& [left, right] : rows) widest = std::max(widest, left.size());
  for (const auto& [left, right] : rows) {
    out += fmt::format("  {:<{}}  {}\n", left, widest, in_column(right, widest + 4));
  }
}

}  // namespace

CommandFacts facts_of(const CLI::App& app) {
  CommandFacts facts;
  facts.name = app.get_name();
  facts.path = path_of(app);
  facts.description = app.get_description();
  facts.example = app.get_footer();
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    facts.options.push_back(facts_of_option(*option));
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    facts.commands.push_back(facts_of(*child));
  }
  return facts;
}

const CommandFacts* find_command(const CommandFacts& root, const std::vector<std::string>& names) {
  const CommandFacts* at = &root;
  for (const std::string& name : names) {
    const auto child = std::ranges::find(at->commands, name, &CommandFacts::name);
    if (child == at->commands.end()) return nullptr;
    at = &*child;
  }
  return at;
}

std::vector<const CommandFacts*> all_commands(const CommandFacts& root) {
  std::vector<const CommandFacts*> all;
  collect(root, all);
  return all;
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (int i = 0; i < algorithm_count; ++i) names.emplace_back(name_of(static_cast<Algorithm>(i)));
  names.emplace_back("Ed25519");
  return names;
}

std::string usage_line(const CommandFacts& command) {
  std::string line = command.path;
  if (!command.commands.empty()) return line + " COMMAND";
  const bool has_options = std::ranges::any_of(command.options, [](const OptionFacts& o) { return !o.is_argument; });
  if (has_options) line += " [OPTIONS]";
  for (const OptionFacts& option : command.options) {
    if (!option.is_argument) continue;
    const std::string argument = option.placeholder + (option.is_repeatable ? "…" : "");
    line += option.is_required ? " " + argument : " [" + argument + "]";
  }
  return line;
}

std::string help_text(const CommandFacts& command) {
  std::string out = command.description + "\n\nUsage: " + usage_line(command) + "\n";
  if (!command.commands.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const CommandFacts& child : command.commands) rows.emplace_back(child.name, child.description);
    out += "\nCommands:\n";
    append_table(out, rows);
  }
  std::vector<std::string> groups{"Arguments"};
  for (const OptionFacts& option : command.options) {
    if (std::ranges::find(groups, option.group) == groups.end()) groups.push_back(option.group);
  }
  for (const std::string& group : groups) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const OptionFacts& option : command.options) {
      if (option.group == group)
        rows.emplace_back(spelling(option), option.description + (option.is_repeatable ? " (may be repeated)" : ""));
    }
    if (rows.empty()) continue;
    out += "\n" + group + ":\n";
    append_table(out, rows);
  }
  if (!command.example.empty()) {
    out += "\nExample:\n";
    for (std::string_view rest = command.example; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      out += fmt::format("  {}\n", rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return out;
}

}  // namespace jeton::cli
