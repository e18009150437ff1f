#include "gateway/route_settings.h"

#include "gateway/claim_settings.h"
#include "gateway/cors_settings.h"
#include "gateway/limit_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace jeton::gateway {
namespace {

using platform::shown;
using platform::TomlTable;
using std::chrono::seconds;

constexpr seconds staleness_max_max = std::chrono::hours{24 * 31};
constexpr seconds login_age_max_max = std::chrono::hours{24 * 366};

std::optional<ErrorStyle> read_errors(TomlTable& table) {
  const auto place = table.word("errors", {"reference", "rfc6750"});
  if (!place.has_value()) return std::nullopt;
  return *place == 0 ? ErrorStyle::reference : ErrorStyle::rfc6750;
}

struct Staleness {
  std::optional<seconds> max{};
  std::optional<WhenStale> then{};
};

Staleness read_staleness(TomlTable& table) {
  const toml::table* const inner = table.table("staleness");
  if (inner == nullptr) return {};
  TomlTable settings(*inner, table.label() + " staleness", table.faults());
  Staleness staleness{.max = settings.duration("max", seconds{0}, staleness_max_max)};
  if (const auto place = settings.word("then", {"allow", "deny", "introspect"}))
    staleness.then = static_cast<WhenStale>(*place);
  settings.finish();
  return staleness;
}

std::optional<StreamsUntil> read_streams(TomlTable& table) {
  const auto place = table.word("streams", {"until_expiry", "until_closed"});
  if (!place.has_value()) return std::nullopt;
  return static_cast<StreamsUntil>(*place);
}

std::vector<QueryCondition> read_query(TomlTable& table) {
  std::vector<QueryCondition> conditions;
  const toml::table* const inner = table.table("query");
  if (inner == nullptr) return conditions;
  TomlTable settings(*inner, table.label() + " query", table.faults());
  for (const auto& [key, value] : *inner) {
    QueryCondition condition{.name = std::string(key.str())};
    const auto* present = value.as_boolean();
    if (present != nullptr && present->get()) {
      (void)settings.flag(key.str());
    } else if (auto values = settings.texts(key.str(), TomlTable::Empty::allowed)) {
      condition.values = *std::move(values);
    } else {
      continue;
    }
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

Match read_match(TomlTable& table) {
  Match match;
  const toml::table* const inner = table.table("match");
  if (inner == nullptr) {
    if (!table.has("match")) table.complain("match", "is missing: which requests is this route for?");
    return match;
  }
  TomlTable settings(*inner, table.label() + " match", table.faults());
  if (auto hosts = settings.texts("host")) match.hosts = *std::move(hosts);
  if (auto methods = settings.texts("method")) match.methods = *std::move(methods);
  if (auto path = settings.text("path"))
    match.path = *std::move(path);
  else if (!settings.has("path"))
    settings.complain("path", "is missing; \"/**\" is every path");
  match.query = read_query(settings);
  settings.finish();
  return match;
}

void read_login(TomlTable& table, Policy& policy) {
  const toml::table* const inner = table.table("login");
  if (inner == nullptr) return;
  TomlTable settings(*inner, table.label() + " login", table.faults());
  policy.login_age_max = settings.duration("max_age", seconds{0}, login_age_max_max);
  if (auto values = settings.texts("acr")) policy.acr_values = *std::move(values);
  if (inner->empty()) table.complain("login", "demands nothing: give max_age or acr");
  settings.finish();
}

// Scopes as OAuth writes them, in one text, or as a list.
std::vector<std::string> words_of(const std::vector<std::string>& texts) {
  std::vector<std::string> words;
  for (std::string_view rest : texts) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) words.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

bool is_route_name(std::string_view name) {
  constexpr std::size_t name_bytes_max = 128;
  return !name.empty() && name.size() <= name_bytes_max &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

struct Required {
  std::optional<std::vector<std::string>> audience{}, issuer{};
};

Required read_require(TomlTable& table, Policy& policy) {
  Required required;
  const toml::table* const inner = table.table("require");
  if (inner == nullptr) return required;
  TomlTable settings(*inner, table.label() + " require", table.faults());
  required.audience = settings.texts("audience");
  required.issuer = settings.texts("issuer");
  if (const auto scopes = settings.texts("scope")) {
    policy.scopes = words_of(*scopes);
    if (policy.scopes.empty()) settings.complain("scope", "names no scope");
  }
  if (auto roles = settings.texts("role")) policy.roles = *std::move(roles);
  if (auto plans = settings.texts("plan")) policy.plans = *std::move(plans);
  policy.conditions = read_conditions(settings);
  read_login(settings, policy);
  settings.finish();
  return required;
}

}  // namespace

RouteDefaults read_defaults(TomlTable table) {
  RouteDefaults defaults{.audience = table.texts("audience"),
                         .issuer = table.texts("issuer"),
                         .realm = table.text("realm"),
                         .errors = read_errors(table)};
  const Staleness staleness = read_staleness(table);
  defaults.staleness_max = staleness.max;
  defaults.when_stale = staleness.then;
  defaults.cors = read_cors(table).value_or(nullptr);
  defaults.streams_until = read_streams(table);
  table.finish();
  return defaults;
}

ReadRoute read_route(TomlTable table, const RouteDefaults& defaults) {
  ReadRoute read;
  Route& route = read.route;
  Policy& policy = route.policy;
  route.name = table.text("name").value_or("");
  if (!table.has("name")) table.complain("name", "is missing; logs and metrics name routes by it");
  if (table.has("name") && !is_route_name(route.name))
    table.complain("name", "must have 1 to 128 bytes and no control characters");
  route.match = read_match(table);
  if (const auto place = table.word("authentication", {"required", "optional", "forbidden"}))
    policy.authentication = static_cast<Authentication>(*place);
  Required required = read_require(table, policy);
  if (policy.authentication != Authentication::forbidden) {
    if (!required.audience.has_value()) required.audience = defaults.audience;
    if (!required.issuer.has_value()) required.issuer = defaults.issuer;
    if (!required.audience.has_value() && !table.has("require"))
      table.complain("require", "is missing: for whom must tokens be made? At least require = { audience = \"…\" }");
    else if (!required.audience.has_value())
      table.complain("require", "names no audience; \"any\" is for tokens that were made for anybody");
  }
  policy.audiences = std::move(required.audience).value_or(std::vector<std::string>{});
  policy.issuers = std::move(required.issuer).value_or(std::vector<std::string>{});
  if (policy.audiences.size() > 1 && std::ranges::find(policy.audiences, any_audience) != policy.audiences.end())
    table.complain("require", "names the audience \"any\" beside others; it stands alone");
  if (policy.audiences.size() == 1 && policy.audiences.front() == any_audience) {
    policy.audiences.clear();
    read.any_audience = true;
  }
  const Staleness staleness = read_staleness(table);
  policy.staleness_max = staleness.max.value_or(defaults.staleness_max.value_or(seconds{10}));
  policy.when_stale = staleness.then.value_or(defaults.when_stale.value_or(WhenStale::allow));
  route.streams_until = read_streams(table).value_or(defaults.streams_until.value_or(StreamsUntil::expiry));
  policy.limits = read_limits(table, route.name);
  read.cors = read_cors(table).value_or(defaults.cors);
  policy.pass = read_pass(table);
  policy.errors = read_errors(table).value_or(defaults.errors.value_or(ErrorStyle::reference));
  policy.realm = table.text("realm").value_or(defaults.realm.value_or("api"));
  route.upstream = table.text("upstream").value_or("");
  table.finish();
  return read;
}

}  // namespace jeton::gateway
