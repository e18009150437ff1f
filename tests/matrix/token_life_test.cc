// A token from its making to its refusal, with the public face alone.
#include "jose/base64url.h"

#include <jeton/claims.h>
#include <jeton/jws.h>
#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>
#include <jeton/value.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

SignerOptions usual_options() { return {.issuer = "https://id.example", .audiences = {"api"}, .lifetime = 15min}; }

Verifier verifier_with(KeySet keys) {
  return Verifier{
      {.issuer = "https://id.example", .audience = AudienceRule::must_include("api"), .keys = std::move(keys)}};
}

std::vector<std::string> parts_of(const std::string& token) {
  std::vector<std::string> parts(1);
  for (const char c : token) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::string decoded(std::string_view part) {
  const auto bytes = jose::base64url::decode(part).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Claims developer() {
  return Claims{"dev_12847"}
      .with("email", "dev@example.com")
      .with("roles", {"developer", "team_lead"})
      .with("plan", "pro")
      .with("team_id", 42);
}

// mission row 1
TEST(TokenLife, TokenIsHeaderPayloadSignatureEachBase64url) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const std::string token = Signer{key, usual_options()}.sign(developer(), now).value();
  const auto parts = parts_of(token);
  ASSERT_EQ(parts.size(), 3u);
  const Value header = Value::parse(decoded(parts[0])).value();
  EXPECT_EQ(*header.find("alg")->if_string(), "ES256");
  EXPECT_EQ(*header.find("typ")->if_string(), "at+jwt");
  EXPECT_EQ(*header.find("kid")->if_string(), key.kid());
  const Value payload = Value::parse(decoded(parts[1])).value();
  EXPECT_EQ(*payload.find("sub")->if_string(), "dev_12847");
  EXPECT_EQ(decoded(parts[2]).size(), 64u);
  EXPECT_TRUE(verifier_with(KeySet{{key.verification_key()}}).verify(token, now).has_value());
}

// mission row 2
TEST(TokenLife, StandardClaimsAreSetAndRead) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const std::string token = Signer{key, usual_options()}.sign(developer(), now).value();
  const auto verified = verifier_with(KeySet{{key.verification_key()}}).verify(token, now);
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(verified->issuer(), "https://id.example");
  EXPECT_EQ(verified->subject(), "dev_12847");
  EXPECT_EQ(verified->get<std::int64_t>("exp"), 1'700'000'900);
  EXPECT_EQ(verified->get<std::int64_t>("iat"), 1'700'000'000);
  EXPECT_EQ(verified->expires_at(), now + 15min);
  EXPECT_FALSE(verified->token_id().empty());
  EXPECT_TRUE(verified->claim_holds("aud", "api"));
}

// mission row 3
TEST(TokenLife, CustomClaimsAuthorizeWithoutALookUp) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const std::string token = Signer{key, usual_options()}.sign(developer(), now).value();
  const auto verified = verifier_with(KeySet{{key.verification_key()}}).verify(token, now);
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(verified->get<std::string>("email"), "dev@example.com");
  EXPECT_TRUE(verified->claim_holds("roles", "team_lead"));
  EXPECT_FALSE(verified->claim_holds("roles", "team_admin"));
  EXPECT_FALSE(verified->claim_holds("roles", "developer team_lead"));
  EXPECT_EQ(verified->get<std::string>("plan"), "pro");
  EXPECT_EQ(verified->get<std::int64_t>("team_id"), 42);
  // Absent, another type and the value are three outcomes.
  EXPECT_EQ(verified->get<std::string>("nothing").error().code, Errc::missing_claim);
  EXPECT_EQ(verified->get<std::string>("team_id").error().code, Errc::wrong_claim_type);
}

// mission row 5
TEST(TokenLife, Hs256SecretIsSharedBesideTheTokenAndNeverInIt) {
  const SecretBytes secret = SecretBytes::random(32);
  const auto signing = SigningKey::from_secret(secret.duplicate(), Algorithm::hs256, "shared-1").value();
  const std::string token = Signer{signing, usual_options()}.sign(developer(), now).value();
  // Another service that was given the same secret, from outside the code.
  const auto elsewhere = SigningKey::from_secret(secret.duplicate(), Algorithm::hs256, "shared-1").value();
  EXPECT_TRUE(verifier_with(KeySet{{elsewhere.verification_key()}}).verify(token, now).has_value());
  // One that was given another.
  const auto stranger = SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "shared-1").value();
  EXPECT_EQ(verifier_with(KeySet{{stranger.verification_key()}}).verify(token, now).error().code, Errc::bad_signature);
  const auto bytes = secret.reveal(InsecureSecretAccess::get());
  const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const std::string& part : parts_of(token)) EXPECT_EQ(decoded(part).find(raw), std::string::npos);
  EXPECT_EQ(token.find(jose::base64url::encode(bytes)), std::string::npos);
  // Nor is it published.
  EXPECT_EQ(signing.verification_key().to_jwk(), "");
  EXPECT_EQ(KeySet{{signing.verification_key()}}.to_jwks(), R"({"keys":[]})");
}

