#include "issuer/devices/user_agent.h"

#include <algorithm>
#include <array>

namespace jeton::issuer {
namespace {

struct Mark {
  std::string_view text;  // in the header
  std::string_view name;  // to people
};

// The first that is found names the client; so those that pretend to be another stand before it.
constexpr std::array clients{
    // Applications that carry a browser within
    Mark{"Electron/", "Electron"},
    Mark{"FBAV/", "Facebook"},
    Mark{"Instagram ", "Instagram"},
    // Chromium's children
    Mark{"EdgA/", "Edge"},
    Mark{"EdgiOS/", "Edge"},
    Mark{"Edg/", "Edge"},
    Mark{"Edge/", "Edge"},
    Mark{"OPR/", "Opera"},
    Mark{"OPT/", "Opera"},
    Mark{"OPX/", "Opera"},
    Mark{"SamsungBrowser/", "Samsung Internet"},
    Mark{"Vivaldi/", "Vivaldi"},
    Mark{"YaBrowser/", "Yandex Browser"},
    Mark{"UCBrowser/", "UC Browser"},
    Mark{"MiuiBrowser/", "Mi Browser"},
    Mark{"HuaweiBrowser/", "Huawei Browser"},
    Mark{"Silk/", "Silk"},
    Mark{"DuckDuckGo/", "DuckDuckGo"},
    Mark{"Ddg/", "DuckDuckGo"},
    Mark{"Brave/", "Brave"},
    Mark{"HeadlessChrome/", "Headless Chrome"},
    Mark{"CriOS/", "Chrome"},
    Mark{"FxiOS/", "Firefox"},
    Mark{"Focus/", "Firefox Focus"},
    Mark{"Chrome/", "Chrome"},
    Mark{"Chromium/", "Chromium"},
    Mark{"SeaMonkey/", "SeaMonkey"},
    Mark{"Firefox/", "Firefox"},
    Mark{"MSIE ", "Internet Explorer"},
    // Safari names its version elsewhere; see below
    // Libraries and tools
    Mark{"okhttp/", "okhttp"},
    Mark{"Dart/", "Dart"},
    Mark{"CFNetwork/", "CFNetwork"},
    Mark{"python-requests/", "python-requests"},
    Mark{"Go-http-client/", "Go-http-client"},
    Mark{"PostmanRuntime/", "Postman"},
};

constexpr std::array platforms{
    Mark{"Windows Phone", "Windows Phone"},
    Mark{"Windows", "Windows"},
    Mark{"iPad", "iPadOS"},
    Mark{"iPhone", "iOS"},
    Mark{"iPod", "iOS"},
    Mark{"Darwin/", "Darwin"},
    Mark{"Android", "Android"},
    Mark{"CrOS ", "ChromeOS"},
    Mark{"Macintosh", "macOS"},
    Mark{"Mac OS X", "macOS"},
    Mark{"KAIOS/", "KaiOS"},
    Mark{"Tizen", "Tizen"},
    Mark{"Web0S", "webOS"},
    Mark{"Linux", "Linux"},
    Mark{"linux", "Linux"},
    Mark{"FreeBSD", "FreeBSD"},
    Mark{"OpenBSD", "OpenBSD"},
};

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// The number at the beginning, without what follows its first dot; at most six digits.
std::string first_number(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  return std::string(text.substr(0, std::min<std::size_t>(static_cast<std::size_t>(end - text.begin()), 6)));
}

std::string number_after(std::string_view header, std::string_view mark) {
  const std::size_t at = header.find(mark);
  return at == std::string_view::npos ? std::string() : first_number(header.substr(at + mark.size()));
}

bool is_product_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_' || c == '.' ||
         c == '+';
}

// "name/1.2 …": a product of RFC 9110 section 10.1.5, for whoever is not known by name.
void take_first_product(std::string_view header, UserAgent& agent) {
  const auto end = std::ranges::find_if_not(header, is_product_char);
  const std::string_view product = header.substr(0, static_cast<std::size_t>(end - header.begin()));
  if (product.empty() || product == "Mozilla") return;
  agent.client = product.substr(0, user_agent_client_bytes_max);
  header.remove_prefix(product.size());
  if (header.starts_with('/')) agent.version = first_number(header.substr(1));
}

void take_client(std::string_view header, UserAgent& agent) {
  const auto known =
      std::ranges::find_if(clients, [&](const Mark& mark) { return header.find(mark.text) != std::string_view::npos; });
  if (known != clients.end()) {
    agent.client = known->name;
    agent.version = number_after(header, known->text);
  } else if (header.find("Trident/7.0") != std::string_view::npos) {
    agent.client = "Internet Explorer";
    agent.version = number_after(header, "rv:");
  } else if (header.find("Version/") != std::string_view::npos && header.find("Safari/") != std::string_view::npos) {
    agent.client = "Safari";
    agent.version = number_after(header, "Version/");
  } else {
    take_first_product(header, agent);
  }
}

}  // namespace

UserAgent parse_user_agent(std::string_view header) {
  UserAgent agent;
  take_client(header, agent);
  const auto platform = std::ranges::find_if(
      platforms, [&](const Mark& mark) { return header.find(mark.text) != std::string_view::npos; });
  if (platform != platforms.end()) agent.platform = platform->name;
  return agent;
}

std::string UserAgent::name() const {
  if (client.empty() && platform.empty()) return "an unknown device";
  if (platform.empty()) return client;
  return (client.empty() ? "a device" : client) + " on " + platform;
}

std::string UserAgent::text() const {
  std::string text = client;
  if (!version.empty()) text += '/' + version;
  if (!platform.empty()) text += ';' + platform;
  return text;
}

UserAgent UserAgent::from_text(std::string_view text) {
  UserAgent agent;
  const std::size_t semicolon = std::min(text.find(';'), text.size());
  if (semicolon < text.size()) agent.platform = text.substr(semicolon + 1);
  text = text.substr(0, semicolon);
  const std::size_t slash = std::min(text.rfind('/'), text.size());
  agent.client = text.substr(0, slash);
  if (slash < text.size()) agent.version = text.substr(slash + 1);
  return agent;
}

}  // namespace jeton::issuer
