// Browsers: the refresh token in a cookie, and those who would like to use it from elsewhere.
#include "issuer/browser/cross_site.h"
#include "issuer/browser/refresh_cookie.h"
#include "issuer/running_issuer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::issuer::testing {
namespace {

constexpr std::string_view page = "https://app.example.com";

// A Set-Cookie header taken apart: the name, the value, and the attributes in order.
struct SetCookie {
  std::string name, value;
  std::vector<std::string> attributes;

  static std::optional<SetCookie> of(const HttpAnswer& answer) {
    auto headers = answer.headers.all("set-cookie");
    // Login also says which device this is; that opens nothing.
    std::erase_if(headers, [](std::string_view one) {
      return one.starts_with("__Host-jeton_device=") || one.starts_with("jeton_device=");
    });
    if (headers.size() != 1) return std::nullopt;
    SetCookie cookie;
    std::string_view rest = headers.front();
    const std::size_t equals = rest.find('=');
    const std::size_t end = std::min(rest.find(';'), rest.size());
    cookie.name = rest.substr(0, equals);
    cookie.value = rest.substr(equals + 1, end - equals - 1);
    rest.remove_prefix(end);
    while (rest.starts_with("; ")) {
      rest.remove_prefix(2);
      cookie.attributes.emplace_back(rest.substr(0, rest.find(';')));
      rest.remove_prefix(std::min(rest.find(';'), rest.size()));
    }
    return cookie;
  }
  bool has(std::string_view attribute) const { return std::ranges::find(attributes, attribute) != attributes.end(); }
};

class Browser : public ::testing::Test {
 protected:
  static RunningOptions options(const TemporaryDirectory& directory) {
    RunningOptions made{.database = directory.file("jeton.db"), .issuer_url = "https://id.example.com"};
    made.rules.origins = {std::string(page)};
    return made;
  }
  Browser() : running_(clock_, options(directory_)) { running_.register_user(email, password); }

  // What a page of ours sends.
  static HeaderList from_page(std::string_view cookie = {}) {
    HeaderList headers{{"Origin", std::string(page)}, {"X-Jeton-Client", "test"}};
    if (!cookie.empty()) headers.emplace_back("Cookie", name + "=" + std::string(cookie));
    return headers;
  }
  static HeaderList without(HeaderList headers, std::string_view header) {
    std::erase_if(headers, [&](const auto& one) { return one.first == header; });
    return headers;
  }
  static HeaderList with(HeaderList headers, std::string header, std::string value) {
    headers.emplace_back(std::move(header), std::move(value));
    return headers;
  }
  HttpAnswer log_in(const HeaderList& headers) const {
    Value body = Value::object();
    body.set("email", email);
    body.set("password", password);
    body.set("delivery", "cookie");
    return running_.post("/api/auth/login", body, headers);
  }
  HttpAnswer call(std::string_view path, const HeaderList& headers) const {
    return exchange(running_.port(), "POST", path, headers);
  }
  HttpAnswer refresh(const HeaderList& headers) const { return call("/api/auth/refresh", headers); }
  // The cookie that a login gave.
  std::string logged_in() const { return SetCookie::of(log_in(from_page())).value().value; }

