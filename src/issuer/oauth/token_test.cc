// The token endpoint: client credentials and refreshing.
#include "issuer/oauth/oauth_fixture.h"
#include "issuer/sessions/sessions.h"
#include "store/sqlite/raw_database.h"

#include <thread>

namespace jeton::issuer::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class ClientCredentialsGrant : public WithClients {};

// mission row 20: a service gets a token of its own and shows it to any other, which verifies it alone, with the
// published keys.
TEST_F(ClientCredentialsGrant, GivesATokenThatAnyServiceVerifiesAlone) {
  auto billing = service("billing");
  billing.claims_json = R"({"plan":"internal","team_id":7,"hidden":1,"sub":"x"})";
  add(billing);
  const HttpAnswer answer = credentials("billing");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_EQ(answer.header("pragma"), "no-cache");
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(*answer.json().find("expires_in"), Value(900));
  EXPECT_EQ(answer.text("scope"), "read write");
  EXPECT_EQ(answer.json().find("refresh_token"), nullptr) << "RFC 6749 section 4.4.3";

  const Value claims = claims_for("api", answer.text("access_token"));
  ASSERT_FALSE(claims.is_null());
  EXPECT_EQ(*claims.find("sub"), Value("billing"));
  EXPECT_EQ(*claims.find("client_id"), Value("billing"));
  EXPECT_EQ(*claims.find("scope"), Value("read write"));
  EXPECT_EQ(*claims.find("ver"), Value(0));
  EXPECT_EQ(*claims.find("plan"), Value("internal"));
  EXPECT_EQ(*claims.find("team_id"), Value(7));
  EXPECT_EQ(claims.find("hidden"), nullptr) << "it is not on the allow list";
  EXPECT_EQ(claims.find("sid"), nullptr);
  EXPECT_EQ(running_.metric("jeton_client_tokens_total"), "1");
}

TEST_F(ClientCredentialsGrant, ScopeAndAudienceAreThoseOfTheClientAtMost) {
  auto billing = service("billing");
  billing.audiences = "api https://reports.example.com";
  add(billing);
  EXPECT_EQ(credentials("billing", {{"scope", "write"}}).text("scope"), "write");
  expect_fault(credentials("billing", {{"scope", "write delete"}}), 400, "invalid_scope");
  const HttpAnswer reports = credentials("billing", {{"resource", "https://reports.example.com"}});
  EXPECT_FALSE(claims_for("https://reports.example.com", reports.text("access_token")).is_null());
  EXPECT_TRUE(claims_for("api", reports.text("access_token")).is_null());
  const HttpAnswer both = credentials("billing");
  EXPECT_FALSE(claims_for("api", both.text("access_token")).is_null());
  EXPECT_FALSE(claims_for("https://reports.example.com", both.text("access_token")).is_null());
  expect_fault(credentials("billing", {{"audience", "payroll"}}), 400, "invalid_target");
  const HttpAnswer own = credentials("billing", {{"scope", "sessions:create"}});
  EXPECT_FALSE(claims_for("https://id.example.com", own.text("access_token")).is_null());
  EXPECT_TRUE(claims_for("api", own.text("access_token")).is_null()) << "no service may turn it against the issuer";
}

TEST_F(ClientCredentialsGrant, IsRefusedWithoutTheRightSecret) {
  add(service("billing"));
  expect_fault(credentials("billing", {}, "wrong"), 401, "invalid_client");
  expect_fault(credentials("nobody"), 401, "invalid_client");
  expect_fault(token({{"grant_type", "client_credentials"}}), 401, "invalid_client");
  expect_fault(token({{"grant_type", "client_credentials"}, {"client_id", "billing"}}), 401, "invalid_client");
  expect_fault(token({{"grant_type", "client_credentials"}, {"client_id", "billing"}, {"client_secret", "wrong"}}), 401,
               "invalid_client");
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "billing"}, {"client_secret", "s3cret"}}).status,
            200);
  EXPECT_EQ(credentials("billing", {}, "wrong").body, credentials("nobody").body) << "who exists is not told";
  EXPECT_NE(running_.metric("jeton_oauth_refusals_total{error=\"invalid_client\"}"), "0");
}

