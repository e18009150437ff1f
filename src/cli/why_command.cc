// jeton why: what the gateway decided about one request, and why, read from its decision log.
#include "cli/commands.h"
#include "cli/decision_story.h"
#include "cli/line_reader.h"

#include <fmt/format.h>

#include <fstream>
#include <istream>
#include <memory>
#include <ostream>
#include <string>

namespace jeton::cli {
namespace {

constexpr std::size_t log_line_bytes_max = 64 * 1024;

struct WhyArguments {
  std::string request_id, log_path;
};

// How many lines tell of the request.
std::size_t tell(std::istream& in, const WhyArguments& arguments, Console& console) {
  std::size_t found = 0;
  LineReader reader(in, log_line_bytes_max);
  for (auto got = reader.next(); got != LineReader::Got::end && got != LineReader::Got::failed; got = reader.next()) {
    if (got != LineReader::Got::line || reader.line().find(arguments.request_id) == std::string_view::npos) continue;
    const std::string_view line = reader.line();
    const std::size_t begin = line.find('{');  // a journal puts the time and the host before it
    const auto parsed = Value::parse(begin == std::string_view::npos ? line : line.substr(begin));
    if (!parsed.has_value() || !is_decision_about(*parsed, arguments.request_id)) continue;
    if (found++ > 0) console.out << '\n';
    console.out << decision_story(*parsed, console.colour);
  }
  return found;
}

void why(const WhyArguments& arguments, Console& console) {
  std::size_t found = 0;
  if (arguments.log_path.empty()) {
    if (console.in_is_terminal) console.note("reading the log from the terminal; end with Ctrl-D, or give --log FILE");
    found = tell(console.in, arguments, console);
  } else {
    std::ifstream file(arguments.log_path, std::ios::binary);
    if (!file) return console.fail(fmt::format("{} cannot be read.", arguments.log_path));
    found = tell(file, arguments, console);
  }
  if (found > 0) return;
  console.fail(fmt::format(
      "the log has no decision about {}. Refusals are always logged, within the lines a second that the log "
      "may have; of allowed requests only a sample is.",
      arguments.request_id));
}

}  // namespace

void add_why_command(CLI::App& app, Console& console) {
  auto* command = app.add_subcommand("why", "Tell why the gateway let a request in or refused it, from its log");
  const auto arguments = std::make_shared<WhyArguments>();
  command
      ->add_option("request_id", arguments->request_id,
                   "X-Request-Id of the answer, or the one that the proxy in front gave, or the id of the trace")
      ->type_name("REQUEST-ID")
      ->required();
  command->add_option("--log", arguments->log_path, "The gateway's log; without it, standard input")->type_name("FILE");
  command->footer("journalctl -u jeton-gateway -o cat | jeton why 6b1f0c55a2d34e11-17");
  command->callback([arguments, &console] { why(*arguments, console); });
}

}  // namespace jeton::cli
