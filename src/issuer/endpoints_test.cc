// Every endpoint, each way of calling it wrongly, and the stated answer (docs/errors.md).
//
// The table names every route of the router: one that is added without a row here fails the first test. A row says
// how the endpoint is called rightly and what it asks for; the answers to wrong calls follow from that, but for those
// that a row states itself.
#include "issuer/running_issuer.h"

#include "http/router.h"
#include "store/sqlite/raw_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using http::Method;

enum class Asks : std::uint8_t {
  nothing,        // anybody may call it
  access_token,   // Authorization: Bearer
  refresh_token,  // in the body or the cookie
  management,     // Authorization: Bearer, of a client and for the issuer: a user's token is none
  client,         // OAuth client authentication (RFC 6749 section 2.3): see the tests of that folder
};
enum class Takes : std::uint8_t { nothing, json, form };

enum class Wrong : std::uint8_t {
  no_token,
  expired_token,
  other_users,
  other_audience,
  wrong_type_of_token,
  oversized_body,
  oversized_token,
  wrong_method,
  wrong_content_type,
  no_json,
  foreign_origin,
};
constexpr std::array all_wrongs{Wrong::no_token,        Wrong::expired_token,       Wrong::other_users,
                                Wrong::other_audience,  Wrong::wrong_type_of_token, Wrong::oversized_body,
                                Wrong::oversized_token, Wrong::wrong_method,        Wrong::wrong_content_type,
                                Wrong::no_json,         Wrong::foreign_origin};

std::string_view name_of(Wrong wrong) {
  constexpr std::array<std::string_view, all_wrongs.size()> names{
      "no token",       "expired token",   "other user's", "other audience",     "wrong type of token",
      "oversized body", "oversized token", "wrong method", "wrong content type", "no JSON",
      "foreign origin"};
  return names[static_cast<std::size_t>(wrong)];
}

struct Stated {
  int status;
  std::string body;  // empty: not stated
};

struct Endpoint {
  Method method;
  std::string path;  // as the router has it
  Asks asks = Asks::nothing;
  Takes takes = Takes::nothing;
  std::string body{};  // JSON that is right, where it takes some; REFRESH stands for a refresh token
  std::map<Wrong, Stated> stated{};
  bool sets_or_reads_cookie = false;
  // Of the right call, where it is no 2xx: what it presents beside the token is none.
  std::vector<int> rightly{};
};

std::string error(std::string_view text) { return R"({"error":")" + std::string(text) + R"("})"; }

