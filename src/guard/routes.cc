#include "guard/compiled_routes.h"

#include <jeton/path.h>

#include <algorithm>
#include <array>

namespace jeton {
namespace {

constexpr std::size_t host_bytes_max = 255;
using HostBuffer = std::array<char, host_bytes_max>;

// The host without its port, in lower case, without a dot at the end; empty if it is longer than a name can be.
std::string_view normal_host(std::string_view host, HostBuffer& buffer) noexcept {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.find(':', bracket == host.npos ? 0 : bracket);
  host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > buffer.size()) return {};
  std::ranges::transform(host, buffer.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {buffer.data(), host.size()};
}

bool admits_method(const CompiledRoutes::Entry& entry, std::string_view method) noexcept {
  return entry.methods.empty() || std::ranges::find(entry.methods, method) != entry.methods.end();
}

std::string allowed_methods(const CompiledRoutes::Group& group) {
  std::string text;
  std::vector<std::string_view> named;
  for (const auto& entry : group.entries) {
    for (const std::string& method : entry.methods) {
      if (std::ranges::find(named, method) != named.end()) continue;
      named.push_back(method);
      text += (text.empty() ? "" : ", ") + method;
    }
  }
  return text;
}

QueryFinding fits_query(const std::vector<QueryCondition>& conditions, std::string_view query) noexcept {
  auto all = QueryFinding::fits;
  for (const QueryCondition& condition : conditions) {
    const QueryFinding one = look_into_query(query, condition);
    if (one == QueryFinding::ambiguous) return one;
    if (one != QueryFinding::fits) all = QueryFinding::other;
  }
  return all;
}

// The one that fits, of the routes of a path.
Result<const CompiledRoutes::Entry*> choose(const CompiledRoutes& compiled, const CompiledRoutes::Group& group,
                                            const RequestFacts& facts) {
  bool has_method = false;
  const CompiledRoutes::Entry* chosen = nullptr;
  for (const auto& entry : group.entries) {
    if (!admits_method(entry, facts.method)) continue;
    has_method = true;
    // All are looked at, also behind the one that is chosen: whether a query is ambiguous depends on the path alone.
    const QueryFinding finding = fits_query(compiled.routes[entry.route].match.query, facts.query);
    if (finding == QueryFinding::ambiguous) return std::unexpected(Error{Errc::ambiguous_query});
    if (finding == QueryFinding::fits && chosen == nullptr) chosen = &entry;
  }
  if (chosen != nullptr) return chosen;
  if (has_method) return std::unexpected(Error{Errc::no_route});
  return std::unexpected(Error{Errc::method_not_allowed, "", allowed_methods(group)});
}

}  // namespace

std::string_view Met::parameter(std::string_view name) const noexcept {
  const auto found = std::ranges::find(*names, name);
  if (found == names->end()) return {};
  return parameters.texts[static_cast<std::size_t>(found - names->begin())];
}

std::expected<Met, Error> CompiledRoutes::meet(const RequestFacts& facts) const {
  static const std::vector<std::string> no_names;
  Met met{.route = routes.data(), .names = &no_names};
  if (is_everywhere) return met;
  if (!is_canonical_path(facts.path)) return std::unexpected(Error{Errc::invalid_path});

  HostBuffer buffer;
  const std::string_view host = normal_host(facts.host, buffer);
  PathTree::Group group = PathTree::none;
  const auto exact = std::ranges::lower_bound(exact_hosts, host, {}, &Host::pattern);
  if (exact != exact_hosts.end() && exact->pattern == host) group = exact->paths.find(facts.path, met.parameters);
  for (auto one = wildcards.begin(); group == PathTree::none && one != wildcards.end(); ++one) {
    if (host.size() > one->pattern.size() && host.ends_with(one->pattern))
      group = one->paths.find(facts.path, met.parameters);
  }
  if (group == PathTree::none) group = any_host.find(facts.path, met.parameters);
  if (group == PathTree::none) return std::unexpected(Error{Errc::no_route});

  const auto entry = choose(*this, groups[group], facts);
  if (!entry) return std::unexpected(entry.error());
  met.route = &routes[(*entry)->route];
  met.names = &(*entry)->parameters;
  return met;
}

Result<const Route*> Routes::find(const RequestFacts& facts) const {
  const auto met = compiled_->meet(facts);
  if (!met) return std::unexpected(met.error());
  return met->route;
}

std::span<const Route> Routes::all() const noexcept { return compiled_->routes; }
std::span<const HeaderName> Routes::passed_headers() const noexcept { return compiled_->passed; }
bool Routes::is_passed_header(std::string_view name) const noexcept {
  return std::ranges::any_of(compiled_->passed, [&](const HeaderName& passed) { return passed.is(name); });
}

}  // namespace jeton
