#include <jeton/claims.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

Signer signer_of(SignerOptions options = {.issuer = "https://as.example", .audiences = {"api"}}) {
  static const SigningKey key = SigningKey::generate(Algorithm::eddsa);
  return {key, std::move(options)};
}

VerifiedToken verified(const Signer& signer, const std::string& token) {
  return Verifier{{.issuer = IssuerRule::accept_any_because("the signer is under test"),
                   .audience = AudienceRule::accept_any_because("the signer is under test"),
                   .keys = KeySet({signer.key().verification_key()})}}
      .verify(token, now)
      .value();
}

// mission row 2, mission row 3: the standard and the custom claims of a token.
TEST(Signer, WritesStandardAndCustomClaims) {
  const Signer signer = signer_of();
  const auto token = signer.sign(Claims{"dev_12847"}
                                     .with("email", "dev@example.com")
                                     .with("roles", {"developer", "team_lead"})
                                     .with("plan", "pro")
                                     .with("team_id", "team_9"),
                                 now);
  ASSERT_TRUE(token);
  const VerifiedToken read = verified(signer, *token);
  EXPECT_EQ(read.get<std::string>("iss"), "https://as.example");
  EXPECT_EQ(read.get<std::string>("sub"), "dev_12847");
  EXPECT_EQ(read.get<std::string>("aud"), "api");
  EXPECT_EQ(read.get<std::int64_t>("iat"), 1'700'000'000);
  EXPECT_EQ(read.get<std::int64_t>("exp"), 1'700'000'900);
  EXPECT_EQ(read.get<std::vector<std::string>>("roles"), (std::vector<std::string>{"developer", "team_lead"}));
  EXPECT_EQ(read.get<std::string>("plan"), "pro");
  EXPECT_EQ(read.get<std::string>("team_id"), "team_9");
  EXPECT_EQ(read.get<std::string>("email"), "dev@example.com");
}

TEST(Signer, EveryTokenHasAnIdOfItsOwn) {
  const Signer signer = signer_of();
  EXPECT_NE(verified(signer, *signer.sign(Claims{"a"}, now)).token_id(),
            verified(signer, *signer.sign(Claims{"a"}, now)).token_id());
}

TEST(Signer, SeveralAudiencesAreAnArray) {
  const Signer signer = signer_of({.issuer = "i", .audiences = {"api", "billing"}});
  const auto audiences = verified(signer, *signer.sign(Claims{"a"}, now)).get<std::vector<std::string>>("aud");
  EXPECT_EQ(audiences, (std::vector<std::string>{"api", "billing"}));
}

TEST(Signer, ClaimsOfItsOwnAreRefused) {
  for (const std::string name : {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}) {
    EXPECT_EQ(signer_of().sign(Claims{"a"}.with(name, "x"), now).error(), (Error{Errc::reserved_claim, name}));
  }
}

// mission row 11: nothing sensitive in a payload.
TEST(Signer, NamesThatLookLikeSecretsAreRefused) {
  for (const std::string name :
       {"password",     "Password",     "user_password", "userPassword2", "cardNumber", "card_number",
        "CREDIT-CARD",  "cvv",          "cvc2",          "pin",           "iban",       "ssn",
        "clientSecret", "private_key",  "apiKey",        "passphrase",    "DBPassword", "APIPassword",
        "JWTSecret",    "userpassword", "clientsecret",  "secretKey"}) {
    EXPECT_EQ(signer_of().sign(Claims{"a"}.with(name, "x"), now).error().code, Errc::sensitive_claim) << name;
  }
  const Value nested = Value::parse(R"({"billing":[{"card":{"number":1}},{"cardNumber":"4111"}]})").value();
  EXPECT_EQ(signer_of().sign(Claims{"a"}.with("profile", nested), now).error(),
            (Error{Errc::sensitive_claim, "cardNumber"}));
  for (const std::string name : {"plan", "shipping", "opinion", "compass", "secretary", "card", "number", "typing"}) {
    EXPECT_TRUE(signer_of().sign(Claims{"a"}.with(name, "x"), now)) << name;
  }
}

TEST(Signer, AHarmlessNameCanBePermitted) {
  const Signer signer = signer_of({.issuer = "i", .audiences = {"a"}, .permitted_names = {"password_changed_at"}});
  EXPECT_TRUE(signer.sign(Claims{"a"}.with("password_changed_at", 1), now));
  EXPECT_FALSE(signer.sign(Claims{"a"}.with("password", 1), now));
}

// mission row 7: 24 hours for an API token and 15 minutes for an access token are one setting.
TEST(Signer, TheLifetimeIsASettingOfAtMostADay) {
  const auto lifetime = [](std::chrono::seconds seconds) {
    const Signer signer = signer_of({.issuer = "i", .audiences = {"a"}, .lifetime = seconds});
    return signer.sign(Claims{"a"}, now);
  };
  EXPECT_EQ(verified(signer_of(), *lifetime(24h)).expires_at(), now + 24h);
  EXPECT_EQ(verified(signer_of(), *lifetime(15min)).expires_at(), now + 15min);
  EXPECT_EQ(lifetime(24h + 1s).error().code, Errc::lifetime_too_long);
  EXPECT_EQ(lifetime(0s).error().code, Errc::invalid_claim);
  EXPECT_EQ(lifetime(-1s).error().code, Errc::invalid_claim);
}

TEST(Signer, WhatNoVerifierWouldReadIsNotSigned) {
  EXPECT_EQ(signer_of().sign(Claims{"a"}.with("x", "\xff"), now).error().code, Errc::malformed_json);
  EXPECT_EQ(signer_of().sign(Claims{"a"}.with("x", std::string(9000, 'x')), now).error().code, Errc::token_too_large);
  EXPECT_EQ(signer_of().sign(Claims{"a\nb"}, now).error().code, Errc::invalid_claim);
  EXPECT_EQ(signer_of().sign(Claims{"a"}.with("client_id", "a\rb"), now).error().code, Errc::invalid_claim);
  Value deep = 1;
  for (int i = 0; i < 16; ++i) deep = Value::Array{deep};
  EXPECT_EQ(signer_of().sign(Claims{"a"}.with("x", deep), now).error().code, Errc::malformed_json);
}

}  // namespace
}  // namespace jeton
