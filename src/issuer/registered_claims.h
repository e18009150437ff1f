// The claims that no record of a user or client may set.
#pragma once

#include <string_view>

namespace jeton::issuer {

// True if the name is one that Jeton or a standard gives a meaning of its own, so that no record may set it.
bool is_registered_claim(std::string_view name) noexcept;

}  // namespace jeton::issuer
