// Client assertions: what RFC 7523 section 3 demands, one refusal beside one that is accepted.
#include "oauth/client_assertion.h"

#include <jeton/jws.h>
#include <jeton/key.h>
#include <jeton/signer.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jeton::oauth {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

class ClientAssertion : public ::testing::Test {
 protected:
  Value good() const {
    Value claims = Value::object();
    claims.set("iss", "billing").set("sub", "billing").set("aud", "https://id").set("jti", "1");
    claims.set("exp", to_unix_seconds(now + 60s));
    return claims;
  }
  Result<VerifiedToken> verify(const Value& claims, std::string typ = "JWT") const {
    return verify_text(jws_sign(key_, claims.to_json(), {.typ = std::move(typ)}).value());
  }
  Result<VerifiedToken> verify_text(std::string_view text) const {
    return verify_assertion(text,
                            {.client_id = "billing",
                             .keys = KeySet({key_.verification_key()}),
                             .audiences = {"https://id", "https://id/oauth2/token"}},
                            now);
  }
  Errc refused(const Value& claims, std::string typ = "JWT") const {
    return verify(claims, std::move(typ)).error().code;
  }

  SigningKey key_ = SigningKey::generate(Algorithm::es256);
};

TEST_F(ClientAssertion, IsAcceptedForTheIssuerAndForItsTokenEndpoint) {
  EXPECT_TRUE(verify(good()).has_value());
  EXPECT_TRUE(verify(good(), "").has_value());
  EXPECT_TRUE(verify(good(), "client-authentication+jwt").has_value());
  EXPECT_TRUE(verify(good().set("aud", "https://id/oauth2/token")).has_value());
}

TEST_F(ClientAssertion, WithAnotherAudienceOrAListIsRefused) {
  EXPECT_EQ(refused(good().set("aud", "https://other/oauth2/token")), Errc::wrong_audience);
  EXPECT_EQ(refused(good().set("aud", Value::array().push("https://id"))), Errc::wrong_claim_type);
  EXPECT_EQ(refused(good().set("aud", Value::array().push("https://id").push("https://other"))),
            Errc::wrong_claim_type);
  EXPECT_EQ(refused(good().set("aud", "https://id/")), Errc::wrong_audience);
}

TEST_F(ClientAssertion, IsTheClientsOwn) {
  EXPECT_EQ(refused(good().set("sub", "other")), Errc::invalid_claim);
  EXPECT_EQ(refused(good().set("iss", "other")), Errc::wrong_issuer);
  Value without = Value::object();
  without.set("iss", "billing").set("aud", "https://id").set("jti", "1").set("exp", to_unix_seconds(now + 60s));
  EXPECT_EQ(refused(without), Errc::invalid_claim);
}

TEST_F(ClientAssertion, LivesAnHourAtMost) {
  EXPECT_TRUE(verify(good().set("exp", to_unix_seconds(now + 1h))).has_value());
  EXPECT_EQ(refused(good().set("exp", to_unix_seconds(now + 1h + 1s))), Errc::lifetime_too_long);
  EXPECT_TRUE(verify(good().set("exp", to_unix_seconds(now - assertion_leeway + 1s))).has_value());
  EXPECT_EQ(refused(good().set("exp", to_unix_seconds(now - assertion_leeway))), Errc::expired);
  Value without = Value::object();
  without.set("iss", "billing").set("sub", "billing").set("aud", "https://id").set("jti", "1");
  EXPECT_EQ(refused(without), Errc::missing_claim);
}

TEST_F(ClientAssertion, NeedsAJti) {
  EXPECT_EQ(refused(good().set("jti", "")), Errc::missing_claim);
  Value without = Value::object();
  without.set("iss", "billing").set("sub", "billing").set("aud", "https://id");
  without.set("exp", to_unix_seconds(now + 60s));
  EXPECT_EQ(refused(without), Errc::missing_claim);
}

TEST_F(ClientAssertion, AnotherKindOfTokenIsRefused) {
  EXPECT_EQ(refused(good(), "at+jwt"), Errc::wrong_typ);
  EXPECT_EQ(refused(good(), "application/at+jwt"), Errc::wrong_typ);
  EXPECT_EQ(refused(good(), "dpop+jwt"), Errc::wrong_typ);
}

TEST_F(ClientAssertion, WithoutTheClientsKeyIsRefused) {
  const SigningKey stranger = SigningKey::generate(Algorithm::es256);
  EXPECT_EQ(verify_text(jws_sign(stranger, good().to_json()).value()).error().code, Errc::unknown_key);
  // {"alg":"none"}
  EXPECT_EQ(verify_text("eyJhbGciOiJub25lIn0.e30.").error().code, Errc::unsupported_algorithm);
  EXPECT_EQ(verify_text("eyJhbGciOiJub25lIn0.e30.AA").error().code, Errc::unsupported_algorithm);
}

TEST_F(ClientAssertion, UsesAreToldApartByClientAndJti) {
  const auto first = verify(good()).value();
  EXPECT_EQ(assertion_use_of(first), assertion_use_of(verify(good()).value()));
  EXPECT_NE(assertion_use_of(first), assertion_use_of(verify(good().set("jti", "2")).value()));
  EXPECT_EQ(assertion_end_of(first), now + 60s + assertion_leeway);
}

}  // namespace
}  // namespace jeton::oauth
