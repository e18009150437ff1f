#include "gateway/limit_settings.h"

#include "gateway/claim_settings.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

namespace jeton::gateway {
namespace {

using platform::TomlTable;

std::optional<Rate> rate_of(TomlTable& table, std::string_view name, const std::optional<std::string>& text,
                            Result<Rate> (*parse)(std::string_view) = parse_rate) {
  if (!text.has_value()) return std::nullopt;
  const auto rate = parse(*text);
  if (rate.has_value()) return *rate;
  table.complain(name, fmt::format("is \"{}\"; expected {}", *text, rate.error().expected));
  return std::nullopt;
}

std::optional<PlanRates> read_plans(TomlTable& table) {
  const toml::table* const inner = table.table("plan");
  if (inner == nullptr) return std::nullopt;
  TomlTable plans(*inner, table.label() + " plan", table.faults());
  PlanRates rates;
  for (const auto& [key, value] : *inner) {
    if (const auto rate = rate_of(plans, key.str(), plans.text(key.str())))
      rates.rates.emplace_back(std::string(key.str()), *rate);
  }
  return rates;
}

std::optional<ClaimRate> read_claim(TomlTable& table) {
  ClaimRate rate;
  auto claim = read_claim_path(table, "claim");
  const auto per = rate_of(table, "per", table.text("per"), parse_unit);
  const auto most = rate_of(table, "most", table.text("most"));
  for (const std::string_view name : {"per", "most"}) {
    if (table.has("claim") && !table.has(name)) table.complain(name, "is missing: a claim alone is no limit");
    if (!table.has("claim") && table.has(name)) table.complain(name, "is for a limit that stands in a claim");
  }
  if (!claim.has_value() || !per.has_value() || !most.has_value()) return std::nullopt;
  return ClaimRate{*std::move(claim), *per, *most};
}

void read_by(TomlTable& table, LimitRule& rule) {
  const auto place = table.word("by", {"sub", "client", "address", "all"});
  if (place.has_value()) {
    constexpr std::array kinds{LimitBy::subject, LimitBy::client, LimitBy::address, LimitBy::all};
    rule.by = kinds.at(*place);
  }
  auto claim = read_claim_path(table, "by_claim");
  if (!claim.has_value()) return;
  if (table.has("by")) table.complain("by_claim", "stands beside by; only one of them can be");
  rule.by = LimitBy::claim;
  rule.by_claim = *std::move(claim);
}

std::optional<LimitRule> read_limit(TomlTable table, const std::string& route_name) {
  LimitRule rule{.name = table.text("name").value_or(route_name)};
  read_by(table, rule);
  const auto rate = rate_of(table, "rate", table.text("rate"));
  auto plans = read_plans(table);
  auto claim = read_claim(table);
  rule.otherwise = rate_of(table, "otherwise", table.text("otherwise"));
  table.finish();
  const int given = table.has("rate") + table.has("plan") + table.has("claim");
  if (given != 1) {
    table.faults().add(table.where(), table.label() + " must have one of rate, plan and claim");
    return std::nullopt;
  }
  if (rate.has_value())
    rule.allowance = *rate;
  else if (plans.has_value())
    rule.allowance = *std::move(plans);
  else if (claim.has_value())
    rule.allowance = *std::move(claim);
  else
    return std::nullopt;
  if (const auto good = check(rule); !good.has_value()) {
    table.faults().add(table.where(), fmt::format("{}: {}", table.label(), describe(good.error())));
    return std::nullopt;
  }
  return rule;
}

}  // namespace

std::vector<LimitRule> read_limits(TomlTable& route, const std::string& route_name) {
  std::vector<LimitRule> rules;
  const toml::node* const node = route.node("limit");
  if (node == nullptr) return rules;
  std::vector<const toml::table*> tables;
  if (const auto* one = node->as_table())
    tables.push_back(one);
  else
    tables = route.tables("limit");
  for (const toml::table* table : tables) {
    if (auto rule = read_limit(TomlTable(*table, route.label() + " limit", route.faults()), route_name))
      rules.push_back(*std::move(rule));
  }
  return rules;
}

}  // namespace jeton::gateway
