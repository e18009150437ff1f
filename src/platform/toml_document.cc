#include "platform/toml_document.h"

#include "platform/duration.h"
#include "platform/nearest_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace jeton::platform {
namespace {

// What a file says about itself, names and values, must not begin a line of its own among ours.
std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return line;
}

}  // namespace

void TomlFaults::add(const toml::source_region& where, std::string_view text) {
  lines_.emplace(where.begin.line, fmt::format("{}:{}: {}", file_, where.begin.line, on_one_line(text)));
}

Fault TomlFaults::fault() const {
  std::string text;
  for (const auto& [number, line] : lines_) text += (text.empty() ? "" : "\n") + line;
  return {std::move(text), ""};
}

Outcome<toml::table> parse_toml(std::string_view text, const std::string& file_name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        Fault{fmt::format("{}:{}: {}", file_name, error.source().begin.line, on_one_line(error.description())), ""});
  }
}

std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    std::string out = "\"";
    for (const char c : text->get()) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  }
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  return "that";
}

TomlTable::TomlTable(const toml::table& table, std::string label, TomlFaults& faults)
    : table_(table), label_(std::move(label)), faults_(faults) {}

const toml::node* TomlTable::node(std::string_view name) {
  asked_.emplace_back(name);
  return table_.get(name);
}

void TomlTable::complain(std::string_view name, std::string_view text) {
  const toml::node* const found = table_.get(name);
  faults_.add(found != nullptr ? found->source() : table_.source(), fmt::format("{} {} {}", label_, name, text));
}

std::optional<std::string> TomlTable::text(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) return std::nullopt;
  if (const auto* text = found->as_string()) return text->get();
  complain(name, fmt::format("must be a text in quotes, not {}", shown(*found)));
  return std::nullopt;
}

std::optional<std::vector<std::string>> TomlTable::texts(std::string_view name, Empty empty) {
  const toml::node* const found = node(name);
  if (found == nullptr) return std::nullopt;
  const auto* list = found->as_array();
  std::vector<std::string> texts;
  if (const auto* text = found->as_string()) texts.push_back(text->get());
  if (list != nullptr) {
    for (const toml::node& element : *list) {
      if (const auto* text = element.as_string()) texts.push_back(text->get());
    }
  }
  const bool are_all_texts = !texts.empty() && (list == nullptr || texts.size() == list->size());
  if (are_all_texts && (empty == Empty::allowed || std::ranges::find(texts, "") == texts.end())) return texts;
  if (are_all_texts) {
    complain(name, list == nullptr ? "must not be empty" : "must not hold an empty text");
    return std::nullopt;
  }
  complain(name, fmt::format("must be a text in quotes or a list of them, not {}",
                             list != nullptr && list->empty() ? "an empty list" : shown(*found)));
  return std::nullopt;
}

std::optional<std::chrono::seconds> TomlTable::duration(std::string_view name, std::chrono::seconds least,
                                                        std::chrono::seconds most) {
  const toml::node* const found = node(name);
  if (found == nullptr) return std::nullopt;
  const auto* text = found->as_string();
  const auto duration = text == nullptr ? std::nullopt : parse_duration(text->get());
  if (!duration.has_value()) {
    complain(name, fmt::format("must be a duration such as \"15m\" or \"30d\", not {}", shown(*found)));
    return std::nullopt;
  }
  if (*duration < least || *duration > most) {
    complain(name, fmt::format("must be from {} s to {} s, not {}", least.count(), most.count(), shown(*found)));
    return std::nullopt;
  }
  return duration;
}

std::optional<std::int64_t> TomlTable::number(std::string_view name, std::int64_t least, std::int64_t most) {
  const toml::node* const found = node(name);
  if (found == nullptr) return std::nullopt;
  const auto* number = found->as_integer();
  if (number != nullptr && number->get() >= least && number->get() <= most) return number->get();
  complain(name, number == nullptr ? fmt::format("must be a whole number, not {}", shown(*found))
                                   : fmt::format("must be from {} to {}, not {}", least, most, number->get()));
  return std::nullopt;
}

std::optional<bool> TomlTable::flag(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) return std::nullopt;
  if (const auto* truth = found->as_boolean()) return truth->get();
  complain(name, fmt::format("must be true or false, not {}", shown(*found)));
  return std::nullopt;
}

std::optional<std::size_t> TomlTable::word(std::string_view name, const std::vector<std::string>& words) {
  const toml::node* const found = node(name);
  if (found == nullptr) return std::nullopt;
  const auto* text = found->as_string();
  if (text != nullptr) {
    const auto place = std::ranges::find(words, text->get());
    if (place != words.end()) return static_cast<std::size_t>(place - words.begin());
  }
  const std::string nearest = text == nullptr ? std::string() : nearest_name(text->get(), words);
  complain(name, nearest.empty()
                     ? fmt::format("must be one of \"{}\", not {}", fmt::join(words, "\", \""), shown(*found))
                     : fmt::format("is {}; did you mean \"{}\"?", shown(*found), nearest));
  return std::nullopt;
}

const toml::table* TomlTable::table(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) return nullptr;
  if (const auto* table = found->as_table()) return table;
  complain(name, fmt::format("must be a table, not {}", shown(*found)));
  return nullptr;
}

std::vector<const toml::table*> TomlTable::tables(std::string_view name) {
  const toml::node* const found = node(name);
  std::vector<const toml::table*> tables;
  if (found == nullptr) return tables;
  const auto* list = found->as_array();
  if (list == nullptr) {
    complain(name, fmt::format("must be a list of tables: write [[{}]]", name));
    return tables;
  }
  for (const toml::node& element : *list) {
    if (const auto* table = element.as_table())
      tables.push_back(table);
    else
      faults_.add(element.source(), fmt::format("{} {} must hold tables alone, not {}", label_, name, shown(element)));
  }
  return tables;
}

void TomlTable::finish() {
  for (const auto& [key, value] : table_) {
    if (std::ranges::find(asked_, key.str()) != asked_.end()) continue;
    std::vector<std::string> names = asked_;
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const std::string nearest = nearest_name(key.str(), names);
    const std::string subject =
        label_.empty() ? std::string(key.str()) : fmt::format("{} {}", label_, std::string_view(key.str()));
    faults_.add(key.source(), nearest.empty()
                                  ? fmt::format("{} is not a setting; there are {}", subject, fmt::join(names, ", "))
                                  : fmt::format("{} is not a setting; did you mean {}?", subject, nearest));
  }
}

}  // namespace jeton::platform
