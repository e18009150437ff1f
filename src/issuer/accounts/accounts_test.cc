#include "issuer/accounts/accounts.h"

#include "issuer/accounts/credentials.h"
#include "issuer/running_issuer.h"

#include <jeton/jws.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jeton::issuer::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Accounts : public ::testing::Test {
 protected:
  RunningIssuer start(RunningOptions options = {}) {
    if (options.database.empty()) options.database = directory_.file("jeton.db");
    return RunningIssuer(clock_, std::move(options));
  }
  template <class T, class Start>
  static T wait(Start call) {
    auto result = waited<T>(std::move(call));
    EXPECT_TRUE(result.has_value());
    return result.value_or(T{});
  }
  static std::string sub_of(RunningIssuer& running) {
    const auto user = wait<std::optional<store::User>>(
        [&](auto done) { running.store().users().find_by_email(std::string(email), std::move(done)); });
    return user.has_value() ? user->sub : std::string();
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
};

std::string expected_refusal(std::string_view text) { return Value::object().set("error", text).to_json(); }

std::vector<std::string> names_in(const Value& object) {
  std::vector<std::string> names;
  for (const auto& member : *object.if_object()) names.push_back(member.name);
  return names;
}

TEST_F(Accounts, RegisterAnswersSubAndEmail) {
  RunningIssuer running = start();
  ASSERT_TRUE(running.is_running()) << running.fault();
  const HttpAnswer answer = running.register_user("Dev@Example.com", password);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  EXPECT_TRUE(answer.text("sub").starts_with("usr_"));
  EXPECT_EQ(answer.text("email"), "Dev@Example.com");
  EXPECT_EQ(names_in(answer.json()), (std::vector<std::string>{"sub", "email"}));
}

TEST_F(Accounts, ATakenAddressIsRefusedInAnySpellingOfCase) {
  RunningIssuer running = start();
  ASSERT_EQ(running.register_user(email, password).status, 201);
  const HttpAnswer again = running.register_user("DEV@EXAMPLE.COM", "another password");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.body, expected_refusal("Email already registered"));
  EXPECT_TRUE(again.header("www-authenticate").empty());
  EXPECT_EQ(running.login(email, password).status, 200);
  EXPECT_EQ(running.login(email, "another password").status, 401);
}

TEST_F(Accounts, OfManyWhoRegisterOneAddressAtOnceOneSucceeds) {
  RunningIssuer running = start({.password_pool = {.threads = 4, .queue_jobs_max = 64}});
  std::atomic<int> registered = 0, taken = 0;
  {
    std::vector<std::jthread> people;
    for (int i = 0; i < 12; ++i) {
      people.emplace_back([&] {
        const int status = running.register_user(email, password).status;
        registered += status == 201;
        taken += status == 409;
      });
    }
  }
  EXPECT_EQ(registered, 1);
  EXPECT_EQ(taken, 11);
}

TEST_F(Accounts, RegistrationCanBeClosedAndOpenedWhileRunning) {
  RunningIssuer running = start();
  Rules rules = *running.issuer().rules();
  rules.registration_open = false;
  running.issuer().replace_rules(rules);
  const HttpAnswer closed = running.register_user(email, password);
  EXPECT_EQ(closed.status, 403);
  EXPECT_EQ(closed.body, expected_refusal("Registration is closed"));
  EXPECT_EQ(closed.header("www-authenticate"), "Bearer realm=\"api\"");
  rules.registration_open = true;
  running.issuer().replace_rules(rules);
  EXPECT_EQ(running.register_user(email, password).status, 201);
}

