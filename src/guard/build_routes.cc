#include "guard/compiled_routes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace jeton {
namespace {

using Entry = CompiledRoutes::Entry;

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
  });
}

// What is wrong with a host pattern, or an empty text.
std::string objection_to_host(std::string_view host) {
  const std::string quoted = "host \"" + std::string(host) + "\" ";
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.empty() || host.size() > 253) return quoted + "is no name of a host";
  const bool is_address = host.starts_with('[') && host.ends_with(']');
  if (!is_address && host.find(':') != host.npos) return quoted + "must be without a port";
  if (host.find('*') != host.npos) return quoted + "may have a star only as its first label, as in *.example.com";
  const bool is_name = std::ranges::all_of(host, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || (is_address && (c == ':' || c == '[' || c == ']'));
  });
  if (!is_name || host.front() == '.' || host.find("..") != host.npos) return quoted + "is no name of a host";
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (out.ends_with('.')) out.pop_back();
  return out;
}

// True if whatever fulfils `strict` fulfils `loose` too.
bool implies(const QueryCondition& strict, const QueryCondition& loose) {
  if (strict.name != loose.name) return false;
  if (loose.values.empty()) return true;
  return !strict.values.empty() && std::ranges::all_of(strict.values, [&](const std::string& value) {
    return std::ranges::find(loose.values, value) != loose.values.end();
  });
}

bool exclude_each_other(const QueryCondition& a, const QueryCondition& b) {
  return a.name == b.name && !a.values.empty() && !b.values.empty() &&
         std::ranges::none_of(
             a.values, [&](const std::string& value) { return std::ranges::find(b.values, value) != b.values.end(); });
}

// How two routes of one path stand to each other.
class Comparison {
 public:
  explicit Comparison(const std::vector<Route>& routes) : routes_(routes) {}

  // True if every request that `a` is for, `b` is for too.
  bool is_within(const Entry& a, const Entry& b) const {
    const bool methods =
        b.methods.empty() || (!a.methods.empty() && std::ranges::all_of(a.methods, [&](const auto& one) {
          return std::ranges::find(b.methods, one) != b.methods.end();
        }));
    return methods && std::ranges::all_of(query(b), [&](const QueryCondition& loose) {
             return std::ranges::any_of(query(a), [&](const QueryCondition& strict) { return implies(strict, loose); });
           });
  }
  bool can_meet(const Entry& a, const Entry& b) const {
    const bool methods = a.methods.empty() || b.methods.empty() || std::ranges::any_of(a.methods, [&](const auto& one) {
                           return std::ranges::find(b.methods, one) != b.methods.end();
                         });
    return methods && std::ranges::none_of(query(a), [&](const QueryCondition& one) {
             return std::ranges::any_of(query(b),
                                        [&](const QueryCondition& other) { return exclude_each_other(one, other); });
           });
  }
  bool is_ambiguous(const Entry& a, const Entry& b) const {
    return can_meet(a, b) && is_within(a, b) == is_within(b, a);
  }

 private:
  const std::vector<QueryCondition>& query(const Entry& entry) const { return routes_[entry.route].match.query; }
  const std::vector<Route>& routes_;
};

// Within a group, GET covers HEAD unless HEAD is named by some route; then the more specific routes come first.
void arrange(CompiledRoutes::Group& group, const std::vector<Route>& routes) {
  const auto names = [](const Entry& entry, std::string_view method) {
    return std::ranges::find(entry.methods, method) != entry.methods.end();
  };
  if (std::ranges::none_of(group.entries, [&](const Entry& entry) { return names(entry, "HEAD"); })) {
    for (Entry& entry : group.entries) {
      if (names(entry, "GET")) entry.methods.emplace_back("HEAD");
    }
  }
  // Who is within another is within all that the other is within, and so in more of them.
  const Comparison comparison(routes);
  std::multimap<std::ptrdiff_t, Entry> by_narrowness;
  for (const Entry& entry : group.entries) {
    const auto wider =
        std::ranges::count_if(group.entries, [&](const Entry& other) { return comparison.is_within(entry, other); });
    by_narrowness.emplace(-wider, entry);
  }
  group.entries.clear();
  for (auto& [narrowness, entry] : by_narrowness) group.entries.push_back(std::move(entry));
}

