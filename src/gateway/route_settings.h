// [[route]] and [defaults] of a policy file: what a route is for, and what it demands.
#pragma once

#include "http/cors.h"
#include "platform/toml_document.h"

#include <jeton/policy.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jeton::gateway {

// What routes demand unless they say otherwise.
struct RouteDefaults {
  std::optional<std::vector<std::string>> audience{}, issuer{};
  std::optional<std::string> realm{};
  std::optional<ErrorStyle> errors{};
  std::optional<std::chrono::seconds> staleness_max{};
  std::optional<WhenStale> when_stale{};
  std::shared_ptr<const http::CorsPolicy> cors{};  // null: none
  std::optional<StreamsUntil> streams_until{};
};
RouteDefaults read_defaults(platform::TomlTable table);

// The word for an audience that does not matter.
inline constexpr std::string_view any_audience = "any";

struct ReadRoute {
  Route route{};
  bool any_audience = false;
  std::shared_ptr<const http::CorsPolicy> cors{};  // null: none
};
ReadRoute read_route(platform::TomlTable table, const RouteDefaults& defaults);

}  // namespace jeton::gateway
