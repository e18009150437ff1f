// Management over HTTP: users, clients, and the document that describes it.
#include "issuer/admin/admin.h"

#include "http/router.h"
#include "issuer/oauth/oauth_fixture.h"

#include <algorithm>
#include <functional>
#include <set>

namespace jeton::issuer::testing {
namespace {

constexpr Limits wide{.json_depth_max = 32, .json_members_max = 10'000};

class Management : public WithClients {
 protected:
  Management() { token_ = token_of("operator", "admin"); }
  std::string token_of(const std::string& id, const std::string& scope) {
    auto client = service(id);
    client.scopes = scope;
    client.audiences = "";
    add(client);
    return credentials(id).text("access_token");
  }
  HttpAnswer send(std::string_view method, const std::string& path, const Value& body = {},
                  const std::string& as = {}) const {
    HeaderList headers{{"Authorization", "Bearer " + (as.empty() ? token_ : as)}};
    if (body.is_null()) return exchange(running_.port(), method, path, headers);
    headers.emplace_back("Content-Type", "application/json");
    return exchange(running_.port(), method, path, headers, body.to_json());
  }
  static Value parsed(std::string_view json) { return Value::parse(json).value(); }
  static void expect_refused(const HttpAnswer& answer, int status, std::string_view error) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.text("error"), error) << answer.body;
  }

