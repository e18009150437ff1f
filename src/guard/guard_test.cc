#include <jeton/guard.h>
#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

const SigningKey& key() {
  static const SigningKey made = SigningKey::generate(Algorithm::es256);
  return made;
}

Verifier verifier() {
  return Verifier{
      {.issuer = "i", .audience = AudienceRule::must_include("api"), .keys = KeySet({key().verification_key()})}};
}

std::string token(std::string audience = "api") {
  const Signer signer{key(), {.issuer = "i", .audiences = {std::move(audience)}, .lifetime = 900s}};
  return signer
      .sign(Claims{"u1"}.with("scope", "projects:read projects:write").with("roles", {"developer"}).with("plan", "pro"),
            now)
      .value();
}

Decision decide(std::vector<std::string> authorization, Policy policy = {}, UnixTime at = now,
                std::string_view query = "") {
  std::vector<std::string_view> views(authorization.begin(), authorization.end());
  return Guard{verifier(), std::move(policy)}.decide({.query = query, .authorization = views}, at);
}

std::string header(const Answer& answer, std::string_view name) {
  for (const auto& [key_text, value] : answer.headers) {
    if (key_text == name) return value;
  }
  return "absent";
}

// mission row 9: the guard on protected endpoints.
TEST(Guard, AGoodTokenIsAllowedAndItsClaimsAreWithTheRequest) {
  const Decision decision = decide({"Bearer " + token()});
  ASSERT_TRUE(decision.allowed());
  EXPECT_EQ(decision.token()->subject(), "u1");
  EXPECT_EQ(decision.token()->get<std::string>("plan"), "pro");
}

// mission row 9
TEST(Guard, WithoutATokenTheAnswerAsksForOne) {
  const Decision decision = decide({});
  ASSERT_TRUE(decision.refused());
  EXPECT_EQ(decision.refused()->answer.status, 401);
  EXPECT_EQ(decision.refused()->answer.body, R"({"error":"Access token required"})");
  EXPECT_EQ(header(decision.refused()->answer, "WWW-Authenticate"), R"(Bearer realm="api")");
}

// mission row 9
TEST(Guard, AnExpiredTokenIsToldApart) {
  const Decision decision = decide({"Bearer " + token()}, {}, now + 900s);
  ASSERT_TRUE(decision.refused());
  EXPECT_EQ(decision.refused()->answer.status, 401);
  EXPECT_EQ(decision.refused()->answer.body, R"({"error":"Token expired"})");
  EXPECT_EQ(header(decision.refused()->answer, "WWW-Authenticate"), R"(Bearer realm="api", error="invalid_token")");
}

// mission row 9
TEST(Guard, AnythingElseWrongIsAnInvalidToken) {
  for (const std::string& wrong :
       {"Bearer " + token("billing"), std::string("Bearer x.y.z"), std::string("Bearer nonsense"),
        "Bearer " + token() + "x", "Bearer  " + token(), "Bearer " + token() + " x"}) {
    const Decision decision = decide({wrong});
    ASSERT_TRUE(decision.refused()) << wrong;
    EXPECT_EQ(decision.refused()->answer.status, 403) << wrong;
    EXPECT_EQ(decision.refused()->answer.body, R"({"error":"Invalid token"})");
  }
}

TEST(Guard, InTheStyleOfRfc6750AnInvalidTokenIs401) {
  const Decision decision = decide({"Bearer nonsense"}, {.errors = ErrorStyle::rfc6750});
  EXPECT_EQ(decision.refused()->answer.status, 401);
}

TEST(Guard, TheSchemeIsComparedWithoutCase) {
  EXPECT_TRUE(decide({"bearer " + token()}).allowed());
  EXPECT_TRUE(decide({"BEARER " + token()}).allowed());
  EXPECT_EQ(decide({"Basic dTpw"}).refused()->error.code, Errc::missing_token);
  EXPECT_EQ(decide({"Bearer"}).refused()->error.code, Errc::missing_token);
  EXPECT_EQ(decide({"Bearer "}).refused()->error.code, Errc::missing_token);
  EXPECT_EQ(decide({"Bearerx " + token()}).refused()->error.code, Errc::missing_token);
}

