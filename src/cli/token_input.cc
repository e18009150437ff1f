#include "cli/token_input.h"

#include "cli/files.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/token_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace jeton::cli {

platform::Outcome<std::string> token_from(Console& console, const std::optional<std::string>& argument) {
  if (argument && *argument != "-") return std::string(without_blanks_around(*argument));
  if (console.in_is_terminal) console.note("reading from the terminal; end with Ctrl-D.");
  const auto text = read_stream(console.in, batch_line_bytes_max);
  if (!text) return std::unexpected(text.error());
  const std::string_view token = without_blanks_around(*text);
  if (token.empty()) {
    return std::unexpected(
        platform::Fault{"no token was given.", "Name it as the argument, or write it to standard input."});
  }
  return std::string(token);
}

void tell_refusal(Console& console, const Error& error) {
  console.fail(fmt::format("refused: {}. See: jeton help {}", describe(error), name_of(error.code)));
}

void tell_json(Console& console, const BatchAnswer& answer) {
  console.out << answer.json << '\n';
  if (!answer.ok) console.exit_code = exit_bad;
}

bool batch_is_misused(Console& console, const CLI::App& command) {
  const std::string other = first_option_given_besides(command, {"--batch-json"});
  if (other.empty()) return false;
  console.fail_usage(fmt::format("--batch-json reads everything from its input lines; leave {} out.", other));
  return true;
}

std::optional<std::vector<std::string>> algorithms_from(Console& console, const std::vector<std::string>& given) {
  std::vector<std::string> names;
  for (std::string_view rest : given) {
    for (;;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string name(rest.substr(0, comma));
      if (const auto algorithm = algorithm_from(name); !algorithm) {
        console.fail_usage("--alg: " + algorithm.error().text());
        return std::nullopt;
      }
      names.push_back(name);
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return names;
}

void warn_of_open_key(Console& console, const std::string& path) {
  if (path == "-" || !is_readable_by_others(path)) return;
  console.note(fmt::format("{} can be read by other users. Close it: chmod 600 {}", harmless(path), harmless(path)));
}

}  // namespace jeton::cli