TEST_F(Accounts, WhatIsNoAddressOrNoPasswordIsRefused) {
  RunningIssuer running = start();
  for (const std::string_view address : {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\nc", "a\u007f@b"}) {
    const HttpAnswer answer = running.register_user(address, password);
    EXPECT_EQ(answer.status, 400) << address;
    EXPECT_EQ(answer.body, expected_refusal("Invalid email address")) << address;
  }
  EXPECT_EQ(running.register_user(email, "1234567").body, expected_refusal("Password must have 8 to 1024 bytes"));
  EXPECT_EQ(running.register_user(email, std::string(1025, 'x')).status, 400);
  EXPECT_EQ(running.post_text("/api/auth/register", R"({"email":"dev@example.com","password":"12345678\u0000"})").body,
            expected_refusal("Password must not contain NUL"));
  EXPECT_EQ(running.post_text("/api/auth/register", R"({"email":"dev@example.com"})").status, 400);
  EXPECT_EQ(running.post_text("/api/auth/register", R"({"email":"dev@example.com","password":12345678})").status, 400);
  EXPECT_EQ(running.register_user(email, "12345678").status, 201);
  EXPECT_EQ(running.register_user("b@example.com", std::string(1024, 'x')).status, 201);
}

TEST_F(Accounts, BodiesAreReadStrictly) {
  RunningIssuer running = start();
  const std::string good = R"({"email":"dev@example.com","password":"correct horse","unknown":[1,{}]})";
  for (const std::string path : {"/api/auth/register", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout"}) {
    for (const std::string_view body :
         {"", "{", "[]", "\"text\"", "{\"a\":1,\"a\":2}", "{\"a\":1}x", "{\"a\":1,}", "{'a':1}", "\xef\xbb\xbf{}",
          "{\"email\":\"\xff\"}", "{\"e\\u006dail\":\"a@b\",\"email\":\"c@d\"}"}) {
      const HttpAnswer answer = running.post_text(path, body);
      EXPECT_EQ(answer.status, 400) << path << " " << body;
      EXPECT_EQ(answer.body, expected_refusal("Malformed JSON")) << path << " " << body;
      EXPECT_EQ(answer.header("www-authenticate"), "Bearer realm=\"api\"") << path << " " << body;
    }
    for (const std::string_view type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"}) {
      const HttpAnswer answer = running.post_text(path, good, type);
      EXPECT_EQ(answer.status, 400) << path << " " << type;
      EXPECT_EQ(answer.body, expected_refusal("Content-Type must be application/json"));
    }
  }
  EXPECT_EQ(running.post_text("/api/auth/register", good, "Application/JSON; charset=utf-8").status, 201);
}

// mission row 14: a short access token, and a refresh token for the long session.
TEST_F(Accounts, LoginAnswersAccessAndRefreshToken) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const HttpAnswer answer = running.login("DEV@example.com", password);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("cache-control"), "no-store");
  const Value body = answer.json();
  EXPECT_EQ(names_in(body), (std::vector<std::string>{"accessToken", "refreshToken", "tokenType", "expiresIn"}));
  EXPECT_EQ(answer.text("tokenType"), "Bearer");
  EXPECT_EQ(*body.find("expiresIn")->if_integer(), 900);
  EXPECT_TRUE(answer.text("refreshToken").starts_with("jrt1."));
}

TEST_F(Accounts, WrongPasswordUnknownUserAndDisabledUserGetTheSameAnswerAtTheSameCost) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const std::string hashes_before = running.metric("jeton_password_hashes_total");
  const HttpAnswer wrong = running.login(email, "wrong password");
  const HttpAnswer unknown = running.login("nobody@example.com", password);
  EXPECT_EQ(std::stoi(running.metric("jeton_password_hashes_total")) - std::stoi(hashes_before), 2);
  wait<bool>([&](auto done) { running.store().users().set_disabled(sub_of(running), true, std::move(done)); });
  const HttpAnswer disabled = running.login(email, password);
  for (const HttpAnswer* answer : {&wrong, &unknown, &disabled}) {
    EXPECT_EQ(answer->status, 401);
    EXPECT_EQ(answer->body, expected_refusal("Invalid credentials"));
    EXPECT_EQ(answer->header("www-authenticate"), "Bearer realm=\"api\"");
  }
}

TEST_F(Accounts, PasswordsAreNeverCut) {
  RunningIssuer running = start();
  const std::string stem(1000, 'p');
  running.register_user(email, stem + "A");
  EXPECT_EQ(running.login(email, stem + "A").status, 200);
  EXPECT_EQ(running.login(email, stem + "B").status, 401);
  EXPECT_EQ(running.login(email, stem).status, 401);
  EXPECT_EQ(running.login(email, stem + "A ").status, 401);
  EXPECT_EQ(running.login(email, std::string(1025, 'p')).status, 401);
  running.register_user("c@example.com", "\U0001F511\U0001F511");  // two characters, eight bytes
  EXPECT_EQ(running.login("c@example.com", "\U0001F511\U0001F511").status, 200);
}

