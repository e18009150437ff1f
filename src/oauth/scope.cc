#include "oauth/scope.h"

#include <algorithm>

namespace jeton::oauth {
namespace {

// RFC 6749, appendix A.4: %x21 / %x23-5B / %x5D-7E
bool is_scope_character(char c) noexcept { return c > ' ' && c <= '~' && c != '"' && c != '\\'; }

// Takes the first word off `rest`.
std::string_view next_word(std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

std::optional<std::vector<std::string>> words_of(std::string_view list) {
  std::vector<std::string> words;
  if (list.size() > scope_bytes_max || list.ends_with(' ')) return std::nullopt;
  while (!list.empty()) {
    const std::string_view word = next_word(list);
    if (word.empty() || !std::ranges::all_of(word, is_scope_character)) return std::nullopt;
    if (std::ranges::find(words, word) != words.end() || words.size() == scope_words_max) return std::nullopt;
    words.emplace_back(word);
  }
  return words;
}

bool has_word(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    if (next_word(list) == word) return !word.empty();
  }
  return false;
}

bool is_subset(std::string_view asked, std::string_view granted) noexcept {
  while (!asked.empty()) {
    if (!has_word(granted, next_word(asked))) return false;
  }
  return true;
}

std::string joined(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) {
    if (!list.empty()) list += ' ';
    list += word;
  }
  return list;
}

}  // namespace jeton::oauth
