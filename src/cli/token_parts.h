// TokenParts: a token taken apart for a person to look at. Nothing in it has been verified, and nothing here decides.
#pragma once

#include <jeton/error.h>
#include <jeton/value.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace jeton::cli {

struct TokenParts {
  Result<Value> header;   // an object
  Result<Value> payload;  // an object; malformed_json if it is something else
  std::size_t signature_bytes = 0;
};

// Errors: token_too_large, malformed_token. What is wrong with one part alone is said in that part.
Result<TokenParts> take_apart(std::string_view compact);

// A refresh token of Jeton: opaque, for the issuer alone.
bool is_refresh_token(std::string_view token) noexcept;

// The token without the blank or line feed that pasting and `echo` leave around it.
std::string_view without_blanks_around(std::string_view text) noexcept;

}  // namespace jeton::cli