const std::vector<Endpoint>& endpoints() {
  const Stated mail_missing{501, error("Mail is not configured")};
  const std::map<Wrong, Stated> no_mail{{Wrong::wrong_content_type, mail_missing}, {Wrong::no_json, mail_missing}};
  static const std::vector<Endpoint> all{
      {Method::post, "/api/auth/register", Asks::nothing, Takes::json,
       R"({"email":"new@example.com","password":"long enough"})"},
      {.method = Method::post,
       .path = "/api/auth/login",
       .takes = Takes::json,
       .body = R"({"email":"dev@example.com","password":"correct horse battery","delivery":"cookie"})",
       .sets_or_reads_cookie = true},
      {.method = Method::post,
       .path = "/api/auth/refresh",
       .asks = Asks::refresh_token,
       .takes = Takes::json,
       .body = R"({"refreshToken":"REFRESH"})",
       .sets_or_reads_cookie = true},
      {.method = Method::post,
       .path = "/api/auth/logout",
       .asks = Asks::refresh_token,
       .takes = Takes::json,
       .body = R"({"refreshToken":"REFRESH"})",
       // Ending what has ended already is no error.
       .stated = {{Wrong::expired_token, {204, ""}}},
       .sets_or_reads_cookie = true},
      {Method::get, "/api/auth/me", Asks::access_token},
      {Method::post, "/api/auth/password", Asks::access_token, Takes::json,
       R"({"oldPassword":"correct horse battery","newPassword":"another good one"})"},
      {Method::get, "/api/auth/sessions", Asks::access_token},
      {.method = Method::del,
       .path = "/api/auth/sessions/{sid}",
       .asks = Asks::access_token,
       .stated = {{Wrong::other_users, {404, error("Not found")}}}},
      {Method::post, "/api/auth/sessions/revoke-others", Asks::access_token},
      {.method = Method::post,
       .path = "/api/auth/verify-email",
       .takes = Takes::json,
       .body = R"({"token":"none"})",
       .rightly = {400}},
      // Without mail nothing about them is looked at.
      {.method = Method::post,
       .path = "/api/auth/verify-email/resend",
       .takes = Takes::json,
       .body = R"({"email":"dev@example.com"})",
       .stated = no_mail,
       .rightly = {501}},
      {.method = Method::post,
       .path = "/api/auth/forgot-password",
       .takes = Takes::json,
       .body = R"({"email":"dev@example.com"})",
       .stated = no_mail,
       .rightly = {501}},
      {.method = Method::post,
       .path = "/api/auth/reset-password",
       .takes = Takes::json,
       .body = R"({"token":"none","newPassword":"another good one"})",
       .rightly = {400}},
      {Method::post, "/api/auth/totp/enrol", Asks::access_token, Takes::json,
       R"({"password":"correct horse battery"})"},
      {.method = Method::post,
       .path = "/api/auth/totp/confirm",
       .asks = Asks::access_token,
       .takes = Takes::json,
       .body = R"({"code":"none"})",
       .rightly = {403}},
      {.method = Method::post,
       .path = "/api/auth/totp/login",
       .takes = Takes::json,
       .body = R"({"challenge":"none","code":"000000","delivery":"cookie"})",
       .sets_or_reads_cookie = true,
       .rightly = {401}},
      {.method = Method::post,
       .path = "/api/auth/totp/disable",
       .asks = Asks::access_token,
       .takes = Takes::json,
       .body = R"({"password":"correct horse battery","code":"none"})",
       .rightly = {409}},
      {Method::get, "/.well-known/jwks.json"},
      // For services alone: no token of a user is for the issuer.
      {Method::get, "/api/feed", Asks::management},
      {Method::get, "/.well-known/jeton-feed-keys.json"},
      {.method = Method::post,
       .path = "/oauth2/token",
       .asks = Asks::client,
       .takes = Takes::form,
       .stated = {{Wrong::no_token, {400, ""}}, {Wrong::wrong_content_type, {400, ""}}}},
      {.method = Method::post,
       .path = "/oauth2/revoke",
       .asks = Asks::client,
       .takes = Takes::form,
       .stated = {{Wrong::no_token, {400, ""}}, {Wrong::wrong_content_type, {400, ""}}}},
      {.method = Method::post,
       .path = "/oauth2/introspect",
       .asks = Asks::client,
       .takes = Takes::form,
       .stated = {{Wrong::no_token, {400, ""}}, {Wrong::wrong_content_type, {400, ""}}}},
      {Method::post, "/api/admin/sessions", Asks::management},
      {Method::get, "/api/admin/users", Asks::management},
      {Method::post, "/api/admin/users", Asks::management},
      {Method::get, "/api/admin/users/{sub}", Asks::management},
      {Method::del, "/api/admin/users/{sub}", Asks::management},
      {Method::get, "/api/admin/users/{sub}/export", Asks::management},
      {Method::put, "/api/admin/users/{sub}/claims", Asks::management},
      {Method::post, "/api/admin/users/{sub}/disable", Asks::management},
      {Method::post, "/api/admin/users/{sub}/enable", Asks::management},
      {Method::post, "/api/admin/users/{sub}/end-sessions", Asks::management},
      {Method::get, "/api/admin/users/{sub}/sessions", Asks::management},
      {Method::del, "/api/admin/users/{sub}/sessions/{sid}", Asks::management},
      {Method::put, "/api/admin/users/{sub}/password", Asks::management},
      {Method::get, "/api/admin/keys", Asks::management},
      {Method::post, "/api/admin/keys/rotate", Asks::management},
      {Method::post, "/api/admin/keys/{kid}/revoke", Asks::management},
      {Method::get, "/api/admin/audit", Asks::management},
      {Method::get, "/api/admin/clients", Asks::management},
      {Method::post, "/api/admin/clients", Asks::management},
      // PATCH is no wrong method of these two.
      {.method = Method::get,
       .path = "/api/admin/clients/{id}",
       .asks = Asks::management,
       .stated = {{Wrong::wrong_method, {403, error("Invalid token")}}}},
      {.method = Method::patch,
       .path = "/api/admin/clients/{id}",
       .asks = Asks::management,
       .stated = {{Wrong::wrong_method, {403, error("Invalid token")}}}},
      {Method::post, "/api/admin/clients/{id}/rotate-secret", Asks::management},
      {Method::post, "/api/admin/clients/{id}/disable", Asks::management},
      {Method::post, "/api/admin/clients/{id}/enable", Asks::management},
      {Method::get, "/openapi.json"},
      {Method::get, "/.well-known/oauth-authorization-server"},
      {Method::get, "/healthz"},
      {Method::get, "/metrics"},
  };
  return all;
}