TEST_F(ClientCredentialsGrant, IsNotForPublicClientsNorForThoseWithoutTheGrant) {
  expect_fault(token({{"grant_type", "client_credentials"}, {"client_id", "first-party"}}), 400, "unauthorized_client");
  auto limited = service("limited");
  limited.grants = "refresh_token";
  add(limited);
  expect_fault(credentials("limited"), 400, "unauthorized_client");
}

TEST_F(ClientCredentialsGrant, ADisabledClientIsRefusedAndItsTokensHaveAnOldVersion) {
  add(service("billing"));
  ASSERT_EQ(credentials("billing").status, 200);
  waited<bool>([&](auto done) { running_.store().clients().set_client_disabled("billing", true, std::move(done)); });
  let_clients_be_read_again();
  expect_fault(credentials("billing"), 401, "invalid_client");
  waited<bool>([&](auto done) { running_.store().clients().set_client_disabled("billing", false, std::move(done)); });
  let_clients_be_read_again();
  const Value claims = claims_for("api", credentials("billing").text("access_token"));
  EXPECT_EQ(*claims.find("ver"), Value(1)) << "what it had before is refused wherever the new version is known";
}

TEST_F(ClientCredentialsGrant, AReplacedSecretIsGoodForTheOverlapAlone) {
  add(service("billing"));
  waited<bool>([&](auto done) {
    running_.store().clients().replace_secret("billing", crypto::sha256("new"), seconds(60), std::move(done));
  });
  EXPECT_EQ(credentials("billing", {}, "new").status, 200);
  EXPECT_EQ(credentials("billing").status, 200);
  clock_.move(seconds(60));
  EXPECT_EQ(credentials("billing", {}, "new").status, 200);
  expect_fault(credentials("billing"), 401, "invalid_client");
}

TEST_F(ClientCredentialsGrant, FormsAreReadStrictly) {
  add(service("billing"));
  const std::string authorization = basic("billing", "s3cret");
  const auto post = [&](std::string_view body, std::string_view type, std::string_view path = "/oauth2/token") {
    return exchange(running_.port(), "POST", path,
                    {{"Content-Type", std::string(type)}, {"Authorization", authorization}}, body);
  };
  constexpr std::string_view form = "application/x-www-form-urlencoded";
  EXPECT_EQ(post("grant_type=client_credentials", form).status, 200);
  EXPECT_EQ(post("grant_type=client_credentials", "Application/X-WWW-Form-Urlencoded; charset=utf-8").status, 200);
  expect_fault(post("grant_type=client_credentials&grant_type=client_credentials", form), 400, "invalid_request");
  expect_fault(post("grant_type=client_credentials&scope=%zz", form), 400, "invalid_request");
  expect_fault(post("", form), 400, "invalid_request");
  expect_fault(post("grant_type=password", form), 400, "unsupported_grant_type");
  expect_fault(post(R"({"grant_type":"client_credentials"})", "application/json"), 400, "invalid_request");
  expect_fault(post("", form, "/oauth2/token?grant_type=client_credentials"), 400, "invalid_request");
  EXPECT_EQ(running_.get("/oauth2/token").status, 405);
}

class PrivateKeyJwt : public WithClients {
 protected:
  PrivateKeyJwt() {
    auto client = service("billing");
    client.secret_hash.reset();
    client.jwks = KeySet({key_.verification_key()}).to_jwks();
    add(client);
    auto other = client;
    other.id = "other";
    other.jwks = KeySet({other_key_.verification_key()}).to_jwks();
    add(other);
  }
  Value claims(std::string_view jti) const {
    Value claims = Value::object();
    claims.set("iss", "billing").set("sub", "billing").set("aud", "https://id.example.com");
    claims.set("exp", to_unix_seconds(clock_.now_seconds() + seconds(60))).set("jti", jti);
    return claims;
  }
  HttpAnswer present(const std::string& assertion, Fields more = {}) const {
    more.insert(more.end(), {{"grant_type", "client_credentials"},
                             {"client_assertion_type", std::string(oauth::assertion_type_jwt)},
                             {"client_assertion", assertion}});
    return token(std::move(more));
  }
  HttpAnswer present(const Value& claims_given, Fields more = {}) const {
    return present(jws_sign(key_, claims_given.to_json()).value(), std::move(more));
  }

