// TomlDocument: reading files that people write, so that nothing in them is overlooked. A file is read whole or refused
// whole; what is refused is named by file and line, all of it at once, with the name that was probably meant:
//
//   gateway.toml:14: [[route]] upstrem is not a setting; did you mean upstream?
#pragma once

#include "platform/fault.h"

#include <toml++/toml.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::platform {

// What is wrong with a file, in the order of its lines.
class TomlFaults {
 public:
  explicit TomlFaults(std::string file) : file_(std::move(file)) {}
  void add(const toml::source_region& where, std::string_view text);
  bool none() const { return lines_.empty(); }
  Fault fault() const;

 private:
  std::string file_;
  std::multimap<toml::source_index, std::string> lines_;
};

Outcome<toml::table> parse_toml(std::string_view text, const std::string& file_name);

// The value as it was written, near enough to recognize it.
std::string shown(const toml::node& node);

// One table, read by asking for its settings. What is there but was not asked for is a fault when `finish` is called.
// Whoever asks gets nothing where a setting is absent, and nothing and a fault where it is not what it must be.
class TomlTable {
 public:
  // `label` names the table in faults: "[[route]] match".
  TomlTable(const toml::table& table, std::string label, TomlFaults& faults);

  std::optional<std::string> text(std::string_view name);
  // A text, or a list of them that is not empty. None of them is empty, unless that means something here.
  enum class Empty : bool { refused, allowed };
  std::optional<std::vector<std::string>> texts(std::string_view name, Empty empty = Empty::refused);
  // From `least` to `most`.
  std::optional<std::chrono::seconds> duration(std::string_view name, std::chrono::seconds least,
                                               std::chrono::seconds most);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<bool> flag(std::string_view name);
  // One of `words`, as its place among them.
  std::optional<std::size_t> word(std::string_view name, const std::vector<std::string>& words);
  const toml::table* table(std::string_view name);
  // [[name]], or a list of inline tables.
  std::vector<const toml::table*> tables(std::string_view name);
  const toml::node* node(std::string_view name);
  bool has(std::string_view name) const { return table_.contains(name); }

  // A fault at the setting of that name, or at the table where it is absent: "LABEL NAME TEXT".
  void complain(std::string_view name, std::string_view text);
  void finish();

  const std::string& label() const { return label_; }
  const toml::source_region& where() const { return table_.source(); }
  TomlFaults& faults() { return faults_; }

 private:
  const toml::table& table_;
  std::string label_;
  TomlFaults& faults_;
  std::vector<std::string> asked_;
};

}  // namespace jeton::platform
