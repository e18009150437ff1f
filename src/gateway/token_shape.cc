#include "gateway/token_shape.h"

#include <algorithm>

namespace jeton::gateway {
namespace {

constexpr std::string_view begin_of_token = "eyJ";

bool is_of_token(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Where the next one begins and how long it is; npos: there is none.
struct Found {
  std::size_t at = std::string_view::npos, size = 0;
};

Found next_token(std::string_view text) noexcept {
  for (std::size_t at = text.find(begin_of_token); at != text.npos; at = text.find(begin_of_token, at + 1)) {
    const std::string_view rest = text.substr(at);
    const auto end = std::ranges::find_if_not(rest, is_of_token);
    if (std::count(rest.begin(), end, '.') >= 2) return {at, static_cast<std::size_t>(end - rest.begin())};
  }
  return {};
}

}  // namespace

bool holds_token(std::string_view text) noexcept { return next_token(text).size != 0; }

std::string without_tokens(std::string_view text) {
  std::string out;
  while (true) {
    const Found found = next_token(text);
    out += text.substr(0, found.at);
    if (found.size == 0) return out;
    out += "[token]";
    text.remove_prefix(found.at + found.size);
  }
}

}  // namespace jeton::gateway
