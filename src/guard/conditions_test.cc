// What a route demands of claims, one condition at a time, beside the value that just fulfils it; and when the user
// signed in (RFC 9470).
#include <jeton/guard.h>
#include <jeton/jws.h>

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t start = 1'700'000'000;
constexpr std::string_view claims_of_each =
    R"({"iss":"https://as.example","aud":"api","sub":"u1","jti":"j1","iat":1700000000,"exp":1700000600)";

// What comes of a request to /users/PARAMETER with a token that has the claims `more` besides those of each.
std::string outcome(Policy policy, const std::string& more, std::string_view path = "/users/7") {
  static const SigningKey key = SigningKey::generate(Algorithm::es256);
  static const Verifier verifier{{.issuer = "https://as.example",
                                  .audience = AudienceRule::must_include("api"),
                                  .keys = KeySet({key.verification_key()})}};
  const Guard guard{
      verifier,
      Routes::build({{.name = "one", .match = {.path = "/users/{id}"}, .policy = std::move(policy)}}).value()};
  const std::string payload = std::string(claims_of_each) + (more.empty() ? "" : "," + more) + "}";
  const std::string text = "Bearer " + jws_sign(key, payload, {.typ = "at+jwt"}).value();
  const std::vector<std::string_view> authorization{text};
  const Decision decision = guard.decide({.path = path, .authorization = authorization}, from_unix_seconds(start));
  return decision.refused() == nullptr ? "allowed" : std::string(name_of(decision.refused()->error.code));
}

Policy demanding(decltype(Condition::test) test) { return {.conditions = {{{"c"}, std::move(test)}}}; }

TEST(Conditions, ANumberIsAtLeastAnotherAndNothingElseIs) {
  for (const std::int64_t least : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
    const Policy policy = demanding(Condition::AtLeast{least});
    for (const char* value : {"0", "5", "0.0", "5.5", "9223372036854775807", "1e300"})
      EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value), "allowed") << value;
    for (const char* value : {R"("5")", R"("")", "true", "false", "null", "[5]", R"({"a":5})", "-1e300"})
      EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value), "failed_condition") << value;
    EXPECT_EQ(outcome(policy, ""), "failed_condition");
  }
}

TEST(Conditions, NumbersAreComparedExactly) {
  const Policy at_least_five = demanding(Condition::AtLeast{5});
  EXPECT_EQ(outcome(at_least_five, R"("c":5)"), "allowed");
  EXPECT_EQ(outcome(at_least_five, R"("c":4)"), "failed_condition");
  EXPECT_EQ(outcome(at_least_five, R"("c":4.999)"), "failed_condition");
  const Policy above_minus_five = demanding(Condition::AtLeast{-5});
  EXPECT_EQ(outcome(above_minus_five, R"("c":-4.5)"), "allowed");
  EXPECT_EQ(outcome(above_minus_five, R"("c":-5.0)"), "allowed");
  EXPECT_EQ(outcome(above_minus_five, R"("c":-5.5)"), "failed_condition");
}

TEST(Conditions, AValueEqualsOneOfItsOwnTypeAlone) {
  EXPECT_EQ(outcome(demanding(Condition::Equals{"1"}), R"("c":"1")"), "allowed");
  EXPECT_EQ(outcome(demanding(Condition::Equals{"1"}), R"("c":1)"), "failed_condition");
  EXPECT_EQ(outcome(demanding(Condition::Equals{1}), R"("c":1)"), "allowed");
  for (const char* value : {R"("1")", "true", "[1]", "1.5", "2"})
    EXPECT_EQ(outcome(demanding(Condition::Equals{1}), std::string(R"("c":)") + value), "failed_condition") << value;
  EXPECT_EQ(outcome(demanding(Condition::Equals{true}), R"("c":true)"), "allowed");
  for (const char* value : {"false", "1", R"("true")"})
    EXPECT_EQ(outcome(demanding(Condition::Equals{true}), std::string(R"("c":)") + value), "failed_condition") << value;
  EXPECT_EQ(outcome(demanding(Condition::OneOf{{"a", 2}}), R"("c":2)"), "allowed");
  EXPECT_EQ(outcome(demanding(Condition::OneOf{{"a", 2}}), R"("c":"b")"), "failed_condition");
}

