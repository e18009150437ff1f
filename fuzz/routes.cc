// Of several patterns the most specific one that fits is met, whatever their order: compared with the plain way of
// trying all. Input: lines; the first is a path, the others are patterns.
// Parts: guard/routes guard/path_tree guard/build_routes guard/compiled_routes guard/query_condition guard/percent
#include "target.h"

#include <jeton/guard.h>
#include <jeton/path.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace jeton::fuzz {
namespace {

constexpr std::size_t patterns_max = 16;

std::vector<std::string> cut(std::string_view path) {
  std::vector<std::string> segments;
  std::string_view rest = path.substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    segments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return segments;
}

bool is_parameter(const std::string& segment) { return segment.starts_with('{'); }

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "**") return true;
    if (i == path.size() || (!is_parameter(pattern[i]) && pattern[i] != path[i])) return false;
  }
  return pattern.size() == path.size();
}

// 0: a literal, and so on; the end of a pattern comes before `**`.
int rank(const std::vector<std::string>& pattern, std::size_t i) {
  if (i == pattern.size()) return 0;
  return pattern[i] == "**" ? 3 : is_parameter(pattern[i]) ? 2 : 1;
}
bool is_more_specific(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (rank(a, i) != rank(b, i)) return rank(a, i) < rank(b, i);
  }
  return false;
}

}  // namespace

JETON_FUZZ_TARGET(routes) {
  std::vector<Route> all;
  std::string_view rest = input;
  const std::string_view path = rest.substr(0, rest.find('\n'));
  while (rest.find('\n') != rest.npos && all.size() < patterns_max) {
    rest.remove_prefix(rest.find('\n') + 1);
    const std::string pattern(rest.substr(0, rest.find('\n')));
    // Escapes and what they stand for are the same in a literal; the plain way below does not know that.
    if (pattern.find_first_of("%\"<>[]^`|\x80") != std::string::npos || path.find('%') != path.npos) return;
    all.push_back({.name = pattern, .match = {.path = pattern}});
  }
  const auto routes = Routes::build(all);
  if (!routes) {
    JETON_PROPERTY(!routes.error().empty());
    return;
  }
  const auto met = routes->find({.path = path});
  if (!is_canonical_path(path)) {
    JETON_PROPERTY(!met && met.error().code == Errc::invalid_path);
    return;
  }
  std::optional<std::vector<std::string>> best;
  for (const Route& route : all) {
    const auto pattern = cut(route.match.path);
    if (fits(pattern, cut(path)) && (!best || is_more_specific(pattern, *best))) best = pattern;
  }
  JETON_PROPERTY(met.has_value() == best.has_value());
  if (met) JETON_PROPERTY(cut((*met)->match.path) == *best);
  std::ranges::reverse(all);
  const Routes turned_routes = Routes::build(all).value();
  const auto turned = turned_routes.find({.path = path});
  JETON_PROPERTY(turned.has_value() == met.has_value() && (!met || (*turned)->name == (*met)->name));
}
}  // namespace jeton::fuzz