// The answer that follows from what an endpoint asks for and takes; nothing where the case cannot be made.
std::optional<Stated> stated_for(const Endpoint& one, Wrong wrong) {
  if (const auto own = one.stated.find(wrong); own != one.stated.end()) return own->second;
  const bool access = one.asks == Asks::access_token, refresh = one.asks == Asks::refresh_token;
  if (one.asks == Asks::management) {
    if (wrong == Wrong::no_token) return Stated{401, error("Access token required")};
    if (wrong == Wrong::other_audience || wrong == Wrong::wrong_type_of_token || wrong == Wrong::oversized_token)
      return Stated{403, error("Invalid token")};
  }
  const Stated invalid_refresh{401, error("Invalid refresh token")};
  switch (wrong) {
    case Wrong::no_token:
      if (access) return Stated{401, error("Access token required")};
      return refresh ? std::optional(invalid_refresh) : std::nullopt;
    case Wrong::expired_token:
      if (access) return Stated{401, error("Token expired")};
      return refresh ? std::optional(invalid_refresh) : std::nullopt;
    case Wrong::other_users: return std::nullopt;  // where a resource is named, its row says what it is answered
    case Wrong::other_audience: return access ? std::optional(Stated{403, error("Invalid token")}) : std::nullopt;
    case Wrong::wrong_type_of_token:
      if (access) return Stated{403, error("Invalid token")};
      return refresh ? std::optional(invalid_refresh) : std::nullopt;
    case Wrong::oversized_body: return Stated{413, ""};
    case Wrong::oversized_token:
      if (access) return Stated{403, error("Invalid token")};
      return refresh ? std::optional(invalid_refresh) : std::nullopt;
    case Wrong::wrong_method: return Stated{405, error("Method not allowed")};
    case Wrong::wrong_content_type:
      if (one.takes == Takes::json) return Stated{400, error("Content-Type must be application/json")};
      return std::nullopt;
    case Wrong::no_json:
      return one.takes == Takes::json ? std::optional(Stated{400, error("Malformed JSON")}) : std::nullopt;
    case Wrong::foreign_origin:
      if (one.sets_or_reads_cookie) return Stated{403, error("Origin not allowed")};
      return std::nullopt;
  }
  return std::nullopt;
}

// The path with something in place of each parameter.
std::string concrete(std::string path) {
  for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
    path.replace(at, path.find('}', at) + 1 - at, "x");
  return path;
}

class Endpoints : public ::testing::Test {
 protected:
  RunningOptions options() const {
    return {.database = directory_.file("jeton.db"), .issuer_url = "https://id.example.com"};
  }
  void SetUp() override {
    {  // An issuer of this very database and these very keys, but for another audience.
      RunningIssuer before(clock_, options());
      before.register_user(email, password);
      before.register_user("other@example.com", password);
    }
    set_audience("billing");
    {
      RunningIssuer elsewhere(clock_, options());
      foreign_ = elsewhere.login(email, password).text("accessToken");
    }
    set_audience("api");
    running_ = std::make_unique<RunningIssuer>(clock_, options());
    other_sid_ = *running_->claims_of(running_->login("other@example.com", password).text("accessToken"))
                      .find("sid")
                      ->if_string();
  }
  void set_audience(const std::string& audience) {
    store::sqlite::RawDatabase raw{directory_.file("jeton.db")};
    raw.run("UPDATE settings SET value = '" + audience + "' WHERE name = 'audience'");
    raw.run("UPDATE clients SET audiences = '" + audience + "'");
  }

