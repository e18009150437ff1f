// Users that live elsewhere: a team keeps its own login and gets Jeton's sessions.
#include "issuer/oauth/oauth_fixture.h"

namespace jeton::issuer::testing {
namespace {

using std::chrono::seconds;

class SessionFor : public WithClients {
 protected:
  SessionFor() {
    auto backend = service("backend");
    backend.trusted = true;
    backend.scopes = "sessions:create";
    backend.audiences = "";
    add(backend);
    token_ = credentials("backend").text("access_token");
  }
  HttpAnswer begin(const Value& body) const { return begin_with(token_, body); }
  HttpAnswer begin_with(const std::string& token, const Value& body) const {
    return running_.post("/api/admin/sessions", body, {{"Authorization", "Bearer " + token}});
  }
  static Value body(std::string_view sub, std::string_view claims = "{}") {
    return Value::object().set("sub", sub).set("claims", Value::parse(claims).value());
  }
  static void expect_refused(const HttpAnswer& answer, int status, std::string_view error) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.text("error"), error) << answer.body;
  }

  std::string token_;
};

TEST_F(SessionFor, GivesTheShapeOfALoginAndRefreshesWithoutTheTeamsBackend) {
  const HttpAnswer answer =
      begin(body("user-42", R"({"plan":"pro","roles":["developer"],"email":"a@example.com"})")
                .set("device", Value::parse(R"({"userAgent":"App/1.0","address":"127.0.0.1"})").value()));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("tokenType"), "Bearer");
  EXPECT_EQ(answer.json().if_object()->size(), 4U);
  const Value claims = running_.claims_of(answer.text("accessToken"));
  ASSERT_FALSE(claims.is_null());
  EXPECT_EQ(*claims.find("sub"), Value("user-42"));
  EXPECT_EQ(*claims.find("client_id"), Value("first-party"));
  EXPECT_EQ(*claims.find("plan"), Value("pro"));
  EXPECT_EQ(*claims.find("email"), Value("a@example.com"));
  EXPECT_EQ(*claims.find("ver"), Value(0));
  EXPECT_EQ(running_.me(answer.text("accessToken")).status, 200);
  const HttpAnswer refreshed = running_.refresh(answer.text("refreshToken"));
  ASSERT_EQ(refreshed.status, 200);
  EXPECT_EQ(*running_.claims_of(refreshed.text("accessToken")).find("plan"), Value("pro"));
}

TEST_F(SessionFor, ChangedClaimsRaiseTheVersionAndTheSameOnesDoNot) {
  const HttpAnswer first = begin(body("user-42", R"({"plan":"free"})"));
  begin(body("user-42", R"({"plan":"free"})"));
  EXPECT_EQ(running_.me(first.text("accessToken")).status, 200);
  const HttpAnswer second = begin(body("user-42", R"({"plan":"pro"})"));
  EXPECT_EQ(*running_.claims_of(second.text("accessToken")).find("ver"), Value(1));
  EXPECT_EQ(running_.me(first.text("accessToken")).body, R"({"error":"Token expired","reason":"stale_claims"})");
  const HttpAnswer refreshed = running_.refresh(first.text("refreshToken"));
  EXPECT_EQ(*running_.claims_of(refreshed.text("accessToken")).find("plan"), Value("pro"));
}

// mission row 11: what everybody could read is refused when the token would be made, and so is what the issuer sets.
TEST_F(SessionFor, SensitiveAndRegisteredNamesAreRefusedAndNothingIsKept) {
  for (const std::string_view claims :
       {R"({"password":"x"})", R"({"profile":{"cardNumber":"4111"}})", R"({"private_key":"x"})"}) {
    expect_refused(begin(body("user-42", claims)), 400, "Claim looks like a secret");
  }
  for (const std::string_view claims : {R"({"sub":"x"})", R"({"scope":"admin"})", R"({"ver":9})", R"({"cnf":{}})"}) {
    expect_refused(begin(body("user-42", claims)), 400, "Claim is set by the issuer");
  }
  const auto user = waited<std::optional<store::User>>(
      [&](auto done) { running_.store().users().find_by_sub("user-42", std::move(done)); });
  EXPECT_FALSE(user->has_value());
  EXPECT_EQ(begin(body("user-42", R"({"plan":"pro"})")).status, 200);
}

