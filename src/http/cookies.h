// Cookies (RFC 6265): reading those of a request, and writing one into an answer.
#pragma once

#include "http/message.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::http {

inline constexpr std::size_t cookie_bytes_max = 4096;  // name, value and attributes; browsers may drop a longer one

// The values of every cookie of that name, over all Cookie headers, in order. Names compare byte for byte. More than
// one means that somebody else set one of them (another path, another host of the site): which is whose cannot be told.
std::vector<std::string_view> cookies_named(const Headers& headers, std::string_view name);

// A cookie that no script reads (HttpOnly), no other site sends (SameSite=Strict), and no other host of the site gets
// or sets (no Domain, Path=/): with `secure`, what the prefix `__Host-` demands.
struct HostCookie {
  std::string_view name;
  std::string_view value;        // of the characters of a cookie-octet: the caller's care
  std::chrono::seconds max_age;  // 0: forget it
  bool secure = true;
};

// The value of a Set-Cookie header.
std::string set_cookie_text(const HostCookie& cookie);

}  // namespace jeton::http
