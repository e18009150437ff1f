// Names that look like secrets. Whoever holds a token can read its payload: encoded is not encrypted.
#pragma once

#include <jeton/value.h>

#include <span>
#include <string>
#include <string_view>

namespace jeton::jose {

bool is_sensitive_name(std::string_view name);

// The first such name at any depth that is not permitted, or an empty text.
std::string_view find_sensitive_name(const Value& value, std::span<const std::string> permitted);

}  // namespace jeton::jose