  SigningKey key_ = SigningKey::generate(Algorithm::es256);
  SigningKey other_key_ = SigningKey::generate(Algorithm::ps256);
};

// mission row 20: no shared secret at all.
TEST_F(PrivateKeyJwt, ASignedAssertionStandsForASecret) {
  const HttpAnswer answer = present(claims("1"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(*claims_for("api", answer.text("access_token")).find("sub"), Value("billing"));
  EXPECT_EQ(present(claims("2").set("aud", "https://id.example.com/oauth2/token"), {{"client_id", "billing"}}).status,
            200);
}

// hostile row F20, its six cases, each beside the twin that is accepted.
TEST_F(PrivateKeyJwt, AnAssertionThatIsNotExactlyRightIsRefused) {
  expect_fault(present(claims("a").set("aud", Value::array().push("https://id.example.com"))), 401, "invalid_client");
  expect_fault(present(claims("b").set("aud", "https://other.example.com/oauth2/token")), 401, "invalid_client");
  EXPECT_EQ(present(claims("c")).status, 200);
  expect_fault(present(claims("c")), 401, "invalid_client");
  const std::int64_t now = to_unix_seconds(clock_.now_seconds());
  expect_fault(present(claims("d").set("exp", now + 3601)), 401, "invalid_client");
  EXPECT_EQ(present(claims("d").set("exp", now + 3600)).status, 200);
  const std::string unsigned_text =
      jose::base64url::encode(R"({"alg":"none"})") + '.' + jose::base64url::encode(claims("e").to_json());
  expect_fault(present(unsigned_text + '.'), 401, "invalid_client");
  expect_fault(present(unsigned_text + ".AAAA"), 401, "invalid_client");
  expect_fault(present(claims("f").set("sub", "other")), 401, "invalid_client");
  expect_fault(present(claims("f").set("iss", "other")), 401, "invalid_client");
  EXPECT_EQ(present(claims("f")).status, 200);
}

TEST_F(PrivateKeyJwt, AnotherClientsKeyIsNoKeyOfThisOne) {
  expect_fault(present(jws_sign(other_key_, claims("1").to_json()).value()), 401, "invalid_client");
  expect_fault(present(claims("1"), {{"client_id", "other"}}), 401, "invalid_client");
  Value own = claims("1");
  own.set("iss", "other").set("sub", "other");
  EXPECT_EQ(present(jws_sign(other_key_, own.to_json()).value()).status, 200);
}

TEST_F(PrivateKeyJwt, OfOneAssertionOnTwoNodesAtOnceOneIsAccepted) {
  RunningIssuer second(clock_, {.database = directory_.file("jeton.db"), .issuer_url = "https://id.example.com"});
  const std::string assertion = jws_sign(key_, claims("1").to_json()).value();
  const Fields fields{{"grant_type", "client_credentials"},
                      {"client_assertion_type", std::string(oauth::assertion_type_jwt)},
                      {"client_assertion", assertion}};
  std::atomic<int> accepted = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        const HttpAnswer answer = exchange(i % 2 == 0 ? running_.port() : second.port(), "POST", "/oauth2/token",
                                           {{"Content-Type", "application/x-www-form-urlencoded"}}, form_of(fields));
        accepted += answer.status == 200 ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(accepted, 1);
}

class RefreshGrant : public WithClients {
 protected:
  RefreshGrant() {
    running_.register_user(email, password);
    add(service("a"));
    add(service("b"));
  }
  // A refresh token of a session that belongs to that client.
  std::string session_of(std::string client_id, std::string scope = "read write") {
    const auto user = waited<std::optional<store::User>>(
        [&](auto done) { running_.store().users().find_by_email(std::string(email), std::move(done)); });
    const Foundation& foundation = running_.issuer().foundation();
    const oauth::Handle handle = oauth::random_handle();
    store::SignIn sign_in{.sid = oauth::sid_of(handle),
                          .key_id = foundation.refresh_key_id,
                          .sub = (*user)->sub,
                          .client_id = std::move(client_id),
                          .scope = std::move(scope),
                          .audience = "api",
                          .security_epoch = (*user)->security_epoch,
                          .idle = hours(24),
                          .absolute = hours(48),
                          .access_expires_at = clock_.now_seconds() + seconds(900)};
    const auto outcome = waited<store::SignInOutcome>(
        [&](auto done) { running_.store().sessions().sign_in(std::move(sign_in), std::move(done)); });
    EXPECT_EQ(outcome, store::SignInOutcome::signed_in);
    return foundation.refresh_tokens.encode({.key_id = foundation.refresh_key_id, .handle = handle, .generation = 0});
  }
  HttpAnswer refresh(const std::string& refresh_token, std::string_view client, Fields more = {}) const {
    more.insert(more.end(), {{"grant_type", "refresh_token"}, {"refresh_token", refresh_token}});
    return token(std::move(more), basic(client, "s3cret"));
  }
};

TEST_F(RefreshGrant, GivesTheNextPairToTheClientOfTheSession) {
  const std::string first = session_of("a");
  const HttpAnswer answer = refresh(first, "a");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(answer.text("scope"), "read write");
  EXPECT_NE(answer.text("refresh_token"), first);
  const Value claims = claims_for("api", answer.text("access_token"));
  EXPECT_EQ(*claims.find("client_id"), Value("a"));
  EXPECT_EQ(*claims.find("scope"), Value("read write"));
  EXPECT_EQ(*claims.find("gen"), Value(1));
  EXPECT_EQ(refresh(first, "a").text("refresh_token"), answer.text("refresh_token")) << "a repeat within the grace";
}

// The rules of suspicion compare it, as at /api/auth/refresh.
TEST_F(RefreshGrant, KeepsTheDevicesFingerprint) {
  const std::string first = session_of("a");
  const auto with = [&](const std::string& fingerprint) {
    return exchange(running_.port(), "POST", "/oauth2/token",
                    {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Authorization", basic("a", "s3cret")},
                     {"X-Jeton-Fingerprint", fingerprint}},
                    form_of({{"grant_type", "refresh_token"}, {"refresh_token", first}}));
  };
  expect_fault(with("not visible"), 400, "invalid_request");
  EXPECT_EQ(with("visible").status, 200);
  EXPECT_EQ(store::sqlite::RawDatabase{directory_.file("jeton.db")}.run(
                "SELECT count(*) FROM sessions WHERE length(fingerprint) = 16"),
            std::vector<std::string>{"1"});
}

TEST_F(RefreshGrant, ANarrowerScopeIsForTheAccessTokenAlone) {
  const HttpAnswer narrow = refresh(session_of("a"), "a", {{"scope", "read"}});
  EXPECT_EQ(*claims_for("api", narrow.text("access_token")).find("scope"), Value("read"));
  EXPECT_EQ(refresh(narrow.text("refresh_token"), "a").text("scope"), "read write");
  expect_fault(refresh(session_of("a", "read"), "a", {{"scope", "read write"}}), 400, "invalid_scope");
}

// hostile row F06, first case: no state changes, so the session goes on for its own client.
TEST_F(RefreshGrant, ARefreshTokenOfAnotherClientIsRefusedAndNothingChanges) {
  const std::string first = session_of("a");
  expect_fault(refresh(first, "b"), 400, "invalid_grant");
  EXPECT_EQ(running_.refresh(first).status, 401) << "nor is it our own login's";
  expect_fault(token({{"grant_type", "refresh_token"}, {"refresh_token", first}, {"client_id", "first-party"}}), 400,
               "invalid_grant");
  clock_.move(seconds(3600));
  const HttpAnswer own = refresh(first, "a");
  EXPECT_EQ(own.status, 200) << "d is still 0";
  const std::string of_login = running_.login(email, password).text("refreshToken");
  expect_fault(refresh(of_login, "a"), 400, "invalid_grant");
  EXPECT_EQ(running_.refresh(of_login).status, 200);
}

// hostile row F06, the other cases.
TEST_F(RefreshGrant, OfALoggedOutDisabledOrChangedUserIsRefused) {
  const std::string first = session_of("a"), before = session_of("a");
  ASSERT_EQ(running_.logout(first).status, 204);
  expect_fault(refresh(first, "a"), 400, "invalid_grant");
  const std::string sub(*claims_for("api", refresh(before, "a").text("access_token")).find("sub")->if_string());
  waited<bool>([&](auto done) {
    running_.store().users().change_password(sub, "$argon2id$new", std::nullopt, std::move(done));
  });
  expect_fault(refresh(before, "a"), 400, "invalid_grant");
  const std::string second = session_of("a");
  waited<bool>([&](auto done) { running_.store().users().set_disabled(sub, true, std::move(done)); });
  expect_fault(refresh(second, "a"), 400, "invalid_grant");
}

TEST_F(RefreshGrant, AConfidentialClientAuthenticatesAndAPublicOneSaysItsName) {
  const std::string first = session_of("a");
  expect_fault(token({{"grant_type", "refresh_token"}, {"refresh_token", first}, {"client_id", "a"}}), 401,
               "invalid_client");
  expect_fault(token({{"grant_type", "refresh_token"}, {"refresh_token", first}}), 401, "invalid_client");
  EXPECT_EQ(refresh(first, "a").status, 200) << "nothing of that counted";
  const std::string of_login = running_.login(email, password).text("refreshToken");
  EXPECT_EQ(token({{"grant_type", "refresh_token"}, {"refresh_token", of_login}, {"client_id", "first-party"}}).status,
            200);
}

// The order of design 4.3: what is forged costs no work on the client, and no database.
TEST_F(RefreshGrant, AForgedTokenIsRefusedBeforeTheClientIsLookedAt) {
  expect_fault(refresh("jrt1.x", "nobody"), 400, "invalid_grant");
  EXPECT_EQ(running_.metric("jeton_refresh_tokens_forged_total"), "1");
}

TEST_F(RefreshGrant, ReuseEndsTheSession) {
  const std::string first = session_of("a");
  const std::string second = refresh(first, "a").text("refresh_token");
  clock_.move(seconds(11));
  expect_fault(refresh(first, "a"), 400, "invalid_grant");
  expect_fault(refresh(second, "a"), 400, "invalid_grant");
}

class SessionsOfLogin : public WithClients {};

// The scopes of the client go into its users' tokens, but never one of the issuer's own.
TEST_F(SessionsOfLogin, CarryScopeAndAudienceOfTheirClient) {
  running_.register_user(email, password);
  waited<std::optional<store::Client>>([&](auto done) {
    running_.store().clients().change_client(
        "first-party", {.scopes = "projects:read admin", .audiences = "api reports"}, std::move(done));
  });
  let_clients_be_read_again();
  const HttpAnswer login = running_.login(email, password);
  for (const std::string& text :
       {login.text("accessToken"), running_.refresh(login.text("refreshToken")).text("accessToken")}) {
    const Value claims = claims_for("reports", text);
    ASSERT_FALSE(claims.is_null());
    EXPECT_EQ(*claims.find("scope"), Value("projects:read"));
    EXPECT_FALSE(claims_for("api", text).is_null());
  }
}

TEST_F(SessionsOfLogin, AreNotBegunNorRefreshedWhileTheirClientIsDisabled) {
  running_.register_user(email, password);
  const std::string token = running_.login(email, password).text("refreshToken");
  waited<bool>(
      [&](auto done) { running_.store().clients().set_client_disabled("first-party", true, std::move(done)); });
  let_clients_be_read_again();
  EXPECT_EQ(running_.login(email, password).status, 503);
  EXPECT_EQ(running_.refresh(token).status, 401);
  waited<bool>(
      [&](auto done) { running_.store().clients().set_client_disabled("first-party", false, std::move(done)); });
  let_clients_be_read_again();
  EXPECT_EQ(running_.refresh(token).status, 200) << "it is the client's matter and ended no session";
}

TEST_F(WithClients, MetadataNamesTheEndpoints) {
  const HttpAnswer answer = running_.get("/.well-known/oauth-authorization-server");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("cache-control"), "public, max-age=300");
  EXPECT_EQ(answer.text("issuer"), "https://id.example.com");
  EXPECT_EQ(answer.text("token_endpoint"), "https://id.example.com/oauth2/token");
}

}  // namespace
}  // namespace jeton::issuer::testing
