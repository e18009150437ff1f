#include "http/cookies.h"

#include <algorithm>

namespace jeton::http {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<std::string_view> cookies_named(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> values;
  for (std::string_view list : headers.all("cookie")) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(';'), list.size());
      const std::string_view pair = list.substr(0, end);
      list.remove_prefix(std::min(end + 1, list.size()));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      if (trimmed(pair.substr(0, equals)) == name) values.push_back(trimmed(pair.substr(equals + 1)));
    }
  }
  return values;
}

std::string set_cookie_text(const HostCookie& cookie) {
  std::string text(cookie.name);
  text.append("=").append(cookie.value).append("; Max-Age=").append(std::to_string(cookie.max_age.count()));
  text.append("; Path=/; HttpOnly; SameSite=Strict");
  if (cookie.secure) text.append("; Secure");
  return text;
}

}  // namespace jeton::http