TEST_F(Accounts, AFullPasswordQueueIsSaidAndNotWaitedFor) {
  RunningOptions options{.password_pool = {.threads = 1, .queue_jobs_max = 1}};
  options.rules.argon2 = {.memory_bytes = 64ULL * 1024 * 1024, .passes = 3};
  RunningIssuer running = start(std::move(options));
  std::atomic<int> good = 0, full = 0, other = 0;
  {
    std::vector<std::jthread> people;
    for (int i = 0; i < 12; ++i) {
      people.emplace_back([&] {
        const HttpAnswer answer = running.login("nobody@example.com", password);
        if (answer.status == 401)
          ++good;
        else if (answer.status == 503 && !answer.header("retry-after").empty())
          ++full;
        else
          ++other;
      });
    }
  }
  EXPECT_GE(good, 1);
  EXPECT_GE(full, 1);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(running.metric("jeton_password_queue_refused_total"), std::to_string(full));
}

TEST_F(Accounts, HashesOfAnotherCostAreMadeAnewAtTheNextLogin) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const auto hash = [&] {
    return wait<std::optional<store::User>>(
               [&](auto done) { running.store().users().find_by_email(std::string(email), std::move(done)); })
        ->password_hash;
  };
  const std::string before = hash();
  Rules rules = *running.issuer().rules();
  rules.argon2 = {.memory_bytes = 128 * 1024, .passes = 2};
  running.issuer().replace_rules(rules);
  EXPECT_EQ(running.login(email, "wrong password").status, 401);
  EXPECT_EQ(hash(), before);
  EXPECT_EQ(running.login(email, password).status, 200);
  // The new hash is written behind the answer; a later group of the same store comes after it.
  wait<bool>(
      [&](auto done) { running.store().users().set_claims(sub_of(running), R"({"plan":"pro"})", std::move(done)); });
  const std::string after = hash();
  EXPECT_NE(after, before);
  EXPECT_EQ(running.login(email, password).status, 200);
}

// mission row 2: iss, sub, exp and iat. mission row 3: email, roles, plan and team_id, with no look-up for who
// verifies.
TEST_F(Accounts, TheAccessTokenSaysWhatTheRuleSays) {
  RunningIssuer running = start();
  const std::string sub = running.register_user(email, password).text("sub");
  wait<bool>([&](auto done) {
    running.store().users().set_claims(
        sub,
        R"({"roles":["developer","team_lead"],"plan":"pro","team_id":"team_7","secret_note":"no","sub":"usr_other"})",
        std::move(done));
  });
  const std::string access = running.login(email, password).text("accessToken");
  const Value claims = running.claims_of(access);
  ASSERT_NE(claims.if_object(), nullptr);
  const auto names = names_in(claims);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()),
            (std::set<std::string>{"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "sid", "gen", "ver",
                                   "auth_time", "email", "roles", "plan", "team_id"}));
  const std::int64_t now = to_unix_seconds(clock_.now_seconds());
  EXPECT_EQ(*claims.find("iss"), Value("http://127.0.0.1:" + std::to_string(running.port())));
  EXPECT_EQ(*claims.find("sub"), Value(sub));
  EXPECT_EQ(*claims.find("aud"), Value("api"));
  EXPECT_EQ(*claims.find("client_id"), Value("first-party"));
  EXPECT_EQ(*claims.find("iat"), Value(now));
  EXPECT_EQ(*claims.find("exp"), Value(now + 900));
  EXPECT_EQ(*claims.find("auth_time"), Value(now));
  EXPECT_EQ(*claims.find("gen"), Value(0));
  EXPECT_EQ(claims.find("sid")->if_string()->size(), 22U);
  EXPECT_EQ(*claims.find("email"), Value(email));
  EXPECT_EQ(claims.find("roles")->to_json(), R"(["developer","team_lead"])");
  EXPECT_EQ(*claims.find("plan"), Value("pro"));
  EXPECT_EQ(*claims.find("team_id"), Value("team_7"));
  const auto header = untrusted_header_peek(access);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->typ, "at+jwt");
  EXPECT_EQ(header->alg, "ES256");
}

TEST_F(Accounts, NewUsersAreDevelopersOnTheFreePlan) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const Value claims = running.claims_of(running.login(email, password).text("accessToken"));
  EXPECT_EQ(claims.find("roles")->to_json(), R"(["developer"])");
  EXPECT_EQ(*claims.find("plan"), Value("free"));
  EXPECT_EQ(claims.find("team_id"), nullptr);
}

