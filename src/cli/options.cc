#include "cli/options.h"

#include "cli/command_tree.h"
#include "platform/nearest_name.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <algorithm>

namespace jeton::cli {

CLI::Option* add_text(CLI::App& app, const std::string& names, std::optional<std::string>& value,
                      const std::string& placeholder, const std::string& description) {
  return app.add_option_function<std::string>(
                names, [&value](const std::string& text) { value = text; }, description)
      ->type_name(placeholder);
}

CLI::Option* add_texts(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                       const std::string& placeholder, const std::string& description) {
  return app.add_option(names, values, description)->type_name(placeholder)->allow_extra_args(false);
}

CLI::Option* add_switch(CLI::App& app, const std::string& names, bool& value, const std::string& description) {
  return app.add_flag(names, value, description);
}

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(example);
  command->set_help_flag("-h,--help", "Say what the command does");
  command->option_defaults()->group("Options");
  return command;
}

platform::Outcome<Algorithm> algorithm_from(const std::string& name) {
  if (const auto algorithm = algorithm_named(name)) return *algorithm;
  const std::vector<std::string> names = algorithm_names();
  return std::unexpected(platform::Fault{
      fmt::format("{} is not an algorithm.{}", shortened(harmless(name), 40), platform::did_you_mean(name, names)),
      fmt::format("There are {}.", fmt::join(names, ", "))});
}

std::string first_option_given_besides(const CLI::App& app, const std::vector<std::string>& allowed) {
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (option->count() == 0) continue;
    const std::string name =
        option->get_lnames().empty() ? option->get_type_name() : "--" + option->get_lnames().front();
    if (std::ranges::find(allowed, name) == allowed.end()) return name;
  }
  return {};
}

}  // namespace jeton::cli
