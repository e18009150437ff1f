// CompiledRoutes: what is behind Routes, and the look-up of the route that a request meets.
#pragma once

#include "guard/path_tree.h"

#include <jeton/error.h>
#include <jeton/guard.h>
#include <jeton/policy.h>

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {

struct Met {
  const Route* route;
  CapturedParameters parameters;  // in the order of the pattern
  const std::vector<std::string>* names;
  // What stood for the parameter of that name, as it was spelled; empty, which no segment is, if the route has none.
  std::string_view parameter(std::string_view name) const noexcept;
};

struct CompiledRoutes {
  // One route as it stands at one path: its methods, with HEAD where GET covers it.
  struct Entry {
    std::uint32_t route;
    std::vector<std::string> methods;     // empty: every one
    std::vector<std::string> parameters;  // names, in the order of the pattern
  };
  // The routes of one path pattern at one host pattern, the more specific ones first.
  struct Group {
    std::vector<Entry> entries;
    std::vector<std::string> looked_at;  // names of query parameters
  };
  struct Host {
    std::string pattern;  // lower case; of a wildcard: what follows the star, with the dot
    PathTree paths;
  };

  std::vector<Route> routes;
  std::vector<HeaderName> passed;
  bool is_everywhere = false;     // one policy for every request
  std::vector<Host> exact_hosts;  // sorted
  std::vector<Host> wildcards;    // the longest first
  PathTree any_host;
  std::vector<Group> groups;

  // As Routes::find.
  std::expected<Met, Error> meet(const RequestFacts& facts) const;
};

// Queries, by the names and values that they hold when decoded (`+` is a space).
enum class QueryFinding : std::uint8_t { absent, other, fits, ambiguous };
// Whether the parameter stands in the query with one of the values (any, if there are none); ambiguous if it stands
// there twice, or under a name that some readers take for it, or if the query can be cut apart or decoded in two ways.
QueryFinding look_into_query(std::string_view query, const QueryCondition& condition) noexcept;

}  // namespace jeton