  static inline const std::string name = "__Host-jeton_refresh";
  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
};

// mission row 13: the refresh token in an HTTP-only cookie, with protection against cross-site requests.
TEST_F(Browser, ALoginThatAsksForACookieGetsTheRefreshTokenThereAndNowhereElse) {
  const HttpAnswer login = log_in(from_page());
  ASSERT_EQ(login.status, 200) << login.body;
  const auto cookie = SetCookie::of(login);
  ASSERT_TRUE(cookie.has_value());
  EXPECT_TRUE(cookie->value.starts_with("jrt1."));
  EXPECT_EQ(login.json().find("refreshToken"), nullptr);
  EXPECT_EQ(login.body.find(cookie->value), std::string::npos);
  EXPECT_EQ(running_.me(login.text("accessToken")).status, 200);

  const HttpAnswer refreshed = refresh(from_page(cookie->value));
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;
  EXPECT_EQ(refreshed.json().find("refreshToken"), nullptr);
  const auto next = SetCookie::of(refreshed);
  ASSERT_TRUE(next.has_value());
  EXPECT_NE(next->value, cookie->value);
  EXPECT_EQ(refresh(from_page(next->value)).status, 200);
}

// F12
TEST_F(Browser, TheCookieHasEveryAttributeAndLogoutClearsItWithTheSame) {
  const auto given = SetCookie::of(log_in(from_page())).value();
  const HttpAnswer logout = call("/api/auth/logout", from_page(given.value));
  EXPECT_EQ(logout.status, 204);
  const auto cleared = SetCookie::of(logout).value();
  EXPECT_EQ(cleared.value, "");
  EXPECT_TRUE(cleared.has("Max-Age=0"));
  for (const SetCookie& cookie : {given, cleared}) {
    EXPECT_EQ(cookie.name, name);
    for (const std::string_view attribute : {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"})
      EXPECT_TRUE(cookie.has(attribute)) << attribute;
    EXPECT_EQ(cookie.attributes.size(), 5U) << "Max-Age and those; no Domain";
  }
  EXPECT_TRUE(given.has("Max-Age=2592000"));
  EXPECT_LE(log_in(from_page()).header("set-cookie").size(), 4096U);
  EXPECT_EQ(refresh(from_page(given.value)).body, R"({"error":"Invalid refresh token"})");
  EXPECT_TRUE(SetCookie::of(call("/api/auth/logout", from_page("nonsense"))).value().has("Max-Age=0"));
}

TEST_F(Browser, TheCookieEndsWithItsSession) {
  const std::string cookie = logged_in();
  clock_.move(std::chrono::days(29));
  const auto next = SetCookie::of(refresh(from_page(cookie))).value();
  EXPECT_TRUE(next.has("Max-Age=2592000")) << next.attributes.front();
}

// mission row 13. F11: each endpoint that reads or sets the cookie, from where it must not come.
TEST_F(Browser, ForeignAndNamelessOriginsAreRefusedAndNothingChanges) {
  const std::string cookie = logged_in();
  for (const std::string origin :
       {"https://evil.example", "null", "", "https://app.example.com.evil.example", "http://app.example.com",
        "https://app.example.com:8443", "https://id.example.com"}) {
    const HeaderList foreign = with(without(from_page(cookie), "Origin"), "Origin", origin);
    for (const HttpAnswer& answer :
         {refresh(foreign), call("/api/auth/logout", foreign), log_in(without(foreign, "Cookie"))}) {
      EXPECT_EQ(answer.status, 403) << origin;
      EXPECT_EQ(answer.body, R"({"error":"Origin not allowed"})");
      EXPECT_TRUE(answer.headers.all("set-cookie").empty());
      EXPECT_EQ(answer.header("access-control-allow-origin"), "");
    }
  }
  const HeaderList nowhere = without(from_page(cookie), "Origin");
  EXPECT_EQ(refresh(nowhere).status, 403);
  EXPECT_EQ(refresh(with(nowhere, "Sec-Fetch-Site", "same-site")).status, 403);
  EXPECT_EQ(refresh(with(nowhere, "Sec-Fetch-Site", "cross-site")).status, 403);
  EXPECT_EQ(refresh(with(nowhere, "Sec-Fetch-Site", "none")).status, 403);
  EXPECT_EQ(refresh(with(from_page(cookie), "Origin", "https://evil.example")).status, 403) << "two of them";
  EXPECT_EQ(refresh(with(with(nowhere, "Origin", "null"), "Sec-Fetch-Site", "same-origin")).status, 403);
  EXPECT_EQ(refresh(from_page(cookie)).status, 200) << "none of that rotated";
}

TEST_F(Browser, APageOfTheIssuersOwnOriginNeedsNoEntry) {
  const std::string cookie = logged_in();
  const HeaderList own = with(without(from_page(cookie), "Origin"), "Sec-Fetch-Site", "same-origin");
  const auto next = SetCookie::of(refresh(own)).value().value;
  EXPECT_EQ(refresh(with(with(without(from_page(next), "Origin"), "Origin", "https://id.example.com"), "Sec-Fetch-Site",
                         "same-origin"))
                .status,
            200)
      << "as browsers send it with POST";
}

// F11: a form of another site can send a cookie, but no header of its own.
TEST_F(Browser, WithoutTheHeaderOfItsOwnARequestIsRefused) {
  const std::string cookie = logged_in();
  const HeaderList bare = without(from_page(cookie), "X-Jeton-Client");
  for (const HeaderList& headers : {bare, with(bare, "X-Jeton-Client", "")}) {
    EXPECT_EQ(refresh(headers).body, R"({"error":"X-Jeton-Client header required"})");
    EXPECT_EQ(call("/api/auth/logout", headers).status, 403);
    EXPECT_EQ(log_in(without(headers, "Cookie")).status, 403);
  }
  EXPECT_EQ(refresh(from_page(cookie)).status, 200);
}

TEST_F(Browser, ACookieThatSomebodyTossedBesideIsRefused) {
  const std::string victim = logged_in(), attacker = logged_in();
  for (const HeaderList& tossed :
       {with(without(from_page(victim), "Cookie"), "Cookie", name + "=" + attacker + "; " + name + "=" + victim),
        with(from_page(victim), "Cookie", name + "=" + attacker)}) {
    EXPECT_EQ(refresh(tossed).status, 400);
    EXPECT_EQ(refresh(tossed).body, R"({"error":"Refresh cookie given more than once"})");
    EXPECT_EQ(call("/api/auth/logout", tossed).status, 400);
  }
  // Another name is another cookie: without the prefix any host of the site could have set it.
  EXPECT_EQ(refresh(with(without(from_page(), "Cookie"), "Cookie", "jeton_refresh=" + victim)).status, 400);
  EXPECT_EQ(refresh(from_page(victim)).status, 200);
}

TEST_F(Browser, OneTokenInTwoPlacesIsRefused) {
  const std::string cookie = logged_in();
  const Value body = Value::object().set("refreshToken", cookie);
  const HttpAnswer both = running_.post("/api/auth/refresh", body, from_page(cookie));
  EXPECT_EQ(both.status, 400);
  EXPECT_EQ(both.body, R"({"error":"Refresh token in more than one place"})");
  EXPECT_EQ(running_.post("/api/auth/logout", body, from_page(cookie)).status, 400);
  EXPECT_EQ(refresh(from_page(cookie)).status, 200);
}

TEST_F(Browser, ASessionKeepsTheDeliveryItBeganWith) {
  const std::string cookie = logged_in();
  const std::string in_body = running_.login(email, password).text("refreshToken");
  const HttpAnswer by_body = running_.refresh(cookie);
  EXPECT_EQ(by_body.status, 401);
  EXPECT_EQ(by_body.body, R"({"error":"Invalid refresh token"})");
  const HttpAnswer by_cookie = refresh(from_page(in_body));
  EXPECT_EQ(by_cookie.status, 401);
  EXPECT_TRUE(by_cookie.headers.all("set-cookie").empty());
  EXPECT_EQ(running_.metric("jeton_refreshes_total{outcome=\"other_delivery\"}"), "2");
  EXPECT_EQ(refresh(from_page(cookie)).status, 200) << "nothing changed";
  EXPECT_EQ(running_.refresh(in_body).status, 200);
  // The reverse is asked for at login alone.
  Value wish = Value::object();
  wish.set("email", email);
  wish.set("password", password);
  for (const Value& other : {Value("Cookie"), Value(true), Value(nullptr), Value("")}) {
    wish.set("delivery", other);
    EXPECT_EQ(running_.post("/api/auth/login", wish, from_page()).status, 400);
  }
  wish.set("delivery", "body");
  EXPECT_EQ(running_.post("/api/auth/login", wish).status, 200) << "needs no Origin";
}

// F13
TEST_F(Browser, ACookieFromBeforeTheLoginIsNotTheSessionAfterIt) {
  const std::string planted = logged_in();
  const HttpAnswer login = log_in(from_page(planted));
  ASSERT_EQ(login.status, 200);
  const std::string given = SetCookie::of(login).value().value;
  EXPECT_NE(given.substr(0, 30), planted.substr(0, 30)) << "another handle, not another generation";
  const auto sid_of = [&](const HttpAnswer& answer) {
    return *running_.claims_of(answer.text("accessToken")).find("sid")->if_string();
  };
  EXPECT_NE(sid_of(refresh(from_page(planted))), sid_of(login));
  EXPECT_EQ(sid_of(refresh(from_page(given))), sid_of(login));
}

TEST_F(Browser, APreflightNeedsNoTokenAndGivesNone) {
  const HttpAnswer preflight =
      exchange(running_.port(), "OPTIONS", "/api/auth/refresh",
               {{"Origin", std::string(page)}, {"Access-Control-Request-Method", "POST"}, {"Cookie", name + "=x"}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-origin"), page);
  EXPECT_NE(preflight.header("access-control-allow-headers").find("X-Jeton-Client"), std::string::npos);
  EXPECT_TRUE(preflight.headers.all("set-cookie").empty());
  const std::string cookie = logged_in();
  EXPECT_EQ(exchange(running_.port(), "OPTIONS", "/api/auth/refresh", from_page(cookie)).status, 405);
  Rules rules = *running_.issuer().rules();
  rules.origins = {"https://other.example.com"};
  running_.issuer().replace_rules(rules);
  EXPECT_EQ(refresh(from_page(cookie)).status, 403) << "taken over at once";
}

TEST(Development, OnLocalhostTheCookieIsPlainAndItIsSaid) {
  for (const std::string_view issuer : {"http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"}) {
    const RefreshCookie cookie(issuer);
    EXPECT_EQ(cookie.name(), "jeton_refresh") << issuer;
    EXPECT_EQ(cookie.set("t", std::chrono::seconds(9)),
              "jeton_refresh=t; Max-Age=9; Path=/; HttpOnly; SameSite=Strict");
    EXPECT_FALSE(cookie.unusable());
  }
  for (const std::string_view issuer : {"https://localhost", "https://127.0.0.1", "https://id.example.com"}) {
    EXPECT_EQ(RefreshCookie(issuer).name(), "__Host-jeton_refresh") << issuer;
    EXPECT_FALSE(RefreshCookie(issuer).unusable());
  }
  const RefreshCookie elsewhere("http://id.example.com");
  EXPECT_TRUE(elsewhere.secure()) << "never a cookie without Secure but on this machine";
  EXPECT_TRUE(elsewhere.unusable());
  EXPECT_TRUE(RefreshCookie("http://localhost.evil.example").secure());
}

TEST(Development, ALoginOnLocalhostWorksWithThePlainCookie) {
  TemporaryDirectory directory;
  MovedClock clock;
  RunningOptions options{.database = directory.file("jeton.db")};
  options.rules.origins = {"http://localhost:5173"};
  RunningIssuer running(clock, std::move(options));
  running.register_user(email, password);
  Value body = Value::object();
  body.set("email", email);
  body.set("password", password);
  body.set("delivery", "cookie");
  const HeaderList headers{{"Origin", "http://localhost:5173"}, {"X-Jeton-Client", "test"}};
  const auto cookie = SetCookie::of(running.post("/api/auth/login", body, headers)).value();
  EXPECT_EQ(cookie.name, "jeton_refresh");
  EXPECT_FALSE(cookie.has("Secure"));
  HeaderList next = headers;
  next.emplace_back("Cookie", "jeton_refresh=" + cookie.value);
  EXPECT_EQ(exchange(running.port(), "POST", "/api/auth/refresh", next).status, 200);
}

}  // namespace
}  // namespace jeton::issuer::testing
