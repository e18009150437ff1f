// Revoking tokens and looking into them.
#include "issuer/oauth/oauth_fixture.h"

namespace jeton::issuer::testing {
namespace {

using std::chrono::seconds;

class Revocation7009 : public WithClients {
 protected:
  Revocation7009() {
    running_.register_user(email, password);
    add(service("a"));
    add(service("b"));
  }
  HttpAnswer revoke(const std::string& text, std::string_view client) const {
    return post_form("/oauth2/revoke", {{"token", text}}, basic(client, "s3cret"));
  }
  HttpAnswer revoke_as_public(const std::string& text) const {
    return post_form("/oauth2/revoke", {{"token", text}, {"client_id", "first-party"}});
  }
  HttpAnswer look(const std::string& text, std::string_view client = "a") const {
    return post_form("/oauth2/introspect", {{"token", text}}, basic(client, "s3cret"));
  }
  bool is_active(const std::string& text, std::string_view client = "a") const {
    const HttpAnswer answer = look(text, client);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Value body = answer.json();
    const Value* active = body.find("active");
    const bool is = active != nullptr && *active == Value(true);
    if (!is) EXPECT_EQ(answer.body, R"({"active":false})");
    return is;
  }
};

TEST_F(Revocation7009, ARefreshTokenEndsItsSessionAndItsAccessTokens) {
  const HttpAnswer login = running_.login(email, password);
  const HttpAnswer other = running_.login(email, password);
  EXPECT_EQ(revoke_as_public(login.text("refreshToken")).status, 200);
  EXPECT_EQ(running_.refresh(login.text("refreshToken")).status, 401);
  EXPECT_EQ(running_.me(login.text("accessToken")).body, R"({"error":"Token revoked"})");
  EXPECT_EQ(running_.refresh(other.text("refreshToken")).status, 200) << "of this session alone";
  EXPECT_EQ(revoke_as_public(login.text("refreshToken")).status, 200) << "again changes nothing";
}

TEST_F(Revocation7009, AnAccessTokenIsRefusedFromNowOnAndTheSessionGoesOn) {
  const HttpAnswer login = running_.login(email, password);
  EXPECT_EQ(revoke_as_public(login.text("accessToken")).status, 200);
  EXPECT_EQ(running_.me(login.text("accessToken")).body, R"({"error":"Token revoked"})");
  EXPECT_FALSE(is_active(login.text("accessToken")));
  const HttpAnswer refreshed = running_.refresh(login.text("refreshToken"));
  EXPECT_EQ(running_.me(refreshed.text("accessToken")).status, 200);
}

TEST_F(Revocation7009, AClientRevokesItsOwnTokensAlone) {
  const std::string own = credentials("a").text("access_token");
  expect_fault(revoke(own, "b"), 400, "unauthorized_client");
  EXPECT_TRUE(is_active(own));
  EXPECT_EQ(revoke(own, "a").status, 200);
  EXPECT_FALSE(is_active(own));
  const HttpAnswer login = running_.login(email, password);
  expect_fault(revoke(login.text("refreshToken"), "a"), 400, "unauthorized_client");
  expect_fault(revoke(login.text("accessToken"), "a"), 400, "unauthorized_client");
  EXPECT_EQ(running_.me(login.text("accessToken")).status, 200);
}

TEST_F(Revocation7009, WhatIsNoTokenIsNoErrorAndWhoIsNoClientIs) {
  EXPECT_EQ(revoke("nonsense", "a").status, 200);
  EXPECT_EQ(revoke("jrt1.nonsense", "a").status, 200);
  expect_fault(post_form("/oauth2/revoke", {{"token", "x"}}), 401, "invalid_client");
  expect_fault(post_form("/oauth2/revoke", {{"token", "x"}, {"client_id", "a"}}), 401, "invalid_client");
  expect_fault(post_form("/oauth2/revoke", {}, basic("a", "s3cret")), 400, "invalid_request");
}

using Introspection = Revocation7009;

TEST_F(Introspection, SaysWhatATokenThatStandsSays) {
  const HttpAnswer login = running_.login(email, password);
  const HttpAnswer answer = look(login.text("accessToken"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  const Value body = answer.json();
  EXPECT_EQ(*body.find("active"), Value(true));
  EXPECT_EQ(*body.find("token_type"), Value("Bearer"));
  EXPECT_EQ(*body.find("client_id"), Value("first-party"));
  EXPECT_EQ(*body.find("iss"), Value("https://id.example.com"));
  EXPECT_NE(body.find("exp"), nullptr);
  EXPECT_NE(body.find("sub"), nullptr);
  EXPECT_EQ(answer.text("plan"), "free");
}

TEST_F(Introspection, AnythingElseIsInactiveAndNoMore) {
  const HttpAnswer login = running_.login(email, password);
  const std::string access = login.text("accessToken");
  EXPECT_FALSE(is_active(access + "x"));
  EXPECT_FALSE(is_active("nonsense"));
  EXPECT_FALSE(is_active("jrt1.nonsense"));
  EXPECT_FALSE(is_active(login.text("refreshToken"))) << "another client's";
  ASSERT_TRUE(is_active(access));
  running_.logout(login.text("refreshToken"));
  EXPECT_FALSE(is_active(access));
  const std::string service_token = credentials("b").text("access_token");
  ASSERT_TRUE(is_active(service_token));
  waited<bool>([&](auto done) { running_.store().clients().set_client_disabled("b", true, std::move(done)); });
  let_clients_be_read_again();
  EXPECT_FALSE(is_active(service_token));
  const std::string last = credentials("a").text("access_token");
  clock_.move(seconds(900));
  EXPECT_FALSE(is_active(last));
}

TEST_F(Introspection, IsForConfidentialClientsOfThatAudience) {
  const std::string access = running_.login(email, password).text("accessToken");
  expect_fault(post_form("/oauth2/introspect", {{"token", access}, {"client_id", "first-party"}}), 401,
               "invalid_client");
  expect_fault(post_form("/oauth2/introspect", {{"token", access}}), 401, "invalid_client");
  auto stranger = service("stranger");
  stranger.audiences = "payroll";
  add(stranger);
  EXPECT_FALSE(is_active(access, "stranger"));
  EXPECT_TRUE(is_active(credentials("stranger").text("access_token"), "stranger")) << "its own";
  EXPECT_FALSE(is_active(credentials("stranger").text("access_token"), "a"));
}

}  // namespace
}  // namespace jeton::issuer::testing
