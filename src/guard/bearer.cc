#include <jeton/guard.h>

#include "guard/percent.h"

#include <algorithm>

namespace jeton {
namespace {

constexpr std::string_view parameter = "access_token";

// True if `name`, percent-decoded, is access_token: a second token must not hide behind `acces%73_token`.
bool names_a_token(std::string_view name) noexcept {
  std::size_t matched = 0;
  for (std::size_t i = 0; i < name.size(); ++i, ++matched) {
    char c = name[i];
    if (const int byte = encoded_byte(c, name.substr(i + 1)); byte >= 0) {
      c = static_cast<char>(byte);
      i += 2;
    }
    if (matched >= parameter.size() || c != parameter[matched]) return false;
  }
  return matched == parameter.size();
}

// How many parameters of an x-www-form-urlencoded text are tokens.
std::size_t count_tokens(std::string_view form) noexcept {
  std::size_t count = 0;
  while (!form.empty()) {
    const std::string_view pair = form.substr(0, form.find('&'));
    if (names_a_token(pair.substr(0, pair.find('=')))) ++count;
    form.remove_prefix(std::min(pair.size() + 1, form.size()));
  }
  return count;
}

bool is_scheme(std::string_view text) noexcept {
  constexpr std::string_view bearer = "bearer";
  return std::ranges::equal(text, bearer, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// One after the other: looking for one byte is done many at a time, for one of three it is not.
bool holds_separator(std::string_view token) noexcept {
  return token.find(' ') != token.npos || token.find('\t') != token.npos || token.find(',') != token.npos;
}

}  // namespace

Result<std::string_view> extract_bearer(const RequestFacts& facts) {
  const std::size_t elsewhere = count_tokens(facts.query) + count_tokens(facts.form_body);
  if (facts.authorization.size() + elsewhere > 1) return std::unexpected(Error{Errc::multiple_tokens});
  // A token in the query or form alone is not taken: it would stand in logs and histories (RFC 6750 section 5.3).
  // Saying so helps more than asking for a token that the client believes to have sent.
  if (elsewhere > 0) return std::unexpected(Error{Errc::misplaced_token});
  if (facts.authorization.empty()) return std::unexpected(Error{Errc::missing_token});

  const std::string_view value = trimmed(facts.authorization.front());
  const std::size_t space = value.find(' ');
  if (!is_scheme(value.substr(0, space)) || space == value.npos) return std::unexpected(Error{Errc::missing_token});
  const std::string_view token = value.substr(space + 1);
  // One space, one token. Anything else in it the verifier would refuse too; here it costs nothing.
  if (holds_separator(token)) return std::unexpected(Error{Errc::malformed_token});
  return token;
}

}  // namespace jeton