// mission row 7: the issuer by configuration; 24 hours or 15 minutes are one setting.
TEST_F(Accounts, IssuerAndLifetimeAreSettings) {
  RunningOptions options{.issuer_url = "https://id.example.com"};
  options.rules.access_lifetime = hours(24);
  RunningIssuer running = start(std::move(options));
  running.register_user(email, password);
  const HttpAnswer day = running.login(email, password);
  EXPECT_EQ(*day.json().find("expiresIn"), Value(86'400));
  const Value claims = running.claims_of(day.text("accessToken"));
  EXPECT_EQ(*claims.find("iss"), Value("https://id.example.com"));
  EXPECT_EQ(*claims.find("exp")->if_integer() - *claims.find("iat")->if_integer(), 86'400);

  Rules rules = *running.issuer().rules();
  rules.access_lifetime = minutes(15);
  running.issuer().replace_rules(rules);
  const HttpAnswer quarter = running.login(email, password);
  EXPECT_EQ(*quarter.json().find("expiresIn"), Value(900));
}

TEST_F(Accounts, EveryAsymmetricAlgorithmSignsAndHs256IsRefused) {
  for (const Algorithm algorithm : {Algorithm::es256, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa}) {
    RunningIssuer running = start({.database = directory_.file(name_of(algorithm)), .algorithm = algorithm});
    ASSERT_TRUE(running.is_running()) << running.fault();
    running.register_user(email, password);
    const std::string access = running.login(email, password).text("accessToken");
    EXPECT_EQ(untrusted_header_peek(access)->alg, name_of(algorithm));
    EXPECT_NE(running.claims_of(access).if_object(), nullptr);
    EXPECT_EQ(running.me(access).status, 200);
  }
  RunningIssuer symmetric = start({.algorithm = Algorithm::hs256});
  EXPECT_FALSE(symmetric.is_running());
  EXPECT_NE(symmetric.fault().find("HS256"), std::string::npos);
}

// mission row 9: the guard on a protected endpoint, with the reference behaviour's answers.
TEST_F(Accounts, MeGivesTheClaimsOfTheToken) {
  RunningIssuer running = start();
  const std::string sub = running.register_user(email, password).text("sub");
  const HttpAnswer answer = running.me(running.login(email, password).text("accessToken"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("sub"), sub);
  EXPECT_EQ(answer.text("email"), email);
  EXPECT_EQ(answer.text("plan"), "free");
  EXPECT_EQ(answer.json().find("roles")->to_json(), R"(["developer"])");
}

// mission row 9
TEST_F(Accounts, MeWithoutTokenAsksForOne) {
  RunningIssuer running = start();
  const HttpAnswer answer = running.get("/api/auth/me");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, expected_refusal("Access token required"));
  EXPECT_TRUE(answer.header("www-authenticate").starts_with("Bearer"));
  EXPECT_EQ(answer.header("www-authenticate").find("error="), std::string::npos);
}

// mission row 9, mission row 10: what was intercepted is useless after its expiry.
TEST_F(Accounts, MeWithATokenExpiringExactlyNowIsExpired) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const std::string access = running.login(email, password).text("accessToken");
  clock_.move(seconds(899));
  EXPECT_EQ(running.me(access).status, 200);
  clock_.move(seconds(1));
  const HttpAnswer answer = running.me(access);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, expected_refusal("Token expired"));
  EXPECT_NE(answer.header("www-authenticate").find("error=\"invalid_token\""), std::string::npos);
}

// mission row 9, mission row 10: a changed payload fails the signature.
TEST_F(Accounts, MeWithAChangedTokenIsRefused) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const std::string access = running.login(email, password).text("accessToken");
  std::string changed = access;
  const std::size_t place = access.find('.') + 20;
  changed[place] = changed[place] == 'A' ? 'B' : 'A';
  for (const std::string& token :
       {changed, access.substr(0, access.rfind('.') + 1), std::string("a.b.c"), std::string("nonsense")}) {
    const HttpAnswer answer = running.me(token);
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.body, expected_refusal("Invalid token"));
  }
  EXPECT_EQ(running.me(access).status, 200);
}

TEST_F(Accounts, MeNeverAcceptsAForeignKeyOrHs256) {
  RunningIssuer running = start();
  const std::string sub = running.register_user(email, password).text("sub");
  const std::string access = running.login(email, password).text("accessToken");
  const Value claims = running.claims_of(access);
  Claims copied(sub);
  for (const auto& [name, value] : *claims.if_object()) {
    if (name != "iss" && name != "sub" && name != "aud" && name != "iat" && name != "exp" && name != "jti")
      copied.with(name, value);
  }
  const SignerOptions options{.issuer = *claims.find("iss")->if_string(), .audiences = {"api"}};
  const Signer foreign(SigningKey::generate(Algorithm::es256), options);
  EXPECT_EQ(running.me(*foreign.sign(copied, clock_.now_seconds())).status, 403);
  auto secret = SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, untrusted_header_peek(access)->kid);
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(running.me(*Signer(*secret, options).sign(copied, clock_.now_seconds())).status, 403);
}