TEST(Guard, ATokenInMoreThanOnePlaceIsABadRequest) {
  const std::string good = "Bearer " + token();
  EXPECT_EQ(decide({good, good}).refused()->answer.status, 400);
  EXPECT_EQ(decide({good}, {}, now, "access_token=x").refused()->answer.status, 400);
  EXPECT_EQ(decide({good}, {}, now, "a=1&acces%73_token=x").refused()->answer.status, 400);
  EXPECT_EQ(decide({}, {}, now, "access_token=x").refused()->error.code, Errc::misplaced_token);
  EXPECT_TRUE(decide({good}, {}, now, "my_access_token=x&access_tokens=1&a").allowed());
}

TEST(Guard, EveryScopeIsDemanded) {
  const std::string good = "Bearer " + token();
  EXPECT_TRUE(decide({good}, {.scopes = {"projects:read", "projects:write"}}).allowed());
  const Decision decision = decide({good}, {.scopes = {"projects:read", "admin"}});
  EXPECT_EQ(decision.refused()->answer.status, 403);
  EXPECT_EQ(header(decision.refused()->answer, "WWW-Authenticate"),
            R"(Bearer realm="api", error="insufficient_scope", scope="projects:read admin")");
  EXPECT_FALSE(decide({good}, {.scopes = {"projects"}}).allowed());
}

// mission row 4, first form: the plan decides at once, from the token alone.
TEST(Guard, OneOfTheRolesAndOneOfThePlansIsDemanded) {
  const std::string good = "Bearer " + token();
  EXPECT_TRUE(decide({good}, {.roles = {"admin", "developer"}, .plans = {"pro", "family"}}).allowed());
  EXPECT_EQ(decide({good}, {.roles = {"admin"}}).refused()->error.code, Errc::insufficient_role);
  EXPECT_EQ(decide({good}, {.plans = {"family"}}).refused()->error.code, Errc::insufficient_plan);
  EXPECT_EQ(decide({good}, {.plans = {"family"}}).refused()->answer.status, 403);
}

// One policy for all requests has no path to take a parameter from, so nothing fulfils it: not the empty text either.
TEST(Guard, WithoutAPathNoParameterIsMatched) {
  const auto code = [](const std::string& path) {
    const Policy policy{.conditions = {{{path}, Condition::MatchesParameter{"user"}}}};
    const std::string text =
        "Bearer " +
        Signer{key(), {.issuer = "i", .audiences = {"api"}}}.sign(Claims{"u1"}.with("empty", ""), now).value();
    return decide({text}, policy).refused()->error.code;
  };
  EXPECT_EQ(code("sub"), Errc::failed_condition);
  EXPECT_EQ(code("empty"), Errc::failed_condition);
}

TEST(Guard, ACacheDoesNotChangeAnyAnswer) {
  TokenCache cache;
  const Guard guard{verifier(), {.roles = {"developer"}}, {.cache = &cache}};
  const std::string good = "Bearer " + token();
  const std::vector<std::string_view> authorization{good};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(guard.decide({.authorization = authorization}, now).allowed());
  EXPECT_EQ(cache.counts().hits, 2u);
  EXPECT_EQ(guard.decide({.authorization = authorization}, now + 900s).refused()->error.code, Errc::expired);
}

TEST(Answers, EveryCodeHasAnAnswerThatNamesNoSecret) {
  for (const Errc code : all_error_codes()) {
    const Answer answer = answer_for(Error{code}, ErrorStyle::reference, "api");
    EXPECT_TRUE(std::set({400, 401, 403, 404, 405, 429, 503}).contains(answer.status)) << name_of(code);
    EXPECT_EQ(header(answer, "Content-Type"), "application/json");
    EXPECT_EQ(header(answer, "Cache-Control"), "no-store");
  }
}

TEST(Answers, AQuoteInTheRealmCannotBreakOut) {
  const Answer answer = answer_for(Error{Errc::missing_token}, ErrorStyle::reference, "a\"b\\c\r\nX: y");
  EXPECT_EQ(header(answer, "WWW-Authenticate"), R"(Bearer realm="a\"b\\cX: y")");
}

}  // namespace
}  // namespace jeton
