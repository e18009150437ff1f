#include "gateway/introspection/introspection_answer.h"

#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <string>

namespace jeton::gateway {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

class IntrospectionAnswers : public testing::Test {
 protected:
  static VerifiedToken made() {
    const SigningKey key = SigningKey::generate(Algorithm::es256);
    const Signer signer{key, {.issuer = "https://id.example.com", .audiences = {"api"}, .lifetime = 900s}};
    const Verifier verifier{{.issuer = "https://id.example.com",
                             .audience = AudienceRule::must_include("api"),
                             .keys = KeySet({key.verification_key()})}};
    return *verifier.verify(signer.sign(Claims{"u1"}.with("client_id", "app"), now).value(), now);
  }
  std::string said(const std::string& body, UnixTime at = now, std::chrono::seconds leeway = 0s) const {
    const auto answer = read_introspection(body, token_, at, leeway);
    if (!answer.has_value()) return std::string(answer.error());
    return answer->said == Introspection::active ? "active" : "inactive";
  }
  const VerifiedToken token_ = made();
};

TEST_F(IntrospectionAnswers, ActiveAloneIsEnoughAndWhatItRepeatsMustBeTheTokens) {
  EXPECT_EQ(said(R"({"active":true})"), "active");
  EXPECT_EQ(said(R"({"active":false})"), "inactive");
  EXPECT_EQ(said(R"({"active":false,"sub":"u2"})"), "inactive");
  EXPECT_EQ(said(token_.payload().set("active", true).to_json()), "active");
  EXPECT_EQ(said(R"({"active":true,"sub":"u1","iss":"https://id.example.com","client_id":"app","exp":1700000900})"),
            "active");
  EXPECT_EQ(said(R"({"active":true,"username":"u2","sid":"other"})"), "active");  // the token has no sid
}

TEST_F(IntrospectionAnswers, AnswersAboutAnotherTokenAreNotBelieved) {
  for (const char* member : {R"("sub":"u2")", R"("sub":"u1 ")", R"("sub":1)", R"("sub":null)", R"("sub":["u1"])",
                             R"("iss":"https://id.example.com/")", R"("iss":"https://evil.example")",
                             R"("client_id":"other")", R"("jti":"other")", R"("jti":"")"}) {
    EXPECT_EQ(said(std::string(R"({"active":true,)") + member + "}"), "the answer is about another token") << member;
  }
}

TEST_F(IntrospectionAnswers, WhatIsNoAnswerIsNeverTakenForOne) {
  for (const char* body :
       {"", "null", "true", "[]", "[{\"active\":true}]", "<html>", "{\"active\":true", "{}", R"({"active":"true"})",
        R"({"active":1})", R"({"active":null})", R"({"Active":true})", R"({"active":false,"active":true})",
        R"({"active":true,"active":true})", R"({"active":true} x)", R"({"active":true,"exp":"1700000900"})",
        R"({"active":true,"exp":1.5})", R"({"active":true,"exp":-1})",
        R"({"active":true,"exp":9223372036854775807})"}) {
    const std::string text = said(body);
    EXPECT_TRUE(text != "active" && text != "inactive") << body;
  }
}

TEST_F(IntrospectionAnswers, EndedIsInactive) {
  EXPECT_EQ(said(R"({"active":true,"exp":1700000000})"), "inactive");
  EXPECT_EQ(said(R"({"active":true,"exp":1700000001})"), "active");
  EXPECT_EQ(said(R"({"active":true})", now + 900s), "inactive");
  EXPECT_EQ(read_introspection(R"({"active":true,"exp":1700000005})", token_, now, 0s)->good_until,
            from_unix_seconds(1'700'000'005));
  EXPECT_EQ(read_introspection(R"({"active":true,"exp":1800000000})", token_, now, 0s)->good_until,
            token_.expires_at());
}

TEST_F(IntrospectionAnswers, TheIssuersLeewayIsThatOfTheAnswerToo) {
  EXPECT_EQ(said(R"({"active":true})", now + 929s, 30s), "active");
  EXPECT_EQ(said(R"({"active":true})", now + 930s, 30s), "inactive");
  EXPECT_EQ(said(R"({"active":true,"exp":1700000000})", now + 29s, 30s), "active");
  EXPECT_EQ(said(R"({"active":true,"exp":1700000000})", now + 30s, 30s), "inactive");
  EXPECT_EQ(said(R"({"active":false})", now, 30s), "inactive");
  EXPECT_EQ(read_introspection(R"({"active":true,"exp":1800000000})", token_, now, 30s)->good_until,
            token_.expires_at() + 30s);
}

}  // namespace
}  // namespace jeton::gateway