TEST(Conditions, AnArrayContainsWhatOneOfItsElementsIs) {
  const Policy policy = demanding(Condition::Contains{"a"});
  for (const char* value : {R"("a")", R"(["b","a"])"})
    EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value), "allowed") << value;
  for (const char* value : {R"("b")", "[]", R"(["b"])", R"([["a"]])", R"({"a":"a"})"})
    EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value), "failed_condition") << value;
}

TEST(Conditions, TheSegmentOfThePathIsTheClaim) {
  const Policy policy = demanding(Condition::MatchesParameter{"id"});
  for (const char* value : {"7", R"("7")", R"(["1","7"])", "[1,7]"})
    EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value), "allowed") << value;
  for (const char* value : {"8", R"("8")", R"("")", "true", "7.0", "null", R"(["8"])", R"({"id":"7"})"})
    EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value), "failed_condition") << value;
  // What is no text and no integer is not taken for the integer that its bits would be.
  EXPECT_EQ(outcome(policy, R"("c":7.0)", "/users/4619567317775286272"), "failed_condition");
  for (const char* value : {"true", "false", "null", "[]", "{}", "[true]", "[null]"}) {
    for (const char* path : {"/users/0", "/users/1"})
      EXPECT_EQ(outcome(policy, std::string(R"("c":)") + value, path), "failed_condition") << value;
  }
  EXPECT_EQ(outcome(policy, R"("c":"a b")", "/users/a%20b"), "allowed");
  EXPECT_EQ(outcome(policy, R"("c":"a%20b")", "/users/a%20b"), "failed_condition");
}

TEST(Conditions, EachDemandOfAPolicyRefusesByItself) {
  EXPECT_EQ(outcome({.issuers = {"https://as.example"}}, ""), "allowed");
  EXPECT_EQ(outcome({.issuers = {"https://other.example"}}, ""), "wrong_issuer");
  EXPECT_EQ(outcome({.audiences = {"other", "api"}}, ""), "allowed");
  EXPECT_EQ(outcome({.audiences = {"other"}}, ""), "wrong_audience");
}

TEST(Conditions, TheWayOfSigningInIsOneOfThoseThatWillDo) {
  const Policy policy{.acr_values = {"urn:mfa", "urn:key"}};
  EXPECT_EQ(outcome(policy, R"("acr":"urn:key")"), "allowed");
  for (const char* more : {"", R"("acr":"urn:pwd")", R"("acr":["urn:key"])", R"("acr":1)", R"("acr":"")"})
    EXPECT_EQ(outcome(policy, more), "insufficient_authentication") << more;
  // An integer is not taken for the text whose place and length its two halves would be.
  const std::string of_choice = R"("x":"urn:key")";
  const std::int64_t place = static_cast<std::int64_t>(claims_of_each.size() + 1 + of_choice.find("urn:key"));
  const std::int64_t length = std::string_view("urn:key").size();
  EXPECT_EQ(outcome(policy, of_choice + R"(,"acr":)" + std::to_string(place | length << 32)),
            "insufficient_authentication");
}

TEST(Conditions, TheUserSignedInNoLongerAgoThanIsAllowed) {
  const Policy policy{.login_age_max = 300s};
  const auto at = [](std::int64_t time) { return R"("auth_time":)" + std::to_string(time); };
  EXPECT_EQ(outcome(policy, at(start - 300)), "allowed");
  EXPECT_EQ(outcome(policy, at(start - 301)), "insufficient_authentication");
  // The issuer's clock may be ahead by half a minute, no further.
  EXPECT_EQ(outcome(policy, at(start + 30)), "allowed");
  EXPECT_EQ(outcome(policy, at(start + 31)), "insufficient_authentication");
  const Policy patient{.login_age_max = std::chrono::seconds{std::numeric_limits<std::int64_t>::max()}};
  EXPECT_EQ(outcome(patient, at(0)), "allowed");
  for (const std::string& more :
       {at(-1), at(std::numeric_limits<std::int64_t>::min()), at(std::numeric_limits<std::int64_t>::max()),
        std::string(R"("auth_time":"1699999999")"), std::string(R"("auth_time":1699999999.5)"), std::string()})
    EXPECT_EQ(outcome(patient, more), "insufficient_authentication") << more;
}

}  // namespace
}  // namespace jeton
