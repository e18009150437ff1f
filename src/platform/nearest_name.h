// The name a person probably meant: for commands, options, algorithms and topics that do not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace jeton::platform {

// The candidate with the fewest changes (a letter more, less, other, or two swapped) from `name`, if they are few
// enough to be a slip of the hand; else an empty text. The first of several equally near ones.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// " Did you mean NAME?" or an empty text.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace jeton::platform
