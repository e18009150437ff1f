#include "issuer/devices/user_agent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace jeton::issuer {
namespace {

struct Case {
  std::string_view header, client, version, platform;
};

// As these clients send it.
constexpr std::array cases{
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
         "Safari/537.36",
         "Chrome", "126", "Windows"},
    Case{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
         "Chrome", "126", "Linux"},
    Case{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 "
         "Safari/537.36",
         "Chrome", "125", "macOS"},
    Case{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
         "Safari/537.36",
         "Chrome", "126", "Android"},
    Case{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
         "Chrome", "126", "iOS"},
    Case{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
         "Safari/537.36",
         "Chrome", "126", "ChromeOS"},
    Case{
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
        "Headless Chrome", "126", "Linux"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
         "Safari/537.36 "
         "Edg/126.0.0.0",
         "Edge", "126", "Windows"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 "
         "Safari/537.36 Edge/18.17763",
         "Edge", "18", "Windows"},
    Case{"Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.50 Mobile "
         "Safari/537.36 EdgA/125.0.2535.96",
         "Edge", "125", "Android"},
    Case{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.0 "
         "EdgiOS/125.2535.96 Mobile/15E148 Safari/605.1.15",
         "Edge", "125", "iOS"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "127",
         "Windows"},
    Case{"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "127", "Linux"},
    Case{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", "Firefox", "115", "Linux"},
    Case{"Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "127",
         "macOS"},
    Case{"Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "127", "Android"},
    Case{"Mozilla/5.0 (iPhone; CPU iPhone OS 14_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 "
         "Mobile/15E148 Safari/605.1.15",
         "Firefox", "127", "iOS"},
    Case{"Mozilla/5.0 (X11; FreeBSD amd64; rv:126.0) Gecko/20100101 Firefox/126.0", "Firefox", "126", "FreeBSD"},
    Case{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
         "Safari/605.1.15",
         "Safari", "17", "macOS"},
    Case{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.5 "
         "Mobile/15E148 Safari/604.1",
         "Safari", "17", "iOS"},
    Case{"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 "
         "Mobile/15E148 Safari/604.1",
         "Safari", "16", "iPadOS"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
         "Safari/537.36 "
         "OPR/110.0.0.0",
         "Opera", "110", "Windows"},
    Case{"Mozilla/5.0 (Linux; Android 10; VOG-L29) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.50 Mobile "
         "Safari/537.36 OPR/76.2.4027.73374",
         "Opera", "76", "Android"},
    Case{"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
         "Chrome/121.0.0.0 Mobile Safari/537.36",
         "Samsung Internet", "25", "Android"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
         "Safari/537.36 "
         "Vivaldi/6.8.3381.44",
         "Vivaldi", "6", "Windows"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
         "YaBrowser/24.6.0.0 Safari/537.36",
         "Yandex Browser", "24", "Windows"},
    Case{"Mozilla/5.0 (Linux; U; Android 9; en-US; SM-J730F) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
         "Chrome/78.0.3904.108 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
         "UC Browser", "13", "Android"},
    Case{"Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/125.3.1 like "
         "Chrome/125.0.0.0 "
         "Safari/537.36",
         "Silk", "125", "Android"},
    Case{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
         "Safari/605.1.15 Ddg/17.4",
         "DuckDuckGo", "17", "macOS"},
    Case{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Code/1.90.2 "
         "Chrome/122.0.6261.156 Electron/29.4.0 Safari/537.36",
         "Electron", "29", "Windows"},
    Case{"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", "11", "Windows"},
    Case{"Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", "Internet Explorer", "10", "Windows"},
    Case{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Mobile/21F90 "
         "[FBAN/FBIOS;FBAV/468.0.0.42.69;FBDV/iPhone15,2]",
         "Facebook", "468", "iOS"},
    Case{"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
         "Chrome/126.0.6478.50 Mobile Safari/537.36",
         "Chrome", "126", "Android"},
    Case{"Mozilla/5.0 (Mobile; Nokia_2720_Flip; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2", "Firefox", "48",
         "KaiOS"},
    Case{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36",
         "Chrome", "94", "webOS"},
    Case{"curl/8.5.0", "curl", "8", ""},
    Case{"Wget/1.21.3", "Wget", "1", ""},
    Case{"okhttp/4.12.0", "okhttp", "4", ""},
    Case{"Dart/3.4 (dart:io)", "Dart", "3", ""},
    Case{"MyApp/42 CFNetwork/1496.0.7 Darwin/23.5.0", "CFNetwork", "1496", "Darwin"},
    Case{"python-requests/2.32.3", "python-requests", "2", ""},
    Case{"Python-urllib/3.11", "Python-urllib", "3", ""},
    Case{"Go-http-client/1.1", "Go-http-client", "1", ""},
    Case{"PostmanRuntime/7.39.0", "Postman", "7", ""},
    Case{"Apache-HttpClient/5.3.1 (Java/17.0.11)", "Apache-HttpClient", "5", ""},
    Case{"node", "node", "", ""},
    Case{"axios/1.7.2", "axios", "1", ""},
};

TEST(UserAgent, RealOnesAreNamedAsPeopleWould) {
  EXPECT_GE(cases.size(), 40U);
  for (const Case& one : cases) {
    const UserAgent agent = parse_user_agent(one.header);
    EXPECT_EQ(agent.client, one.client) << one.header;
    EXPECT_EQ(agent.version, one.version) << one.header;
    EXPECT_EQ(agent.platform, one.platform) << one.header;
  }
}

TEST(UserAgent, IsKeptShortAndComesBackWhole) {
  for (const Case& one : cases) {
    const UserAgent agent = parse_user_agent(one.header);
    EXPECT_LE(agent.text().size(), 32U) << agent.text();
    const UserAgent again = UserAgent::from_text(agent.text());
    EXPECT_EQ(again.client, agent.client);
    EXPECT_EQ(again.version, agent.version);
    EXPECT_EQ(again.platform, agent.platform);
  }
  EXPECT_EQ(parse_user_agent(cases[1].header).text(), "Chrome/126;Linux");
}

TEST(UserAgent, IsNamedInASentence) {
  EXPECT_EQ(parse_user_agent(cases[1].header).name(), "Chrome on Linux");
  EXPECT_EQ(parse_user_agent("curl/8.5.0").name(), "curl");
  EXPECT_EQ((UserAgent{.platform = "Android"}).name(), "a device on Android");
  EXPECT_EQ(parse_user_agent("").name(), "an unknown device");
}

TEST(UserAgent, StrangersCannotMakeItLongOrInvisible) {
  for (const std::string& hostile :
       {std::string(10'000, 'a'), std::string("\x1b[2J evil"), std::string("<script>alert(1)</script>"),
        std::string("a;b/c;d/e"), std::string("Chrome/") + std::string(5'000, '9'), std::string("\0\0\0", 3),
        std::string("Mozilla"), std::string("Mozilla/5.0"), std::string("\xe2\x80\xae gnp.exe")}) {
    const std::string text = parse_user_agent(hostile).text();
    EXPECT_LE(text.size(), 60U);
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '<' && c != '"'; })) << text;
  }
  EXPECT_EQ(parse_user_agent("Mozilla/5.0").text(), "");
}

}  // namespace
}  // namespace jeton::issuer