  std::string token_;
};

TEST_F(Management, AUserIsCreatedChangedDisabledAndErased) {
  const HttpAnswer made =
      send("POST", "/api/admin/users",
           parsed(R"({"email":"a@example.com","password":"correct horse","claims":{"plan":"pro"}})"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body.find("argon2"), std::string::npos);
  const std::string path = "/api/admin/users/" + made.text("sub");
  const HttpAnswer login = running_.login("a@example.com", "correct horse");
  ASSERT_EQ(login.status, 200);
  EXPECT_EQ(send("GET", path).text("email"), "a@example.com");

  EXPECT_EQ(send("PUT", path + "/claims", parsed(R"({"claims":{"plan":"free"}})")).status, 204);
  EXPECT_EQ(running_.me(login.text("accessToken")).body, R"({"error":"Token expired","reason":"stale_claims"})");
  expect_refused(send("PUT", path + "/claims", parsed(R"({"claims":{"password":1}})")), 400,
                 "Claim looks like a secret");
  expect_refused(send("PUT", path + "/claims", parsed(R"({"claims":{"ver":1}})")), 400, "Claim is set by the issuer");
  expect_refused(send("PUT", path + "/claims", parsed("{}")), 400, "claims must be an object");

  EXPECT_EQ(send("POST", path + "/end-sessions").body, R"({"ended":1})");
  EXPECT_EQ(running_.refresh(login.text("refreshToken")).status, 401);
  EXPECT_EQ(send("POST", path + "/disable").status, 204);
  EXPECT_EQ(running_.login("a@example.com", "correct horse").status, 401);
  EXPECT_EQ(send("POST", path + "/enable").status, 204);
  EXPECT_EQ(running_.login("a@example.com", "correct horse").status, 200);
  EXPECT_EQ(send("GET", path + "/export").json().find("sessions")->if_array()->size(), 2U);
  EXPECT_EQ(send("DELETE", path).status, 204);
  expect_refused(send("GET", path), 404, "Unknown user");
  for (const char* end : {"/disable", "/enable", "/end-sessions"})
    expect_refused(send("POST", path + end), 404, "Unknown user");
  expect_refused(send("DELETE", path), 404, "Unknown user");
}

TEST_F(Management, ListsComeInPages) {
  for (const char* name : {"a", "b", "c"}) running_.register_user(std::string(name) + "@example.com", password);
  std::set<std::string> seen;
  std::string query = "?limit=2";
  for (int pages = 0; pages < 2; ++pages) {
    const Value page = send("GET", "/api/admin/users" + query).json();
    for (const Value& user : *page.find("users")->if_array()) seen.insert(*user.find("sub")->if_string());
    const Value* next = page.find("next");
    ASSERT_EQ(next != nullptr, pages == 0);
    if (next != nullptr) query = "?limit=2&after=" + *next->if_string();
  }
  EXPECT_EQ(seen.size(), 3U);
  for (const char* bad : {"?limit=0", "?limit=201", "?limit=x", "?limit=1&limit=2"})
    EXPECT_EQ(send("GET", std::string("/api/admin/users") + bad).status, 400) << bad;
}

TEST_F(Management, AClientIsCreatedWithASecretThatIsShownOnce) {
  const HttpAnswer made =
      send("POST", "/api/admin/clients", parsed(R"({"id":"billing","scopes":["read","write"],"audiences":["api"]})"));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string secret = made.text("secret");
  EXPECT_EQ(credentials("billing", {}, secret).status, 200);
  EXPECT_EQ(send("GET", "/api/admin/clients/billing").body.find(secret), std::string::npos);
  EXPECT_EQ(send("GET", "/api/admin/clients").json().find("clients")->if_array()->size(), 3U);

  EXPECT_EQ(send("PATCH", "/api/admin/clients/billing", parsed(R"({"scopes":["read"]})")).status, 200);
  EXPECT_EQ(credentials("billing", {}, secret).text("scope"), "read") << "this process hears of it at once";
  const HttpAnswer rotated =
      send("POST", "/api/admin/clients/billing/rotate-secret", parsed(R"({"overlapSeconds":60})"));
  EXPECT_EQ(credentials("billing", {}, rotated.text("secret")).status, 200);
  EXPECT_EQ(credentials("billing", {}, secret).status, 200);
  send("POST", "/api/admin/clients/billing/rotate-secret", parsed("{}"));
  expect_fault(credentials("billing", {}, secret), 401, "invalid_client");
  EXPECT_EQ(send("POST", "/api/admin/clients/billing/disable").status, 204);
  EXPECT_EQ(send("POST", "/api/admin/clients/billing/enable").status, 204);

  expect_refused(send("POST", "/api/admin/clients", parsed(R"({"id":"billing"})")), 409, "Id is taken");
  EXPECT_EQ(send("POST", "/api/admin/clients", parsed(R"({"scopes":"read"})")).status, 400);
  EXPECT_EQ(send("POST", "/api/admin/clients", parsed(R"({"id":"a/b"})")).status, 400);
  expect_refused(send("GET", "/api/admin/clients/nobody"), 404, "Unknown client");
  expect_refused(send("POST", "/api/admin/clients/nobody/disable"), 404, "Unknown client");
}

TEST_F(Management, AClientChoosesAnAlgorithmThatTheIssuerHasKeysOf) {
  const HttpAnswer made =
      send("POST", "/api/admin/clients", parsed(R"({"id":"billing","audiences":["api"],"algorithm":"ES256"})"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("algorithm"), "ES256");
  EXPECT_EQ(credentials("billing", {}, made.text("secret")).status, 200);
  for (const char* bad : {R"({"algorithm":"none"})", R"({"algorithm":"HS512"})"}) {
    expect_refused(send("PATCH", "/api/admin/clients/billing", parsed(bad)), 400,
                   "algorithm must be HS256 or one of those with a key pair.");
  }
  // A name that is right, of a key that is not there.
  for (const char* absent : {R"({"algorithm":"EdDSA"})", R"({"algorithm":"HS256"})"}) {
    expect_refused(send("PATCH", "/api/admin/clients/billing", parsed(absent)), 400,
                   "algorithm must be one that the issuer has keys of");
    expect_refused(send("POST", "/api/admin/clients", parsed(absent)), 400,
                   "algorithm must be one that the issuer has keys of");
  }
  EXPECT_EQ(send("PATCH", "/api/admin/clients/billing", parsed(R"({"algorithm":1})")).status, 400);
  EXPECT_EQ(send("PATCH", "/api/admin/clients/billing", parsed(R"({"algorithm":""})")).status, 200);
}

TEST_F(Management, AUsersSessionsAreListedAndEndedOneByOne) {
  running_.register_user("a@example.com", "correct horse");
  const HttpAnswer first = running_.login("a@example.com", "correct horse");
  const HttpAnswer second = running_.login("a@example.com", "correct horse");
  const Value claims = running_.claims_of(first.text("accessToken"));
  const std::string path = "/api/admin/users/" + *claims.find("sub")->if_string() + "/sessions";
  EXPECT_EQ(send("GET", path).json().find("sessions")->if_array()->size(), 2U);
  const std::string one = path + "/" + *claims.find("sid")->if_string();
  EXPECT_EQ(send("DELETE", one).status, 204);
  expect_refused(send("DELETE", one), 404, "Unknown session");
  expect_refused(send("DELETE", path + "/x"), 404, "Unknown session");
  expect_refused(send("DELETE", "/api/admin/users/nobody/sessions/" + *claims.find("sid")->if_string()), 404,
                 "Unknown session");
  EXPECT_EQ(running_.refresh(first.text("refreshToken")).status, 401);
  EXPECT_EQ(running_.refresh(second.text("refreshToken")).status, 200);
}

TEST_F(Management, AnOperatorSetsAPasswordAndAllSessionsEnd) {
  running_.register_user("a@example.com", "correct horse");
  const HttpAnswer login = running_.login("a@example.com", "correct horse");
  const std::string path =
      "/api/admin/users/" + *running_.claims_of(login.text("accessToken")).find("sub")->if_string() + "/password";
  expect_refused(send("PUT", path, parsed("{}")), 400, "newPassword is required");
  EXPECT_EQ(send("PUT", path, parsed(R"({"newPassword":"short"})")).status, 400);
  EXPECT_EQ(running_.refresh(login.text("refreshToken"), "before").status, 200);
  EXPECT_EQ(send("PUT", path, parsed(R"({"newPassword":"another horse"})")).status, 204);
  EXPECT_EQ(running_.login("a@example.com", "correct horse").status, 401);
  EXPECT_EQ(running_.login("a@example.com", "another horse").status, 200);
  EXPECT_EQ(running_.refresh(login.text("refreshToken"), "before").status, 401);
  expect_refused(send("PUT", "/api/admin/users/nobody/password", parsed(R"({"newPassword":"another horse"})")), 404,
                 "Unknown user");
}

// A team's own ids may hold what no path can: here a slash and a percent sign.
TEST_F(Management, ASubThatCannotStandInAPathIsNamedInTheQuery) {
  auto backend = service("backend");
  backend.trusted = true;
  add(backend);
  const std::string token = credentials("backend", {{"scope", "sessions:create"}}).text("access_token");
  ASSERT_EQ(send("POST", "/api/admin/sessions", Value::object().set("sub", "team/4%2F2"), token).status, 200);
  const std::string query = "?sub=team%2F4%252F2";
  EXPECT_EQ(send("GET", "/api/admin/users/-" + query).text("sub"), "team/4%2F2");
  EXPECT_EQ(send("GET", "/api/admin/users/-/sessions" + query).json().find("sessions")->if_array()->size(), 1U);
  expect_refused(send("PUT", "/api/admin/users/-/password" + query, parsed(R"({"newPassword":"another horse"})")), 409,
                 "User has no password here");
  EXPECT_EQ(send("POST", "/api/admin/users/-/end-sessions" + query).body, R"({"ended":1})");
  EXPECT_EQ(send("GET", "/api/admin/users/team%2F42").status, 400) << "no path is percent-encoded";
  expect_refused(send("GET", "/api/admin/users/-"), 404, "Unknown user");
  EXPECT_EQ(send("DELETE", "/api/admin/users/-" + query).status, 204);
  expect_refused(send("GET", "/api/admin/users/-" + query), 404, "Unknown user");
}

TEST_F(Management, KeysAreListedAndRevoked) {
  const Value keys = send("GET", "/api/admin/keys").json();
  // In the order of their kids, which are random: the first need not be the one that signs.
  const auto& list = *keys.find("keys")->if_array();
  const auto found =
      std::ranges::find_if(list, [](const Value& key) { return *key.find("state")->if_string() == "active"; });
  ASSERT_NE(found, list.end());
  const Value& active = *found;
  EXPECT_EQ(keys.to_json().find("sealed"), std::string::npos);
  expect_refused(send("POST", "/api/admin/keys/rotate", parsed("{}")), 409, "No key is ready to take over");
  expect_refused(send("POST", "/api/admin/keys/rotate", parsed(R"({"algorithm":"EdDSA"})")), 400,
                 "algorithm must be one that the issuer is configured for");
  expect_refused(send("POST", "/api/admin/keys/none/revoke"), 404, "Unknown key");
  const std::string reader = token_of("reader", "admin:keys:read");
  const std::string path = "/api/admin/keys/" + *active.find("kid")->if_string() + "/revoke";
  EXPECT_EQ(send("GET", "/api/admin/keys", {}, reader).status, 200);
  expect_refused(send("POST", path, {}, reader), 403, "Insufficient scope");
  EXPECT_EQ(send("POST", path).text("revoked"), *active.find("kid")->if_string());
}

TEST_F(Management, TheAuditIsReadInPagesAndByWhom) {
  running_.register_user("a@example.com", "correct horse");
  const HttpAnswer login = running_.login("a@example.com", "correct horse");
  const Value claims = running_.claims_of(login.text("accessToken"));
  const std::string sub = *claims.find("sub")->if_string();
  const Value of_sub = send("GET", "/api/admin/audit?sub=" + sub).json();
  EXPECT_EQ(of_sub.find("entries")->if_array()->size(), 2U);
  const Value one = send("GET", "/api/admin/audit?limit=1&sub=" + sub).json();
  EXPECT_EQ(*one.find("entries")->if_array()->front().find("kind")->if_string(), "signed_in");
  const Value next = send("GET", "/api/admin/audit?sub=" + sub + "&before=" + one.find("next")->to_json()).json();
  EXPECT_EQ(*next.find("entries")->if_array()->front().find("kind")->if_string(), "user_registered");
  const Value by_sid = send("GET", "/api/admin/audit?sid=" + *claims.find("sid")->if_string()).json();
  EXPECT_EQ(by_sid.find("entries")->if_array()->size(), 1U);
  for (const char* bad : {"?before=0", "?before=x", "?sid=x", "?limit=0"})
    EXPECT_EQ(send("GET", std::string("/api/admin/audit") + bad).status, 400) << bad;
  expect_refused(send("GET", "/api/admin/audit", {}, token_of("users", "admin:users")), 403, "Insufficient scope");
}

TEST_F(Management, EachScopeOpensItsPartAlone) {
  const std::string reader = token_of("reader", "admin:users:read");
  const std::string users = token_of("users", "admin:users");
  const std::string clients = token_of("clients", "admin:clients");
  EXPECT_EQ(send("GET", "/api/admin/users", {}, reader).status, 200);
  EXPECT_EQ(send("GET", "/api/admin/users", {}, users).status, 200) << "who may change may read";
  expect_refused(send("GET", "/api/admin/users", {}, clients), 403, "Insufficient scope");
  expect_refused(send("POST", "/api/admin/users/x/disable", {}, reader), 403, "Insufficient scope");
  expect_refused(send("GET", "/api/admin/clients", {}, users), 403, "Insufficient scope");
  expect_refused(running_.get("/api/admin/users"), 401, "Access token required");
}

// Who manages clients must not be able to make one that manages everything.
TEST_F(Management, RightsOverTheIssuerAreGivenByAdminAlone) {
  const std::string clients = token_of("clients", "admin:clients");
  expect_refused(send("POST", "/api/admin/clients", parsed(R"({"scopes":["admin"]})"), clients), 403,
                 "Only admin may give rights over the issuer");
  expect_refused(send("POST", "/api/admin/clients", parsed(R"({"trusted":true})"), clients), 403,
                 "Only admin may give rights over the issuer");
  expect_refused(send("PATCH", "/api/admin/clients/clients", parsed(R"({"scopes":["admin"]})"), clients), 403,
                 "Only admin may give rights over the issuer");
  expect_refused(send("POST", "/api/admin/clients/operator/rotate-secret", parsed("{}"), clients), 403,
                 "Only admin may give rights over the issuer");
  EXPECT_EQ(send("POST", "/api/admin/clients", parsed(R"({"scopes":["read"]})"), clients).status, 201);
  EXPECT_EQ(send("POST", "/api/admin/clients", parsed(R"({"scopes":["admin"]})")).status, 201);
}

// What the subset of JSON Schema that the document uses says of a value; empty if it fits.
std::string misfit(const Value& document, const Value& schema, const Value& value, const std::string& at) {
  if (const Value* reference = schema.find("$ref")) {
    const std::string name = reference->if_string()->substr(std::string_view("#/components/schemas/").size());
    const Value* target = document.find("components")->find("schemas")->find(name);
    return target == nullptr ? at + ": no schema " + name : misfit(document, *target, value, at);
  }
  const Value* named_type = schema.find("type");
  if (named_type == nullptr) return at + ": a schema without a type";
  const std::string& type = *named_type->if_string();
  const bool fits = type == "object"    ? value.if_object() != nullptr
                    : type == "array"   ? value.if_array() != nullptr
                    : type == "string"  ? value.if_string() != nullptr
                    : type == "integer" ? value.if_integer() != nullptr
                    : type == "boolean" ? value.if_bool() != nullptr
                                        : false;
  if (!fits) return at + ": is no " + type;
  if (const Value* choices = schema.find("enum");
      choices != nullptr && std::ranges::find(*choices->if_array(), value) == choices->if_array()->end()) {
    return at + ": is none of the enum";
  }
  if (value.if_array() != nullptr) {
    for (const Value& element : *value.if_array()) {
      if (std::string wrong = misfit(document, *schema.find("items"), element, at + "[]"); !wrong.empty()) return wrong;
    }
  }
  if (value.if_object() == nullptr) return {};
  if (const Value* required = schema.find("required")) {
    for (const Value& name : *required->if_array()) {
      if (value.find(*name.if_string()) == nullptr) return at + ": lacks " + *name.if_string();
    }
  }
  const Value* properties = schema.find("properties");
  for (const Value::Member& member : *value.if_object()) {
    const Value* property = properties == nullptr ? nullptr : properties->find(member.name);
    if (property == nullptr && schema.find("additionalProperties") != nullptr) return at + ": has " + member.name;
    if (property == nullptr) continue;
    if (std::string wrong = misfit(document, *property, member.value, at + "." + member.name); !wrong.empty())
      return wrong;
  }
  return {};
}

class OpenApi : public Management {
 protected:
  // Why an answer is not what the document says of that operation; empty if it is.
  std::string misfit_of(std::string_view path, std::string_view method, const HttpAnswer& answer) const {
    const Value* operation = document_.find("paths")->find(path);
    operation = operation == nullptr ? nullptr : operation->find(method);
    if (operation == nullptr) return "no such operation";
    const Value* response = operation->find("responses")->find(std::to_string(answer.status));
    if (response == nullptr) return "no such status: " + std::to_string(answer.status) + " " + answer.body;
    const Value* content = response->find("content");
    if (content == nullptr) return answer.body.empty() ? "" : "a body where none is described";
    return misfit(document_, *content->find("application/json")->find("schema"),
                  Value::parse(answer.body, wide).value_or(Value()), std::string(path));
  }

  Value document_ = Value::parse(running_.get("/openapi.json").body, wide).value();
};

TEST_F(OpenApi, DescribesEveryRouteAndNoOther) {
  http::Router router;
  running_.issuer().add_routes(router);
  std::set<std::string> routes, described;
  for (const auto& [method, path] : router.routes()) {
    std::string name(http::name_of(method));
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    routes.insert(name + ' ' + path);
  }
  for (const Value::Member& path : *document_.find("paths")->if_object()) {
    for (const Value::Member& operation : *path.value.if_object()) described.insert(operation.name + ' ' + path.name);
  }
  EXPECT_EQ(routes, described);
  EXPECT_EQ(document_.find("openapi")->if_string()->substr(0, 3), "3.1");
}

TEST_F(OpenApi, RealAnswersFitItsSchemas) {
  const HttpAnswer user =
      send("POST", "/api/admin/users", parsed(R"({"email":"a@example.com","password":"correct horse"})"));
  EXPECT_EQ(misfit_of("/api/admin/users", "post", user), "");
  running_.login("a@example.com", "correct horse");
  const std::string sub = user.text("sub"), path = "/api/admin/users/" + sub;
  const auto check = [&](std::string_view described, std::string_view method, const std::string& real,
                         const Value& body = {}) {
    std::string upper(method);
    std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c & ~0x20); });
    EXPECT_EQ(misfit_of(described, method, send(upper, real, body)), "") << method << ' ' << real;
  };
  check("/api/admin/users", "get", "/api/admin/users?limit=1");
  check("/api/admin/users", "get", "/api/admin/users?limit=x");
  check("/api/admin/users/{sub}", "get", path);
  check("/api/admin/users/{sub}/export", "get", path + "/export");
  check("/api/admin/users/{sub}/claims", "put", path + "/claims", parsed(R"({"claims":{}})"));
  check("/api/admin/users/{sub}/claims", "put", path + "/claims", parsed(R"({"claims":{"sub":1}})"));
  check("/api/admin/users/{sub}/sessions", "get", path + "/sessions");
  check("/api/admin/users/{sub}/sessions", "get", "/api/admin/users/nobody/sessions");
  check("/api/admin/users/{sub}/sessions/{sid}", "delete", path + "/sessions/none");
  check("/api/admin/users/{sub}/password", "put", path + "/password", parsed(R"({"newPassword":"another horse"})"));
  check("/api/admin/users/{sub}/password", "put", path + "/password", parsed(R"({"newPassword":"short"})"));
  check("/api/admin/keys", "get", "/api/admin/keys");
  check("/api/admin/keys/rotate", "post", "/api/admin/keys/rotate", parsed("{}"));
  check("/api/admin/keys/rotate", "post", "/api/admin/keys/rotate", parsed(R"({"algorithm":"none"})"));
  check("/api/admin/keys/{kid}/revoke", "post", "/api/admin/keys/none/revoke");
  check("/api/admin/audit", "get", "/api/admin/audit?limit=3&kind=signed_in");
  check("/api/admin/audit", "get", "/api/admin/audit?before=0");
  check("/api/admin/users/{sub}/end-sessions", "post", path + "/end-sessions");
  check("/api/admin/users/{sub}/disable", "post", path + "/disable");
  check("/api/admin/users/{sub}/enable", "post", path + "/enable");
  check("/api/admin/users/{sub}", "delete", path);
  check("/api/admin/users/{sub}", "get", path);
  check("/api/admin/clients", "post", "/api/admin/clients", parsed(R"({"id":"billing","audiences":["api"]})"));
  check("/api/admin/clients", "get", "/api/admin/clients");
  check("/api/admin/clients/{id}", "get", "/api/admin/clients/billing");
  check("/api/admin/clients/{id}", "patch", "/api/admin/clients/billing", parsed(R"({"name":"B"})"));
  check("/api/admin/clients/{id}/rotate-secret", "post", "/api/admin/clients/billing/rotate-secret", parsed("{}"));
  check("/api/admin/clients/{id}/disable", "post", "/api/admin/clients/billing/disable");
  check("/api/admin/clients/{id}/enable", "post", "/api/admin/clients/nobody/enable");
  EXPECT_EQ(misfit_of("/api/admin/users", "get", running_.get("/api/admin/users")), "") << "without a token";
  auto backend = service("backend");
  backend.trusted = true;
  add(backend);
  const std::string token = credentials("backend", {{"scope", "sessions:create"}}).text("access_token");
  EXPECT_EQ(misfit_of("/api/admin/sessions", "post",
                      send("POST", "/api/admin/sessions", Value::object().set("sub", "x"), token)),
            "");
  EXPECT_EQ(misfit_of("/oauth2/token", "post", credentials("backend")), "");
  EXPECT_EQ(misfit_of("/oauth2/token", "post", credentials("nobody")), "");
  EXPECT_EQ(misfit_of("/oauth2/introspect", "post",
                      post_form("/oauth2/introspect", {{"token", token}}, basic("backend", "s3cret"))),
            "");
  EXPECT_EQ(misfit_of("/.well-known/oauth-authorization-server", "get",
                      running_.get("/.well-known/oauth-authorization-server")),
            "");
}

