// Scopes (RFC 6749 section 3.3): words of visible ASCII without `"` and `\`, separated by single spaces; order says
// nothing, and none stands twice. Audiences and grants are kept as lists of words in the same way.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::oauth {

inline constexpr std::size_t scope_bytes_max = 1024;  // of a whole list
inline constexpr std::size_t scope_words_max = 64;

// The words of a list, or nothing if it is none. An empty text is an empty list.
std::optional<std::vector<std::string>> words_of(std::string_view list);

bool has_word(std::string_view list, std::string_view word) noexcept;
// True if every word of `asked` is one of `granted`; both must be lists.
bool is_subset(std::string_view asked, std::string_view granted) noexcept;

std::string joined(const std::vector<std::string>& words);

}  // namespace jeton::oauth