  // One request, right at first, then spoiled in one way.
  struct Call {
    std::string method, path, body, token, content_type;
    HeaderList headers{};
  };
  Call right(const Endpoint& one, const HttpAnswer& login) {
    Call call{.method = std::string(http::name_of(one.method)), .path = one.path, .body = one.body};
    if (const auto at = call.path.find("{sid}"); at != std::string::npos)
      call.path.replace(at, 5, *running_->claims_of(login.text("accessToken")).find("sid")->if_string());
    call.path = concrete(call.path);
    if (one.asks == Asks::access_token || one.asks == Asks::management) call.token = login.text("accessToken");
    if (one.asks == Asks::refresh_token) call.token = login.text("refreshToken");
    if (one.takes == Takes::json) call.content_type = "application/json";
    return call;
  }
  static std::chrono::milliseconds life_of(const Endpoint& one) {
    return std::chrono::days(one.asks == Asks::access_token ? 1 : 200);
  }
  void spoil(Call& call, const Endpoint& one, Wrong wrong, const HttpAnswer& login) {
    const bool access = one.asks == Asks::access_token || one.asks == Asks::management;
    switch (wrong) {
      case Wrong::no_token: call.token.clear(); break;
      case Wrong::expired_token: clock_.move(life_of(one)); break;
      case Wrong::other_users: call.path.replace(call.path.rfind('/') + 1, std::string::npos, other_sid_); break;
      case Wrong::other_audience: call.token = foreign_; break;
      case Wrong::wrong_type_of_token: call.token = login.text(access ? "refreshToken" : "accessToken"); break;
      case Wrong::oversized_body:
        call.body = std::string(70'000, ' ');
        call.content_type = "application/json";
        break;
      case Wrong::oversized_token: call.token = std::string(9'000, 'a'); break;
      case Wrong::wrong_method: call.method = "PATCH"; break;
      case Wrong::wrong_content_type: call.content_type = "text/plain"; break;
      case Wrong::no_json: call.body = "{"; break;
      case Wrong::foreign_origin:
        call.headers.emplace_back("Origin", "https://evil.example");
        call.headers.emplace_back("X-Jeton-Client", "evil");
        if (one.asks == Asks::refresh_token) {
          call.headers.emplace_back("Cookie", "__Host-jeton_refresh=" + call.token);
          call.body.clear();
          call.content_type.clear();
        }
        break;
    }
  }
  HttpAnswer send(const Endpoint& one, Call call) {
    if ((one.asks == Asks::access_token || one.asks == Asks::management) && !call.token.empty())
      call.headers.emplace_back("Authorization", "Bearer " + call.token);
    if (const auto at = call.body.find("REFRESH"); at != std::string::npos) {
      if (call.token.empty())
        call.body = "{}";
      else
        call.body.replace(at, 7, call.token);
    }
    if (!call.content_type.empty()) call.headers.emplace_back("Content-Type", call.content_type);
    return exchange(running_->port(), call.method, call.path, call.headers, call.body);
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  std::unique_ptr<RunningIssuer> running_;
  std::string foreign_, other_sid_;
};

TEST_F(Endpoints, EveryRouteHasARow) {
  http::Router router;
  Issuer issuer(clock_, {});
  issuer.add_routes(router);
  std::set<std::string> rows, routes;
  for (const auto& [method, path] : router.routes()) routes.insert(std::string(http::name_of(method)) + " " + path);
  for (const Endpoint& one : endpoints()) rows.insert(std::string(http::name_of(one.method)) + " " + one.path);
  EXPECT_EQ(rows, routes) << "add a row to endpoints(), with what the endpoint asks for and takes";
}

TEST_F(Endpoints, EachIsAnsweredRightlyWhenCalledRightly) {
  for (const Endpoint& one : endpoints()) {
    if (one.asks == Asks::client || one.asks == Asks::management) continue;  // see the tests of those folders
    const HttpAnswer login = running_->login(email, password);
    Call call = right(one, login);
    if (one.sets_or_reads_cookie && one.asks == Asks::nothing) {
      call.headers.emplace_back("Sec-Fetch-Site", "same-origin");
      call.headers.emplace_back("X-Jeton-Client", "test");
    }
    if (one.path == "/api/auth/password") continue;  // its twin would change the password of the rows that follow
    const HttpAnswer answer = send(one, call);
    const bool good = one.rightly.empty() ? answer.status >= 200 && answer.status < 300
                                          : std::ranges::find(one.rightly, answer.status) != one.rightly.end();
    EXPECT_TRUE(good) << one.path << ": " << answer.status << answer.body;
  }
}

TEST_F(Endpoints, EachWrongCallHasItsStatedAnswer) {
  for (const Endpoint& one : endpoints()) {
    for (const Wrong wrong : all_wrongs) {
      const auto stated = stated_for(one, wrong);
      if (!stated.has_value()) continue;
      const HttpAnswer login = running_->login(email, password);
      Call call = right(one, login);
      spoil(call, one, wrong, login);
      const HttpAnswer answer = send(one, call);
      if (wrong == Wrong::expired_token) clock_.move(-life_of(one));
      const std::string what =
          std::string(http::name_of(one.method)) + " " + one.path + ", " + std::string(name_of(wrong));
      EXPECT_EQ(answer.status, stated->status) << what << ": " << answer.body;
      if (!stated->body.empty()) EXPECT_EQ(answer.body, stated->body) << what;
      if (answer.status == 401) EXPECT_NE(answer.header("www-authenticate"), "") << what;
      if (answer.status == 405)
        EXPECT_NE(answer.header("allow").find(http::name_of(one.method)), std::string::npos) << what;
      EXPECT_EQ(answer.header("access-control-allow-origin"), "") << what;
      EXPECT_TRUE(answer.headers.all("set-cookie").empty()) << what;
    }
  }
}

TEST_F(Endpoints, NoneGivesAPageOfAnotherOriginAnything) {
  for (const Endpoint& one : endpoints()) {
    const std::string path = concrete(one.path);
    const HttpAnswer preflight =
        exchange(running_->port(), "OPTIONS", path,
                 {{"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "GET"}});
    EXPECT_EQ(preflight.status, 403) << path;
    EXPECT_EQ(preflight.header("access-control-allow-origin"), "") << path;
  }
}

}  // namespace
}  // namespace jeton::issuer::testing