TEST_F(OpenApi, AnswersToUsersFitItsSchemas) {
  running_.register_user("b@example.com", "correct horse");
  const HttpAnswer login = running_.login("b@example.com", "correct horse");
  EXPECT_EQ(misfit_of("/api/auth/login", "post", login), "");
  EXPECT_EQ(misfit_of("/api/auth/login", "post", running_.login("b@example.com", "wrong horse")), "");
  const std::string token = login.text("accessToken");
  EXPECT_EQ(misfit_of("/api/auth/me", "get", send("GET", "/api/auth/me", {}, token)), "");
  EXPECT_EQ(misfit_of("/api/auth/sessions", "get", send("GET", "/api/auth/sessions", {}, token)), "");
  EXPECT_EQ(misfit_of("/api/auth/totp/enrol", "post",
                      send("POST", "/api/auth/totp/enrol", Value::object().set("password", "correct horse"), token)),
            "");
  EXPECT_EQ(misfit_of("/.well-known/jwks.json", "get", running_.get("/.well-known/jwks.json")), "");
  EXPECT_EQ(misfit_of("/healthz", "get", running_.get("/healthz")), "");
}

TEST_F(OpenApi, AnAnswerThatDoesNotFitIsNoticed) {
  HttpAnswer answer = send("GET", "/api/admin/clients/operator");
  ASSERT_EQ(misfit_of("/api/admin/clients/{id}", "get", answer), "");
  HttpAnswer other = answer;
  other.body.replace(other.body.find("\"name\""), 6, "\"nick\"");
  EXPECT_NE(misfit_of("/api/admin/clients/{id}", "get", other), "");
  other = answer;
  other.body.replace(other.body.find("\"version\":0"), 11, "\"version\":\"0\"");
  EXPECT_NE(misfit_of("/api/admin/clients/{id}", "get", other), "");
  other = answer;
  other.status = 418;
  EXPECT_NE(misfit_of("/api/admin/clients/{id}", "get", other), "");
}

}  // namespace
}  // namespace jeton::issuer::testing
