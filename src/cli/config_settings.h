// The settings of the configuration file, one by one: where it stands, what it means, how it is read into a Config.
#pragma once

#include "cli/config.h"

#include <toml++/toml.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::cli {

struct Setting {
  std::string_view section, name;
  std::string_view meaning;  // for people; lines ending in \n
  bool is_live;              // SIGHUP takes it over
  // The value of a Config as TOML.
  std::function<std::string(const Config&)> write;
  // Takes the value over; gives the objection to it ("must be …"), or an empty text.
  std::function<std::string(const toml::node&, Config&)> read;
};

const std::vector<Setting>& all_settings();

}  // namespace jeton::cli