// mission row 6
TEST(TokenLife, Rs256PrivateKeySignsAndAnyNumberVerifyByThePublishedKey) {
  const SigningKey key = SigningKey::generate(Algorithm::rs256);
  const std::string token = Signer{key, usual_options()}.sign(developer(), now).value();
  const std::string published = KeySet{{key.verification_key()}}.to_jwks();
  for (const char* secret_member : {"\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""}) {
    EXPECT_EQ(published.find(secret_member), std::string::npos) << secret_member;
  }
  for (int service = 0; service < 3; ++service) {
    EXPECT_TRUE(verifier_with(KeySet::parse(published).value()).verify(token, now).has_value());
  }
  // What is published does not sign.
  EXPECT_FALSE(SigningKey::from_jwk(key.verification_key().to_jwk()).has_value());
  // A key of the same name by somebody else does not verify.
  const SigningKey stranger = SigningKey::generate(Algorithm::rs256);
  const std::string forged = Signer{stranger, usual_options()}.sign(developer(), now).value();
  EXPECT_EQ(verifier_with(KeySet::parse(published).value()).verify(forged, now).error().code, Errc::unknown_key);
}

// mission row 7
TEST(TokenLife, LifetimeIsOneSettingUpToADay) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const Verifier verifier = verifier_with(KeySet{{key.verification_key()}});
  for (const std::chrono::seconds lifetime : {std::chrono::seconds{15min}, std::chrono::seconds{24h}, 1s}) {
    const std::string token = Signer{key, {.issuer = "https://id.example", .audiences = {"api"}, .lifetime = lifetime}}
                                  .sign(developer(), now)
                                  .value();
    EXPECT_TRUE(verifier.verify(token, now + lifetime - 1s).has_value());
    EXPECT_EQ(verifier.verify(token, now + lifetime).error().code, Errc::expired);
  }
  const Signer signer{key, usual_options()};
  EXPECT_TRUE(signer.sign_until(developer(), now, now + 24h).has_value());
  EXPECT_EQ(signer.sign_until(developer(), now, now + 24h + 1s).error().code, Errc::lifetime_too_long);
}

// mission row 10
TEST(TokenLife, ChangedPayloadFailsTheSignature) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const Verifier verifier = verifier_with(KeySet{{key.verification_key()}});
  const std::string token = Signer{key, usual_options()}.sign(developer(), now).value();
  const auto parts = parts_of(token);
  std::string promoted = decoded(parts[1]);
  promoted.replace(promoted.find("\"pro\""), 5, "\"max\"");
  EXPECT_EQ(verifier.verify(parts[0] + "." + jose::base64url::encode(promoted) + "." + parts[2], now).error().code,
            Errc::bad_signature);
  std::string header = decoded(parts[0]);
  header.insert(1, " ");
  EXPECT_EQ(verifier.verify(jose::base64url::encode(header) + "." + parts[1] + "." + parts[2], now).error().code,
            Errc::bad_signature);
  EXPECT_TRUE(verifier.verify(token, now).has_value());
}