TEST_F(SessionFor, ASubThatIsAClientsOrAnotherUsersIsRefused) {
  expect_refused(begin(body("backend")), 400, "sub is a client's id");
  expect_refused(begin(body("first-party")), 400, "sub is a client's id");
  running_.register_user(email, password);
  const std::string own(
      *running_.claims_of(running_.login(email, password).text("accessToken")).find("sub")->if_string());
  expect_refused(begin(body(own)), 409, "sub belongs to another client or to the issuer");
}

TEST_F(SessionFor, MalformedBodiesAreRefused) {
  expect_refused(begin(Value::object()), 400, "sub must be a text of 1 to 255 bytes");
  expect_refused(begin(body("")), 400, "sub must be a text of 1 to 255 bytes");
  expect_refused(begin(body("a\nb")), 400, "sub must be a text of 1 to 255 bytes");
  expect_refused(begin(body(std::string(256, 'a'))), 400, "sub must be a text of 1 to 255 bytes");
  EXPECT_EQ(begin(body(std::string(255, 'a'))).status, 200);
  expect_refused(begin(Value::object().set("sub", "x").set("claims", 7)), 400, "claims must be an object");
  expect_refused(begin(Value::object().set("sub", "x").set("device", "y")), 400, "device must be an object");
  expect_refused(begin(body("x").set("client_id", "other")), 400, "client_id must be the caller's own");
  expect_refused(begin(body("x", "{\"blob\":\"" + std::string(5000, 'a') + "\"}")), 400,
                 "claims must have 4096 bytes at most");
}

TEST_F(SessionFor, IsForTrustedClientsWithTheScopeAlone) {
  expect_refused(running_.post("/api/admin/sessions", body("x")), 401, "Access token required");
  expect_refused(begin_with("x.y.z", body("x")), 403, "Invalid token");
  auto untrusted = service("untrusted");
  untrusted.scopes = "sessions:create";
  add(untrusted);
  expect_refused(begin_with(credentials("untrusted", {{"scope", "sessions:create"}}).text("access_token"), body("x")),
                 403, "Client is not trusted");
  auto reader = service("reader");
  reader.trusted = true;
  reader.scopes = "admin:users";
  reader.audiences = "";
  add(reader);
  expect_refused(begin_with(credentials("reader").text("access_token"), body("x")), 403, "Insufficient scope");
  add(service("plain"));
  expect_refused(begin_with(credentials("plain").text("access_token"), body("x")), 403, "Invalid token");
  running_.register_user(email, password);
  expect_refused(begin_with(running_.login(email, password).text("accessToken"), body("x")), 403, "Invalid token");
  clock_.move(seconds(900));
  expect_refused(begin(body("x")), 401, "Token expired");
}

TEST_F(SessionFor, ADisabledClientsTokenIsRevoked) {
  ASSERT_EQ(begin(body("x")).status, 200);
  waited<bool>([&](auto done) { running_.store().clients().set_client_disabled("backend", true, std::move(done)); });
  let_clients_be_read_again();
  expect_refused(begin(body("x")), 401, "Token revoked");
}

TEST_F(SessionFor, ASessionOfTheCallersOwnIsRefreshedByTheCallerAlone) {
  const HttpAnswer own = begin(body("x").set("client_id", "backend"));
  ASSERT_EQ(own.status, 200) << own.body;
  EXPECT_EQ(running_.refresh(own.text("refreshToken")).status, 401);
  const HttpAnswer refreshed =
      token({{"grant_type", "refresh_token"}, {"refresh_token", own.text("refreshToken")}}, basic("backend", "s3cret"));
  EXPECT_EQ(refreshed.status, 200) << refreshed.body;
}

}  // namespace
}  // namespace jeton::issuer::testing
