#include "gateway/cors_settings.h"

#include "gateway/cors.h"
#include "http/head_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace jeton::gateway {
namespace {

using platform::TomlTable;
using std::chrono::seconds;

constexpr std::size_t origins_max = 256;
constexpr seconds max_age_max = std::chrono::hours{24};  // more than any browser takes

void read_origins(TomlTable& table, http::CorsPolicy& policy) {
  auto origins = table.texts("origins");
  if (!table.has("origins")) return table.complain("origins", "is missing: pages of which origins?");
  if (!origins.has_value()) return;
  if (origins->size() > origins_max)
    return table.complain("origins", fmt::format("has {} origins; at most {}", origins->size(), origins_max));
  if (std::ranges::find(*origins, "*") != origins->end()) {
    if (origins->size() > 1) return table.complain("origins", "names \"*\" beside others; it stands alone");
    if (policy.credentials)
      return table.complain("origins", "cannot be \"*\" where credentials = true: any page could read with a cookies");
    policy.any_origin = true;
    return;
  }
  for (std::string& origin : *origins) {
    if (const std::string objection = http::objection_to_origin(origin); !objection.empty())
      table.complain("origins", fmt::format("holds \"{}\", which {}", origin, objection));
    else
      policy.origins.push_back(std::move(origin));
  }
}

std::vector<std::string> read_names(TomlTable& table, std::string_view name, std::span<const std::string_view> always) {
  std::vector<std::string> names(always.begin(), always.end());
  for (std::string& one : table.texts(name).value_or(std::vector<std::string>{})) {
    const auto is_same = [&](const std::string& other) { return http::same_field_name(one, other); };
    if (one == "*" || !http::is_field_name(one))
      table.complain(name, fmt::format("holds \"{}\", which is no name of a header", one));
    else if (std::ranges::none_of(names, is_same))
      names.push_back(std::move(one));
  }
  return names;
}

}  // namespace

std::optional<std::shared_ptr<const http::CorsPolicy>> read_cors(TomlTable& route) {
  if (!route.has("cors")) return std::nullopt;
  if (const toml::node* const node = route.node("cors"); node->is_boolean() && !*node->value<bool>())
    return std::shared_ptr<const http::CorsPolicy>();
  const toml::table* const inner = route.table("cors");
  if (inner == nullptr) return std::nullopt;
  TomlTable table(*inner, route.label() + " cors", route.faults());
  auto policy = std::make_shared<http::CorsPolicy>();
  policy->credentials = table.flag("credentials").value_or(false);
  read_origins(table, *policy);
  policy->request_headers = read_names(table, "headers", cors_sent);
  policy->exposed_headers = read_names(table, "expose", cors_exposed);
  policy->max_age = table.duration("max_age", seconds{0}, max_age_max).value_or(policy->max_age);
  table.finish();
  return policy;
}

}  // namespace jeton::gateway
