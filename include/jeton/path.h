// canonical_path: the one spelling of a request's path, for the rule that is looked up and for what is forwarded.
//
// Percent-encoded unreserved characters are decoded, other percent-encodings kept in upper case, and the characters
// that RFC 3986 allows in no path but that browsers send (`[`, `|`, …) encoded. What two servers could read in two ways
// is refused: dot segments, plain or encoded; empty segments (`//`); an encoded slash, backslash or control character;
// a backslash; a semicolon, plain or encoded (`/a/..;/admin`); double encoding (`%2561`); percent-encoded bytes that
// are no UTF-8 (overlong forms among them); a `%` without two hexadecimal digits; bytes outside ASCII. Case matters.
//
// It is not a URL parser: no scheme, no host, no `?` or `#`.
// Errors: invalid_path. What it gives is its own canonical form.
#pragma once

#include <jeton/error.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace jeton {

inline constexpr std::size_t path_bytes_max = 8 * 1024;

Result<std::string> canonical_path(std::string_view raw);

// True if canonical_path(raw) gives `raw` itself: then it can be used as it is, and nothing is allocated.
bool is_canonical_path(std::string_view raw) noexcept;

}  // namespace jeton
