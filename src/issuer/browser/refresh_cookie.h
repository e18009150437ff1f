// RefreshCookie: where a browser keeps its refresh token (design 4.8): a cookie that no script can read, that no other
// site's page can send, and that no other host of the same site can set.
//
// Over https its name begins with `__Host-`, which makes browsers insist on the rest. On localhost over plain HTTP, for
// development, they would not keep such a cookie: there it has neither the prefix nor Secure. Which of the two it is
// follows from the issuer's address alone, never from a request.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace jeton::issuer {

class RefreshCookie {
 public:
  explicit RefreshCookie(std::string_view issuer_url);

  std::string_view name() const noexcept { return secure_ ? "__Host-jeton_refresh" : "jeton_refresh"; }
  bool secure() const noexcept { return secure_; }
  // Browsers keep no such cookie: plain HTTP on another host than localhost.
  bool unusable() const noexcept { return unusable_; }

  // Values of a Set-Cookie header.
  std::string set(std::string_view token, std::chrono::seconds max_age) const;
  std::string clear() const;

 private:
  bool secure_ = true;
  bool unusable_ = false;
};

}  // namespace jeton::issuer
