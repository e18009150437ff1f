// Each client chooses what its tokens are signed with.
#include "issuer/keys/key_rows.h"
#include "issuer/oauth/oauth_fixture.h"

namespace jeton::issuer::testing {
namespace {

class ClientAlgorithm : public ::testing::Test {
 protected:
  ClientAlgorithm()
      : running_(clock_, {.database = directory_.file("jeton.db"), .further_algorithms = {Algorithm::eddsa}}) {}

  HttpAnswer token_of(const std::string& id, const std::string& algorithm, const std::string& audience = "api") {
    store::Client client{.id = id,
                         .name = "A service",
                         .is_public = false,
                         .secret_hash = crypto::sha256("s3cret"),
                         .grants = "client_credentials",
                         .audiences = audience,
                         .algorithm = algorithm};
    EXPECT_EQ(waited<store::ClientAddition>(
                  [&](auto done) { return running_.store().clients().add_client(std::move(client), std::move(done)); }),
              store::ClientAddition::added);
    return ask(id);
  }
  HttpAnswer ask(const std::string& id) {
    return exchange(running_.port(), "POST", "/oauth2/token",
                    {{"Content-Type", "application/x-www-form-urlencoded"}, {"Authorization", basic(id, "s3cret")}},
                    form_of({{"grant_type", "client_credentials"}}));
  }
  static std::string algorithm_of(const HttpAnswer& answer) {
    const auto header = untrusted_header_peek(answer.text("access_token"));
    return header.has_value() ? header->alg : answer.body;
  }

  TemporaryDirectory directory_;
  MovedClock clock_;
  RunningIssuer running_;
};

TEST_F(ClientAlgorithm, IsTheClientsChoiceOrTheIssuersOwn) {
  EXPECT_EQ(algorithm_of(token_of("usual", "")), "ES256");
  EXPECT_EQ(algorithm_of(token_of("modern", "EdDSA")), "EdDSA");
  EXPECT_GE(token_of("early", "RS256").status, 400) << "there is no such key: no other is taken in its place";
}

// mission row 5: one shared secret, from outside the code, for the one service that holds it too.
TEST_F(ClientAlgorithm, SharedSecretIsForTheAudienceWhoseServiceHoldsIt) {
  EXPECT_GE(token_of("billing", "HS256", "billing").status, 400) << "nobody has given a secret";
  const SigningKey secret = SigningKey::generate(Algorithm::hs256);
  const auto foundation = lay_foundation(running_.store(), master_key_of(1), {});
  ASSERT_EQ(waited<store::KeyChange>([&](auto done) {
              running_.store().signing_keys().import_key(
                  sealed_row(secret, foundation->sealing_key, store::KeyState::active, "billing"), std::move(done));
            }),
            store::KeyChange::done);
  ASSERT_TRUE(running_.issuer().tend_keys_once().has_value());
  const std::string token = ask("billing").text("access_token");
  const Verifier service{TrustedIssuer{.issuer = running_.issuer().foundation().issuer,
                                       .audience = AudienceRule::must_include("billing"),
                                       .keys = KeySet({secret.verification_key()}),
                                       .profile = Profile::jeton}};
  EXPECT_TRUE(service.verify(token, clock_.now_seconds()).has_value());
  EXPECT_EQ(running_.get("/.well-known/jwks.json").body.find("oct"), std::string::npos);
  EXPECT_EQ(running_.me(token).status, 403) << "the issuer itself believes no shared secret";
}

}  // namespace
}  // namespace jeton::issuer::testing
