// A policy file is refused with a line for each fault, or every one of its routes can be met by a request.
// Parts: gateway/policy_file gateway/claim_settings gateway/limit_settings gateway/route_settings
// Parts: platform/toml_document
#include "target.h"

#include "gateway/policy_file.h"

#include <jeton/guard.h>
#include <jeton/path.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace jeton::fuzz {
namespace {

// A path that the pattern fits: a letter for each parameter, and nothing for `**`. Literals stand as they are written,
// so that the path has still to be made canonical.
std::string path_for(std::string_view pattern) {
  std::string path;
  std::string_view rest = pattern.substr(1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (segment == "**" || segment.empty()) break;
    path += '/';
    for (const char c : segment.starts_with('{') ? std::string_view("x") : segment) {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80)
        path += c;
      else
        path.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
  return path.empty() ? "/" : path;
}

void every_line_says_where(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    JETON_PROPERTY(text.substr(0, end).starts_with("p.toml:"));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

JETON_FUZZ_TARGET(policy_file) {
  const auto file = gateway::parse_policy_file(input, "p.toml");
  if (!file.has_value()) return every_line_says_where(file.error().what);
  JETON_PROPERTY(!file->routes.all().empty());
  for (const Route& route : file->routes.all()) {
    const auto path = canonical_path(path_for(route.match.path));
    JETON_PROPERTY(path.has_value());
    const std::string host = route.match.hosts.empty() ? "" : route.match.hosts.front();
    const auto met = file->routes.find({.method = route.match.methods.empty() ? "X" : route.match.methods.front(),
                                        .host = host.starts_with('*') ? "x" + host.substr(1) : host,
                                        .path = *path});
    // Only a query may still be missing, or a method where a more specific path stands before this one.
    JETON_PROPERTY(met.has_value() || met.error().code == Errc::no_route ||
                   met.error().code == Errc::method_not_allowed);
  }
}
}  // namespace jeton::fuzz
