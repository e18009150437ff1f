#include "cli/config.h"

#include "cli/config_settings.h"
#include "cli/files.h"
#include "platform/nearest_name.h"
#include "platform/toml_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jeton::cli {
namespace {

using platform::nearest_name;
using Complaints = platform::TomlFaults;

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const Setting& setting : all_settings()) {
    if (std::ranges::find(names, setting.section) == names.end()) names.emplace_back(setting.section);
  }
  return names;
}

std::vector<std::string> setting_names(std::string_view section) {
  std::vector<std::string> names;
  for (const Setting& setting : all_settings()) {
    if (setting.section == section) names.emplace_back(setting.name);
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

const Setting* find_setting(std::string_view section, std::string_view name) {
  const auto& settings = all_settings();
  const auto found =
      std::ranges::find_if(settings, [&](const Setting& one) { return one.section == section && one.name == name; });
  return found == settings.end() ? nullptr : &*found;
}

// The section that has a setting of this very name.
std::string section_of(std::string_view name) {
  const auto& settings = all_settings();
  const auto found = std::ranges::find(settings, name, &Setting::name);
  return found == settings.end() ? std::string() : std::string(found->section);
}

std::string unknown_setting(std::string_view section, std::string_view name) {
  const auto names = setting_names(section);
  std::string text = fmt::format("[{}] {} is not a setting; ", section, name);
  if (const std::string nearest = nearest_name(name, names); !nearest.empty())
    return text + fmt::format("did you mean {}?", nearest);
  if (const std::string other = section_of(name); !other.empty())
    return text + fmt::format("did you mean [{}] {}?", other, name);
  return text + fmt::format("[{}] has {}", section, joined(names));
}

std::string unknown_section(std::string_view name, const toml::node& node) {
  const auto names = section_names();
  if (!node.is_table()) {
    const std::string section = section_of(name);
    return section.empty() ? fmt::format("{} is not a setting; settings stand in a section, such as [issuer]", name)
                           : fmt::format("{0} stands in no section; did you mean [{1}] {0}?", name, section);
  }
  std::string text = fmt::format("[{}] is not a section; ", name);
  const std::string nearest = nearest_name(name, names);
  return text +
         (nearest.empty() ? fmt::format("there are {}", joined(names)) : fmt::format("did you mean [{}]?", nearest));
}

// Where each setting of the file stands, for what is wrong between two.
using Places = std::map<std::string, toml::source_region>;

void read_section(std::string_view section, const toml::table& table, Config& config, Complaints& complaints,
                  Places& places) {
  for (const auto& [key, node] : table) {
    const Setting* setting = find_setting(section, key.str());
    if (setting == nullptr) {
      complaints.add(key.source(), unknown_setting(section, key.str()));
      continue;
    }
    places.emplace(setting->name, key.source());
    const std::string objection = setting->read(node, config);
    if (!objection.empty()) complaints.add(key.source(), fmt::format("[{}] {} {}", section, setting->name, objection));
  }
}

void compare_lifetimes(const Config& config, Complaints& complaints, const Places& places) {
  const auto place_of = [&](const std::string& first, const std::string& second) {
    const auto found = places.contains(first) ? places.find(first) : places.find(second);
    return found == places.end() ? toml::source_region{} : found->second;
  };
  const issuer::Rules& rules = config.rules;
  if (rules.session_idle > rules.session_absolute) {
    complaints.add(place_of("session_idle", "session_absolute"),
                   "[tokens] session_idle must not be longer than session_absolute");
  }
  if (rules.access_lifetime > rules.session_idle) {
    complaints.add(place_of("session_idle", "access_lifetime"),
                   "[tokens] session_idle must not be shorter than access_lifetime");
  }
}

}  // namespace

platform::Outcome<Config> parse_config(std::string_view text, const std::string& file_name) {
  const auto document = platform::parse_toml(text, file_name);
  if (!document.has_value()) return std::unexpected(document.error());
  Config config;
  Complaints complaints(file_name);
  Places places;
  const auto sections = section_names();
  for (const auto& [key, node] : *document) {
    const bool is_section = std::ranges::find(sections, key.str()) != sections.end();
    if (!is_section) {
      complaints.add(key.source(), unknown_section(key.str(), node));
    } else if (const toml::table* table = node.as_table()) {
      read_section(key.str(), *table, config, complaints, places);
    } else {
      complaints.add(key.source(), fmt::format("{0} is a section: write [{0}] and its settings below it", key.str()));
    }
  }
  if (complaints.none()) compare_lifetimes(config, complaints, places);
  if (!complaints.none()) return std::unexpected(complaints.fault());
  return config;
}

platform::Outcome<Config> read_config(const std::string& path) {
  std::istream no_standard_input(nullptr);  // a file that can be read again on SIGHUP
  const auto text = read_file(path, no_standard_input, config_bytes_max);
  if (!text.has_value()) return std::unexpected(text.error());
  return parse_config(*text, path);
}

std::string documented_config() {
  const Config defaults;
  std::string text =
      "# Configuration of `jeton serve`, with every setting at its default. Nothing here is needed to begin.\n"
      "# What is marked (live) is taken over by a running server on SIGHUP; the rest needs a restart.\n";
  std::string_view section;
  for (const Setting& setting : all_settings()) {
    if (setting.section != section) {
      section = setting.section;
      text += fmt::format("\n[{}]\n", section);
    } else {
      text += '\n';
    }
    std::string_view rest = setting.meaning;
    bool is_first = true;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      text += fmt::format("# {}{}\n", is_first && setting.is_live ? "(live) " : "", rest.substr(0, end));
      rest.remove_prefix(end + 1);
      is_first = false;
    }
    text += fmt::format("{} = {}\n", setting.name, setting.write(defaults));
  }
  return text;
}

std::string settings_that_need_a_restart(const Config& running, const Config& fresh) {
  std::vector<std::string> names;
  for (const Setting& setting : all_settings()) {
    if (!setting.is_live && setting.write(running) != setting.write(fresh))
      names.push_back(fmt::format("[{}] {}", setting.section, setting.name));
  }
  return joined(names);
}

std::string objection_to_issuer_url(std::string_view url) {
  constexpr std::size_t url_bytes_max = 1024;
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return "must begin with https:// (or http:// on one machine)";
  const std::string_view rest = url.substr(scheme);
  if (rest.empty() || rest.front() == '/' || rest.front() == ':') return "must name a host";
  if (rest.find_first_of("?#") != std::string_view::npos) return "must have no query and no fragment";
  if (rest.find('@') != std::string_view::npos) return "must have no user name";
  if (url.size() > url_bytes_max) return "must have at most 1024 bytes";
  const bool is_visible = std::ranges::all_of(
      url, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>'; });
  return is_visible ? "" : "must hold visible ASCII characters alone";
}

http::TrustedProxies trusted_proxies_of(const Config& config) {
  std::vector<http::AddressRange> ranges;
  for (const std::string& text : config.trusted_proxies) {
    if (const auto range = http::parse_address_range(text)) ranges.push_back(*range);
  }
  return http::TrustedProxies(std::move(ranges));
}

std::string ListenAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

platform::Outcome<ListenAddress> parse_listen_address(std::string_view text) {
  const auto refused = [&] {
    return std::unexpected(platform::Fault{fmt::format("\"{}\" is not an address to listen on.", text),
                                           "Write HOST:PORT, such as 127.0.0.1:8080."});
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refused();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return refused();
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return refused();
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return refused();
  return ListenAddress{.host = std::string(host), .port = port};
}

}  // namespace jeton::cli