TEST_F(Accounts, MeWithTwoTokensIsABadRequest) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const std::string access = running.login(email, password).text("accessToken");
  EXPECT_EQ(running.get("/api/auth/me", {{"Authorization", "Bearer " + access}, {"Authorization", "Bearer " + access}})
                .status,
            400);
  EXPECT_EQ(running.get("/api/auth/me?access_token=" + access, {{"Authorization", "Bearer " + access}}).status, 400);
}

TEST_F(Accounts, MeRefusesATokenWhoseSessionHasEnded) {
  RunningIssuer running = start();
  running.register_user(email, password);
  const HttpAnswer first = running.login(email, password);
  const HttpAnswer second = running.login(email, password);
  EXPECT_EQ(running.me(first.text("accessToken")).status, 200);
  EXPECT_EQ(running.logout(first.text("refreshToken")).status, 204);
  const HttpAnswer answer = running.me(first.text("accessToken"));
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, expected_refusal("Token revoked"));
  EXPECT_EQ(running.me(second.text("accessToken")).status, 200);
}

TEST_F(Accounts, MeRefusesTokensOfADisabledUserAndOfAnOldPassword) {
  RunningIssuer running = start();
  const std::string sub = running.register_user(email, password).text("sub");
  const HttpAnswer before = running.login(email, password);
  wait<bool>(
      [&](auto done) { running.store().users().change_password(sub, "unusable", std::nullopt, std::move(done)); });
  EXPECT_EQ(running.me(before.text("accessToken")).body, expected_refusal("Token revoked"));
  EXPECT_EQ(running.refresh(before.text("refreshToken")).status, 401);

  running.register_user("b@example.com", password);
  const HttpAnswer other = running.login("b@example.com", password);
  const std::string other_sub = running.me(other.text("accessToken")).text("sub");
  wait<bool>([&](auto done) { running.store().users().set_disabled(other_sub, true, std::move(done)); });
  EXPECT_EQ(running.me(other.text("accessToken")).body, expected_refusal("Token revoked"));
  EXPECT_EQ(running.refresh(other.text("refreshToken")).status, 401);
}

TEST_F(Accounts, MeSaysStaleAfterAChangeOfClaimsAndARefreshHeals) {
  RunningIssuer running = start();
  const std::string sub = running.register_user(email, password).text("sub");
  const HttpAnswer before = running.login(email, password);
  wait<bool>([&](auto done) {
    running.store().users().set_claims(sub, R"({"roles":["developer"],"plan":"pro"})", std::move(done));
  });
  const HttpAnswer stale = running.me(before.text("accessToken"));
  EXPECT_EQ(stale.status, 401);
  EXPECT_EQ(stale.body, R"({"error":"Token expired","reason":"stale_claims"})");
  const HttpAnswer refreshed = running.refresh(before.text("refreshToken"));
  EXPECT_EQ(running.me(refreshed.text("accessToken")).text("plan"), "pro");
}

TEST(Credentials, AddressesAreComparedInLowerCaseAndNothingElseIsChanged) {
  EXPECT_EQ(email_key("Dev.One+x@Example.COM"), "dev.one+x@example.com");
  EXPECT_EQ(email_key("\u00c4@example.com"), "\u00c4@example.com");
  EXPECT_FALSE(email_key(std::string(65, 'a') + "@b").has_value());
  EXPECT_TRUE(email_key(std::string(64, 'a') + "@b").has_value());
  EXPECT_TRUE(email_key("a@" + std::string(252, 'b')).has_value());
  EXPECT_FALSE(email_key("a@" + std::string(253, 'b')).has_value());
  for (const std::string_view bad : {" a@b", "a@b ", "a\t@b", "a@b\r\n", "a\u0085@b", "a\u00a0@b"})
    EXPECT_FALSE(email_key(bad).has_value());
  EXPECT_FALSE(email_key(std::string_view("a@b\0c", 5)).has_value());
}

}  // namespace
}  // namespace jeton::issuer::testing
