#include "cli/completion.h"

#include "cli/topics.h"

#include <jeton/version.h>

#include <fmt/format.h>

#include <algorithm>

namespace jeton::cli {
namespace {

// 'text' for a shell; a quote inside leaves the quotes for a moment.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

// What `jeton help` explains: error codes and commands.
std::vector<std::string> topics_of(const CommandFacts& root) {
  std::vector<std::string> topics = topic_names();
  for (const CommandFacts& command : root.commands) topics.push_back(command.name);
  return topics;
}

std::vector<std::string> words_of(const CommandFacts& command, const CommandFacts& root) {
  std::vector<std::string> words;
  for (const CommandFacts& child : command.commands) words.push_back(child.name);
  for (const OptionFacts& option : command.options) words.insert(words.end(), option.names.begin(), option.names.end());
  for (const OptionFacts& option : command.options) {
    if (!option.is_argument || option.placeholder != topic_placeholder) continue;
    const auto topics = topics_of(root);
    words.insert(words.end(), topics.begin(), topics.end());
  }
  return words;
}

bool takes_files(const CommandFacts& command) {
  return std::ranges::any_of(command.options,
                             [](const OptionFacts& o) { return o.is_argument && o.placeholder == file_placeholder; });
}

// The names of all options, in any command, that take a value of that kind: "--key|--jwks|--out".
std::string names_taking(const CommandFacts& root, bool (*wanted)(const OptionFacts&)) {
  std::vector<std::string> names;
  for (const CommandFacts* command : all_commands(root)) {
    for (const OptionFacts& option : command->options) {
      if (option.is_argument || option.placeholder.empty() || !wanted(option)) continue;
      for (const std::string& name : option.names) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
      }
    }
  }
  return fmt::format("{}", fmt::join(names, "|"));
}

bool takes_file(const OptionFacts& option) { return option.placeholder == file_placeholder; }
bool takes_algorithm(const OptionFacts& option) { return option.placeholder == algorithm_placeholder; }
bool takes_other(const OptionFacts& option) { return !takes_file(option) && !takes_algorithm(option); }

std::string without_root(const CommandFacts& command, const CommandFacts& root) {
  return command.path.size() == root.path.size() ? "" : command.path.substr(root.path.size() + 1);
}

// Text for troff: no line may begin with a dot or a quote, and backslashes and hyphens are its own.
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

void append_options(std::string& out, const CommandFacts& command) {
  for (const OptionFacts& option : command.options) {
    std::string term = option.is_argument ? option.placeholder : fmt::format("{}", fmt::join(option.names, ", "));
    if (!option.is_argument && !option.placeholder.empty()) term += " " + option.placeholder;
    out += fmt::format(".TP\n.B {}\n{}{}\n", troff(term), troff(option.description),
                       option.is_repeatable ? " (may be repeated)" : "");
  }
}

void append_example(std::string& out, std::string_view example) {
  out += ".PP\n.EX\n";
  while (!example.empty()) {
    const std::size_t end = std::min(example.find('\n'), example.size());
    out += troff(example.substr(0, end)) + "\n";
    example.remove_prefix(std::min(end + 1, example.size()));
  }
  out += ".EE\n";
}

}  // namespace

std::string bash_completion(const CommandFacts& root) {
  std::string commands, words;
  for (const CommandFacts* command : all_commands(root)) {
    const std::string path = without_root(*command, root);
    if (!path.empty()) commands += (commands.empty() ? "" : "|") + in_quotes(path);
    words += fmt::format("    {}) words={}{} ;;\n", in_quotes(path),
                         in_quotes(fmt::format("{}", fmt::join(words_of(*command, root), " "))),
                         takes_files(*command) ? "; files=1" : "");
  }
  return fmt::format(R"(# bash completion for jeton; made by: jeton completion bash
_jeton() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path= next words= files= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${{path:+$path }}${{COMP_WORDS[i]}}"
    case "$next" in
      {}) path=$next ;;
    esac
  done
  case "$prev" in
    {}) COMPREPLY=($(compgen -W {} -- "$cur")); return ;;
    {}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    {}) return ;;
  esac
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n $files && $cur != -* ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi
}}
complete -o filenames -o bashdefault -F _jeton jeton
)",
                     commands, names_taking(root, takes_algorithm),
                     in_quotes(fmt::format("{}", fmt::join(algorithm_names(), " "))), names_taking(root, takes_file),
                     names_taking(root, takes_other), words);
}

