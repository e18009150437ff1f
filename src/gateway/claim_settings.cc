#include "gateway/claim_settings.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace jeton::gateway {
namespace {

using platform::shown;
using platform::TomlTable;

constexpr std::string_view tests = "equals, one_of, at_least, contains and parameter";
constexpr std::string_view no_claim = "names no claim: one to four segments with a dot between";

std::optional<Value> scalar_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return Value(std::string_view(text->get()));
  if (const auto* number = node.as_integer()) return Value(number->get());
  if (const auto* truth = node.as_boolean()) return Value(truth->get());
  return std::nullopt;
}

std::optional<Value> read_scalar(TomlTable& table, std::string_view name) {
  const toml::node* const node = table.node(name);
  if (node == nullptr) return std::nullopt;
  auto value = scalar_of(*node);
  if (!value.has_value())
    table.complain(name, fmt::format("must be a text, a whole number, true or false, not {}", shown(*node)));
  return value;
}

std::optional<Condition::OneOf> read_one_of(TomlTable& table) {
  const toml::node* const node = table.node("one_of");
  if (node == nullptr) return std::nullopt;
  Condition::OneOf test;
  if (const auto* list = node->as_array()) {
    for (const toml::node& element : *list) {
      if (auto value = scalar_of(element)) test.values.push_back(*std::move(value));
    }
    if (!list->empty() && test.values.size() == list->size()) return test;
  }
  table.complain("one_of", "must be a list of texts, whole numbers, true or false, with something in it");
  return std::nullopt;
}

// All tests of one claim.
void read_tests(TomlTable& table, const ClaimPath& claim, std::vector<Condition>& conditions) {
  const std::size_t before = conditions.size();
  if (auto value = read_scalar(table, "equals")) conditions.push_back({claim, Condition::Equals{*std::move(value)}});
  if (auto one_of = read_one_of(table)) conditions.push_back({claim, *std::move(one_of)});
  using Number = std::numeric_limits<std::int64_t>;
  if (const auto least = table.number("at_least", Number::min(), Number::max()))
    conditions.push_back({claim, Condition::AtLeast{*least}});
  if (auto value = read_scalar(table, "contains"))
    conditions.push_back({claim, Condition::Contains{*std::move(value)}});
  if (auto parameter = table.text("parameter"))
    conditions.push_back({claim, Condition::MatchesParameter{*std::move(parameter)}});
  const bool is_silent = conditions.size() == before && !table.has("equals") && !table.has("one_of") &&
                         !table.has("at_least") && !table.has("contains") && !table.has("parameter");
  if (is_silent) table.faults().add(table.where(), fmt::format("{} has no test; there are {}", table.label(), tests));
  table.finish();
}

void read_conditions_by_name(const toml::table& table, TomlTable& require, std::vector<Condition>& conditions) {
  for (const auto& [key, node] : table) {
    const std::string label = fmt::format("{} claims \"{}\"", require.label(), std::string_view(key.str()));
    const auto claim = claim_path_of(key.str());
    if (!claim.has_value()) {
      require.faults().add(key.source(), fmt::format("{} {}", label, no_claim));
    } else if (const auto* inner = node.as_table()) {
      TomlTable tests_of_claim(*inner, label, require.faults());
      read_tests(tests_of_claim, *claim, conditions);
    } else if (auto value = scalar_of(node)) {
      conditions.push_back({*claim, Condition::Equals{*std::move(value)}});
    } else {
      require.faults().add(key.source(),
                           fmt::format("{} must be a value, or a table of tests, not {}", label, shown(node)));
    }
  }
}

std::optional<HeaderName> header_of(TomlTable& table, std::string_view setting, std::string_view name) {
  auto header = HeaderName::of(name);
  if (!header.has_value()) {
    table.complain(setting, fmt::format("\"{}\" is no header that a claim can be passed on in: letters, digits and -, "
                                        "and none that frames, routes or authorizes a request",
                                        name));
  }
  return header;
}

}  // namespace

std::optional<ClaimPath> claim_path_of(std::string_view dotted) {
  ClaimPath path;
  while (true) {
    const std::size_t dot = std::min(dotted.find('.'), dotted.size());
    if (dot == 0) return std::nullopt;
    path.emplace_back(dotted.substr(0, dot));
    if (dot == dotted.size()) break;
    dotted.remove_prefix(dot + 1);
  }
  if (path.size() > claim_segments_max) return std::nullopt;
  return path;
}

std::optional<ClaimPath> read_claim_path(TomlTable& table, std::string_view name) {
  const toml::node* const node = table.node(name);
  if (node == nullptr) return std::nullopt;
  if (const auto* text = node->as_string()) {
    if (auto path = claim_path_of(text->get())) return path;
  } else if (const auto* list = node->as_array()) {
    ClaimPath path;
    for (const toml::node& element : *list) {
      const auto* segment = element.as_string();
      if (segment != nullptr && !segment->get().empty()) path.push_back(segment->get());
    }
    if (!path.empty() && path.size() == list->size() && path.size() <= claim_segments_max) return path;
  }
  table.complain(name, no_claim);
  return std::nullopt;
}

std::vector<Condition> read_conditions(TomlTable& require) {
  std::vector<Condition> conditions;
  const toml::node* const node = require.node("claims");
  if (node == nullptr) return conditions;
  if (const auto* table = node->as_table()) {
    read_conditions_by_name(*table, require, conditions);
    return conditions;
  }
  for (const toml::table* one : require.tables("claims")) {
    TomlTable table(*one, require.label() + " claims", require.faults());
    if (!table.has("claim")) table.complain("claim", "is missing");
    if (const auto claim = read_claim_path(table, "claim")) read_tests(table, *claim, conditions);
  }
  return conditions;
}

std::vector<PassedClaim> read_pass(TomlTable& route) {
  std::vector<PassedClaim> passed;
  const toml::node* const node = route.node("pass");
  if (node == nullptr) return passed;
  if (const auto* by_name = node->as_table()) {
    TomlTable table(*by_name, route.label() + " pass", route.faults());
    for (const auto& [key, value] : *by_name) {
      auto claim = claim_path_of(key.str());
      const auto name = table.text(key.str());
      if (!claim.has_value()) table.complain(key.str(), no_claim);
      if (!claim.has_value() || !name.has_value()) continue;
      if (auto header = header_of(table, key.str(), *name)) passed.push_back({*std::move(claim), *std::move(header)});
    }
    return passed;
  }
  for (const toml::table* one : route.tables("pass")) {
    TomlTable table(*one, route.label() + " pass", route.faults());
    auto claim = read_claim_path(table, "claim");
    const auto name = table.text("header");
    if (!table.has("claim")) table.complain("claim", "is missing");
    if (!table.has("header")) table.complain("header", "is missing");
    auto header = name.has_value() ? header_of(table, "header", *name) : std::nullopt;
    if (claim.has_value() && header.has_value()) passed.push_back({*std::move(claim), *std::move(header)});
    table.finish();
  }
  return passed;
}

}  // namespace jeton::gateway
