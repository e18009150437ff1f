// A canonical path is one that nobody reads otherwise: its own canonical form, unchanged by decoding twice, by removing
// dots, empty segments or `;parameters`. So whatever would reach /admin anywhere meets the rule of /admin.
// Parts: guard/path guard/percent
#include "target.h"

#include <jeton/guard.h>
#include <jeton/path.h>

#include <string>
#include <vector>

namespace jeton::fuzz {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_encoded = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    out += is_encoded ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (is_encoded) i += 2;
  }
  return out;
}

// As a lenient server would: `;` ends a segment, `\` is `/`, empty and dot segments go, and so do dot-dot with the
// segment before.
std::string as_others_read(std::string_view path) {
  std::vector<std::string> segments;
  std::string segment;
  bool is_parameter = false;
  const auto end = [&] {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    segment.clear();
    is_parameter = false;
  };
  for (const char c : path) {
    if (c == '/' || c == '\\')
      end();
    else if (c == ';')
      is_parameter = true;
    else if (!is_parameter && c != '\0')
      segment += c;
  }
  end();
  std::string out;
  for (const std::string& one : segments) out += "/" + one;
  return out.empty() ? "/" : out;
}

std::string without_last_slash(std::string text) {
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

const Routes& routes() {
  static const Routes made = Routes::build({{.name = "admin", .match = {.path = "/admin"}},
                                            {.name = "below", .match = {.path = "/admin/**"}},
                                            {.name = "rest", .match = {.path = "/**"}}})
                                 .value();
  return made;
}

}  // namespace

JETON_FUZZ_TARGET(path) {
  const auto path = canonical_path(input);
  JETON_PROPERTY(is_canonical_path(input) == (path.has_value() && *path == input));
  if (!path) {
    JETON_PROPERTY(!routes().find({.path = input}));
    return;
  }
  JETON_PROPERTY(canonical_path(*path) == *path);
  const std::string once = decoded(*path);
  JETON_PROPERTY(decoded(once) == once);
  JETON_PROPERTY(once.find_first_of(std::string_view("\0\r\n;\\", 5)) == std::string::npos);
  JETON_PROPERTY(as_others_read(once) == without_last_slash(once));
  JETON_PROPERTY(as_others_read(decoded(input)) == without_last_slash(once));

  const auto route = routes().find({.path = *path});
  JETON_PROPERTY(route.has_value());
  const std::string plain = without_last_slash(once);
  const std::string_view expected = plain == "/admin" ? "admin" : plain.starts_with("/admin/") ? "below" : "rest";
  JETON_PROPERTY((*route)->name == expected);
}
}  // namespace jeton::fuzz