class Builder {
 public:
  explicit Builder(std::vector<Route> routes) { compiled_->routes = std::move(routes); }

  std::expected<std::shared_ptr<const CompiledRoutes>, std::vector<Routes::Fault>> build() {
    for (std::size_t i = 0; i < compiled_->routes.size(); ++i) add(i);
    std::ranges::sort(compiled_->exact_hosts, {}, &CompiledRoutes::Host::pattern);
    std::ranges::sort(compiled_->wildcards, std::ranges::greater{},
                      [](const CompiledRoutes::Host& host) { return host.pattern.size(); });
    for (CompiledRoutes::Group& group : compiled_->groups) {
      arrange(group, compiled_->routes);
      look_for_ambiguity(group);
    }
    if (!faults_.empty()) {
      std::vector<Routes::Fault> faults;
      for (auto& [route, text] : faults_) faults.push_back({route, std::move(text)});
      return std::unexpected(std::move(faults));
    }
    return std::shared_ptr<const CompiledRoutes>(std::move(compiled_));
  }

 private:
  void fault(std::size_t route, std::string text) { faults_.emplace(route, std::move(text)); }

  void add(std::size_t index) {
    const Route& route = compiled_->routes[index];
    for (const PassedClaim& passed : route.policy.pass) remember(passed.header);
    check_policy(index);
    for (const std::string& method : route.match.methods) {
      if (!is_token(method)) fault(index, "method \"" + method + "\" is no method");
    }
    for (const QueryCondition& condition : route.match.query) {
      if (condition.name.empty()) fault(index, "a query condition has no name");
      if (std::ranges::count(route.match.query, condition.name, &QueryCondition::name) > 1)
        fault(index, "the query parameter \"" + condition.name + "\" stands there twice");
    }
    const auto pattern = parse_path_pattern(route.match.path);
    if (!pattern) return fault(index, "path \"" + route.match.path + "\" " + pattern.error());
    check_parameters(index, *pattern);
    if (route.match.hosts.empty()) place(index, compiled_->any_host, *pattern);
    std::set<std::string> hosts;
    for (const std::string& host : route.match.hosts) {
      if (const std::string objection = objection_to_host(host); !objection.empty()) {
        fault(index, objection);
      } else if (!hosts.insert(lower(host)).second) {
        fault(index, "host \"" + host + "\" stands there twice");
      } else {
        place(index, tree_of(lower(host)), *pattern);
      }
    }
  }