// mission row 10: no other spelling of a good token is good. Every character is replaced by every neighbour in turn.
TEST(TokenLife, NoCharacterOfATokenCanBeChanged) {
  const auto key = SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "k").value();
  const Verifier verifier = verifier_with(KeySet{{key.verification_key()}});
  const std::string token = Signer{key, usual_options()}.sign(Claims{"u"}, now).value();
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n+/")) {
      if (token[i] == c) continue;
      std::string changed = token;
      changed[i] = c;
      ASSERT_FALSE(verifier.verify(changed, now).has_value()) << i << " " << c;
    }
  }
}

// mission row 10
TEST(TokenLife, InterceptedTokenIsUselessAfterItsExpiry) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const Verifier verifier = verifier_with(KeySet{{key.verification_key()}});
  const std::string token = Signer{key, usual_options()}.sign(developer(), now).value();
  EXPECT_TRUE(verifier.verify(token, now + 899s).has_value());
  EXPECT_EQ(verifier.verify(token, now + 900s).error().code, Errc::expired);
  EXPECT_EQ(verifier.verify(token, UnixTime::max()).error().code, Errc::expired);
}

// mission row 11
TEST(TokenLife, SensitiveNamesAreRefusedWhenATokenIsMade) {
  const Signer signer{SigningKey::generate(Algorithm::es256), usual_options()};
  for (const char* name :
       {"password",    "Password",   "user_password", "passwd", "passphrase", "cardNumber",    "card_number",
        "card-number", "creditCard", "cvv",           "ssn",    "secret",     "client_secret", "clientSecret",
        "private_key", "privateKey", "api_key",       "apiKey", "pin",        "iban"}) {
    const auto refused = signer.sign(Claims{"u"}.with(name, "x"), now);
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error().code, Errc::sensitive_claim) << name;
    EXPECT_EQ(signer.sign(Claims{"u"}.with("profile", Value::object().set(name, "x")), now).error().code,
              Errc::sensitive_claim)
        << name;
    EXPECT_EQ(
        signer.sign(Claims{"u"}.with("list", Value::array().push(Value::object().set(name, "x"))), now).error().code,
        Errc::sensitive_claim)
        << name;
  }
  for (const char* name : {"email", "plan", "roles", "team_id", "passenger", "opinion", "limits", "country"}) {
    EXPECT_TRUE(signer.sign(Claims{"u"}.with(name, "x"), now).has_value()) << name;
  }
}

TEST(TokenLife, RegisteredClaimsAreTheSignersOwn) {
  const Signer signer{SigningKey::generate(Algorithm::es256), usual_options()};
  for (const char* name : {"iss", "sub", "aud", "exp", "iat", "jti"}) {
    EXPECT_EQ(signer.sign(Claims{"u"}.with(name, "x"), now).error().code, Errc::reserved_claim) << name;
  }
}

// mission row 14: no token of the default outlives a quarter of an hour, and a verifier can demand that of others.
TEST(TokenLife, ShortLifeCanBeDemanded) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  const std::string day = Signer{key, {.issuer = "https://id.example", .audiences = {"api"}, .lifetime = 24h}}
                              .sign(developer(), now)
                              .value();
  const std::string quarter =
      Signer{key, {.issuer = "https://id.example", .audiences = {"api"}}}.sign(developer(), now).value();
  const Verifier strict{{.issuer = "https://id.example",
                         .audience = AudienceRule::must_include("api"),
                         .keys = KeySet{{key.verification_key()}},
                         .lifetime_max = 1h}};
  EXPECT_EQ(strict.verify(day, now).error().code, Errc::lifetime_too_long);
  EXPECT_TRUE(strict.verify(quarter, now).has_value());
}

TEST(TokenLife, IdsOfTokensAreNeverTheSame) {
  const Signer signer{SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "k").value(), usual_options()};
  const Verifier verifier = verifier_with(KeySet{{signer.key().verification_key()}});
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.emplace(verifier.verify(signer.sign(Claims{"u"}, now).value(), now).value().token_id());
  }
  EXPECT_EQ(ids.size(), 1000u);
}

}  // namespace
}  // namespace jeton
