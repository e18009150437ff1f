// What looks like a token, in text that goes into a log: "eyJ" (base64url of `{"`) and at least two dots behind it.
#pragma once

#include <string>
#include <string_view>

namespace jeton::gateway {

bool holds_token(std::string_view text) noexcept;
// Each of them is written `[token]`.
std::string without_tokens(std::string_view text);

}  // namespace jeton::gateway