  void check_policy(std::size_t index) {
    const Policy& policy = compiled_->routes[index].policy;
    if (policy.staleness_max < std::chrono::nanoseconds{0}) fault(index, "staleness must not be negative");
    if (policy.login_age_max && *policy.login_age_max < std::chrono::seconds{0})
      fault(index, "the age of a login must not be negative");
    const bool demands = !policy.issuers.empty() || !policy.audiences.empty() || !policy.scopes.empty() ||
                         !policy.roles.empty() || !policy.plans.empty() || !policy.conditions.empty() ||
                         policy.login_age_max || !policy.acr_values.empty() || !policy.pass.empty();
    if (policy.authentication == Authentication::forbidden && demands)
      fault(index, "demands something of a token, or passes its claims on, and forbids to have one");
    if (policy.limits.size() > charges_max) fault(index, "has more than " + std::to_string(charges_max) + " limits");
    for (const LimitRule& rule : policy.limits) {
      if (const auto good = check(rule); !good) fault(index, "limit \"" + rule.name + "\": " + describe(good.error()));
    }
    // Clients tell them apart by their names alone.
    for (std::size_t i = 1; i < policy.limits.size(); ++i) {
      const auto earlier = policy.limits.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::find_if(policy.limits.begin(), earlier,
                       [&](const LimitRule& rule) { return rule.name == earlier->name; }) != earlier)
        fault(index, "has two limits named \"" + earlier->name + "\"; give each a name");
    }
    for (const Condition& condition : policy.conditions) {
      if (condition.claim.empty()) fault(index, "a condition names no claim");
      if (const auto* one_of = std::get_if<Condition::OneOf>(&condition.test);
          one_of != nullptr && one_of->values.empty())
        fault(index, "a condition has no values, so nothing fulfils it");
    }
    for (std::size_t i = 0; i < policy.pass.size(); ++i) {
      if (policy.pass[i].claim.empty()) fault(index, "a header passes no claim");
      for (std::size_t j = 0; j < i; ++j) {
        if (policy.pass[i].header == policy.pass[j].header)
          fault(index, "the header " + policy.pass[i].header.text() + " would hold two claims");
      }
    }
  }

  void check_parameters(std::size_t index, const PathPattern& pattern) {
    for (const Condition& condition : compiled_->routes[index].policy.conditions) {
      const auto* test = std::get_if<Condition::MatchesParameter>(&condition.test);
      if (test == nullptr) continue;
      const bool is_there = std::ranges::any_of(pattern.segments, [&](const PathPattern::Segment& segment) {
        return segment.is_parameter && segment.text == test->parameter;
      });
      if (!is_there) fault(index, "the path has no parameter {" + test->parameter + "}");
    }
  }

  PathTree& tree_of(const std::string& host) {
    const bool is_wildcard = host.starts_with("*.");
    auto& hosts = is_wildcard ? compiled_->wildcards : compiled_->exact_hosts;
    const std::string pattern = is_wildcard ? host.substr(1) : host;
    const auto found = std::ranges::find(hosts, pattern, &CompiledRoutes::Host::pattern);
    if (found != hosts.end()) return found->paths;
    return hosts.emplace_back(CompiledRoutes::Host{pattern, {}}).paths;
  }

  void place(std::size_t index, PathTree& tree, const PathPattern& pattern) {
    const auto fresh = static_cast<PathTree::Group>(compiled_->groups.size());
    const PathTree::Group group = tree.group_at(pattern, fresh);
    if (group == fresh) compiled_->groups.emplace_back();
    Entry entry{.route = static_cast<std::uint32_t>(index),
                .methods = compiled_->routes[index].match.methods,
                .parameters = {}};
    for (const auto& segment : pattern.segments) {
      if (segment.is_parameter) entry.parameters.push_back(segment.text);
    }
    compiled_->groups[group].entries.push_back(std::move(entry));
  }

  void look_for_ambiguity(const CompiledRoutes::Group& group) {
    const Comparison comparison(compiled_->routes);
    for (std::size_t i = 0; i < group.entries.size(); ++i) {
      for (std::size_t j = i + 1; j < group.entries.size(); ++j) {
        if (!comparison.is_ambiguous(group.entries[i], group.entries[j])) continue;
        const auto [first, second] = std::minmax(group.entries[i].route, group.entries[j].route);
        if (!ambiguous_.emplace(first, second).second) continue;
        fault(second, "is ambiguous: a request can meet it and \"" + compiled_->routes[first].name +
                          "\", and neither is more specific");
      }
    }
  }

  void remember(const HeaderName& header) {
    if (std::ranges::find(compiled_->passed, header) == compiled_->passed.end()) compiled_->passed.push_back(header);
  }

  std::shared_ptr<CompiledRoutes> compiled_ = std::make_shared<CompiledRoutes>();
  std::multimap<std::size_t, std::string> faults_;  // in the order of the routes
  std::set<std::pair<std::uint32_t, std::uint32_t>> ambiguous_;
};

}  // namespace

std::expected<Routes, std::vector<Routes::Fault>> Routes::build(std::vector<Route> routes) {
  auto compiled = Builder(std::move(routes)).build();
  if (!compiled) return std::unexpected(std::move(compiled).error());
  return Routes(*std::move(compiled));
}

Routes Routes::everywhere(Policy policy) {
  auto compiled = std::make_shared<CompiledRoutes>();
  for (const PassedClaim& passed : policy.pass) compiled->passed.push_back(passed.header);
  compiled->routes.push_back({.policy = std::move(policy)});
  compiled->is_everywhere = true;
  return Routes(std::move(compiled));
}

}  // namespace jeton
