// One line of an import: a user as another system had them.
//
//   {"email":"ada@example.com","passwordHash":"$2b$12$…"}
//   {"email":…,"passwordHash":…,"sub":"usr_…","emailVerified":true,"disabled":false,"claims":{"plan":"pro"}}
//
// Other members are refused: a misspelt one would be lost silently.
#pragma once

#include "store/users.h"

#include <expected>
#include <string>
#include <string_view>

namespace jeton::cli {

inline constexpr std::size_t import_line_bytes_max = 64 * 1024;

// The error is for a person, without the line's own text.
std::expected<store::ImportedUser, std::string> read_import_line(std::string_view line);

}  // namespace jeton::cli