std::string zsh_completion(const CommandFacts& root) {
  std::string commands, words;
  for (const CommandFacts* command : all_commands(root)) {
    const std::string path = without_root(*command, root);
    if (!path.empty()) commands += (commands.empty() ? "" : "|") + in_quotes(path);
    std::string list;
    for (const std::string& word : words_of(*command, root)) list += " " + in_quotes(word);
    words += fmt::format("    ({}) words=({}){} ;;\n", in_quotes(path), list.empty() ? "" : list.substr(1),
                         takes_files(*command) ? "; files=1" : "");
  }
  return fmt::format(R"(#compdef jeton
# zsh completion for jeton; made by: jeton completion zsh
_jeton() {{
  local path_so_far='' next='' files='' i
  local -a words_here=("${{words[@]}}")
  local -i current_here=CURRENT
  for ((i = 2; i < current_here; i++)); do
    next="${{path_so_far:+$path_so_far }}${{words_here[i]}}"
    case "$next" in
      ({}) path_so_far=$next ;;
    esac
  done
  case "${{words_here[current_here-1]}}" in
    ({}) compadd -- {}; return ;;
    ({}) _files; return ;;
    ({}) return ;;
  esac
  local -a words
  case "$path_so_far" in
{}  esac
  compadd -a words
  if [[ -n $files ]]; then _files; fi
}}
if [[ "${{funcstack[1]}}" == _jeton ]]; then _jeton "$@"; else compdef _jeton jeton; fi
)",
                     commands, names_taking(root, takes_algorithm), fmt::join(algorithm_names(), " "),
                     names_taking(root, takes_file), names_taking(root, takes_other), words);
}

std::string fish_completion(const CommandFacts& root) {
  std::string out =
      "# fish completion for jeton; made by: jeton completion fish\n"
      "function __jeton_at\n"
      "  set -l words (commandline -opc)\n"
      "  set -e words[1]\n"
      "  set -l named (string match -v -- '-*' $words)\n"
      "  test (count $named) -ge (count $argv); or return 1\n"
      "  for i in (seq (count $argv))\n"
      "    test \"$named[$i]\" = \"$argv[$i]\"; or return 1\n"
      "  end\n"
      "end\n"
      "function __jeton_exactly_at\n"
      "  __jeton_at $argv; or return 1\n"
      "  set -l words (commandline -opc)\n"
      "  test (count $words) -eq (math 1 + (count $argv))\n"
      "end\n"
      "complete -c jeton -f\n";
  for (const CommandFacts* command : all_commands(root)) {
    const std::string path = without_root(*command, root);
    const std::string here = in_quotes(path.empty() ? "__jeton_exactly_at" : "__jeton_exactly_at " + path);
    for (const CommandFacts& child : command->commands) {
      out += fmt::format("complete -c jeton -n {} -a {} -d {}\n", here, child.name, in_quotes(child.description));
    }
    if (path.empty()) continue;
    const std::string below = in_quotes("__jeton_at " + path);
    if (takes_files(*command)) out += fmt::format("complete -c jeton -n {} -F\n", below);
    for (const OptionFacts& option : command->options) {
      if (option.is_argument && option.placeholder == topic_placeholder) {
        out += fmt::format("complete -c jeton -n {} -a {}\n", below,
                           in_quotes(fmt::format("{}", fmt::join(topics_of(root), " "))));
      }
      for (const std::string& name : option.names) {
        const std::string values = takes_algorithm(option)
                                       ? " -x -a " + in_quotes(fmt::format("{}", fmt::join(algorithm_names(), " ")))
                                   : takes_file(option)         ? " -r -F"
                                   : option.placeholder.empty() ? ""
                                                                : " -x";
        out += fmt::format("complete -c jeton -n {} {} {}{} -d {}\n", below, name.starts_with("--") ? "-l" : "-s",
                           name.substr(name.find_first_not_of('-')), values, in_quotes(option.description));
      }
    }
  }
  return out;
}

std::string manual_page(const CommandFacts& root) {
  std::string out = fmt::format(
      ".TH JETON 1 \"\" \"jeton {}\" \"Jeton\"\n.SH NAME\njeton \\- {}\n.SH SYNOPSIS\n.B {}\n.SH COMMANDS\n",
      JETON_VERSION, troff(root.description), troff(usage_line(root)));
  for (const CommandFacts* command : all_commands(root)) {
    if (command == &root) continue;
    out += fmt::format(".SS {}\n{}.\n", troff(usage_line(*command)), troff(command->description));
    append_options(out, *command);
    if (!command->example.empty()) append_example(out, command->example);
  }
  out +=
      ".SH EXIT STATUS\n.TP\n.B 0\nDone, or the answer is yes.\n.TP\n.B 1\nThe answer is no (a refused token, a bad "
      "key), or something failed.\n"
      ".TP\n.B 2\nThe command line itself was wrong.\n.SH ENVIRONMENT\n.TP\n.B NO_COLOR\nIf set and not empty, nothing "
      "is coloured.\n"
      ".SH ERROR CODES\n";
  for (const std::string& name : topic_names())
    out += fmt::format(".TP\n.B {}\n{}\n", troff(name), troff(topic_meaning(name)));
  return out;
}

}  // namespace jeton::cli
