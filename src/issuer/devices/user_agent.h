// UserAgent: what a User-Agent header says of the device, as people would say it: "Chrome on Linux". For lists of one's
// devices and for noticing that another one speaks; never for a decision alone, since anybody writes what he likes.
//
// It knows the browsers and systems that people have and the libraries that programs use, in the order in which their
// names hide behind each other's (Edge says it is Chrome, which says it is Safari, …). What it does not know is named
// by its first product, or not at all. Pure; any bytes may come in, and only visible ASCII goes out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jeton::issuer {

struct UserAgent {
  std::string client;    // "Chrome", "curl", "okhttp"; empty: unknown
  std::string version;   // of the client, its first number alone: "126"; may be empty
  std::string platform;  // "Windows", "macOS", "Linux", "Android", "iOS", "iPadOS", "ChromeOS"; empty: unknown

  // "Chrome on Linux", "curl", "a device on Android", "an unknown device".
  std::string name() const;
  // As it is kept with the session: "Chrome/126;Linux". Two of one client and platform differ in the version alone.
  std::string text() const;
  static UserAgent from_text(std::string_view text);
};

inline constexpr std::size_t user_agent_client_bytes_max = 32;

UserAgent parse_user_agent(std::string_view header);

}  // namespace jeton::issuer
