#include "issuer/browser/refresh_cookie.h"

#include "http/cookies.h"
#include "http/url.h"

#include <algorithm>

namespace jeton::issuer {
namespace {

bool is_this_machine(const http::Url& url) {
  return url.host == "localhost" || url.host.ends_with(".localhost") || url.host == "127.0.0.1" || url.host == "::1";
}

}  // namespace

RefreshCookie::RefreshCookie(std::string_view issuer_url) {
  const auto url = http::parse_url(issuer_url);
  if (!url.has_value() || url->tls) return;
  if (is_this_machine(*url))
    secure_ = false;
  else
    unusable_ = true;
}

std::string RefreshCookie::set(std::string_view token, std::chrono::seconds max_age) const {
  // 0 would be the end of the cookie, and of the session in this browser, before its time.
  return http::set_cookie_text(
      {.name = name(), .value = token, .max_age = std::max(max_age, std::chrono::seconds(1)), .secure = secure_});
}

std::string RefreshCookie::clear() const {
  return http::set_cookie_text({.name = name(), .value = {}, .max_age = std::chrono::seconds(0), .secure = secure_});
}

}  // namespace jeton::issuer
