// Tokens made for one purpose are good for no other (RFC 8725 section 2.8): each of the purposes against each
// verifier, with one key for all, so that typ, audience and issuer alone tell them apart; and several issuers in one
// verifier.
#include <jeton/claims.h>
#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

namespace jeton {
namespace {

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

struct Purpose {
  const char *issuer, *audience, *typ;
};

constexpr Purpose purposes[] = {
    {"https://id.example", "api", "at+jwt"},   {"https://id.example", "billing", "at+jwt"},
    {"https://id.example", "api", "JWT"},      {"https://id.example", "api", "logout+jwt"},
    {"https://id2.example", "api", "at+jwt"},  {"https://id.example", "api", "feed+jwt"},
    {"https://id.example", "api", "dpop+jwt"},
};

TEST(Purposes, OnlyTheDiagonalVerifies) {
  const SigningKey key = SigningKey::generate(Algorithm::es256);
  for (const Purpose& made : purposes) {
    const Signer signer{key, {.issuer = made.issuer, .audiences = {made.audience}, .typ = made.typ}};
    const std::string token = signer.sign(Claims{"u"}, now).value();
    for (const Purpose& expected : purposes) {
      const Verifier verifier{{.issuer = expected.issuer,
                               .audience = AudienceRule::must_include(expected.audience),
                               .keys = KeySet{{key.verification_key()}},
                               .typ = TypRule::must_be(expected.typ)}};
      EXPECT_EQ(verifier.verify(token, now).has_value(), &made == &expected)
          << made.typ << " for " << made.audience << " where " << expected.typ << " for " << expected.audience
          << " was expected";
    }
  }
}

TrustedIssuer issuer_named(const std::string& name, const SigningKey& key) {
  return {.issuer = name, .audience = AudienceRule::must_include("api"), .keys = KeySet{{key.verification_key()}}};
}

std::string token_of(const std::string& issuer, const SigningKey& key) {
  return Signer{key, {.issuer = issuer, .audiences = {"api"}}}.sign(Claims{"u"}, now).value();
}

TEST(SeveralIssuers, KeyFixesTheIssuer) {
  const SigningKey a = SigningKey::generate(Algorithm::es256), b = SigningKey::generate(Algorithm::es256);
  const Verifier verifier{{issuer_named("https://a.example", a), issuer_named("https://b.example", b)}};
  EXPECT_TRUE(verifier.verify(token_of("https://a.example", a), now).has_value());
  EXPECT_TRUE(verifier.verify(token_of("https://b.example", b), now).has_value());
  EXPECT_EQ(verifier.verify(token_of("https://b.example", a), now).error().code, Errc::wrong_issuer);
  EXPECT_EQ(verifier.verify(token_of("https://a.example", b), now).error().code, Errc::wrong_issuer);
}

// Two issuers whose keys share a kid: each token is measured by the issuer whose key has signed it.
TEST(SeveralIssuers, SharedKidIsTriedWithEachIssuersKey) {
  const auto a = SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "same").value();
  const auto b = SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "same").value();
  const Verifier verifier{{issuer_named("https://a.example", a), issuer_named("https://b.example", b)}};
  EXPECT_TRUE(verifier.verify(token_of("https://a.example", a), now).has_value());
  EXPECT_TRUE(verifier.verify(token_of("https://b.example", b), now).has_value());
  EXPECT_FALSE(verifier.verify(token_of("https://a.example", b), now).has_value());
  EXPECT_FALSE(verifier.verify(token_of("https://b.example", a), now).has_value());
}

// No more than four keys share a kid: a crowd of issuers cannot make one token cost many verifications.
TEST(SeveralIssuers, FourKeysOfOneKidAreTriedAndFiveAreAmbiguous) {
  std::vector<SigningKey> keys;
  std::vector<TrustedIssuer> issuers;
  for (int i = 0; i < 5; ++i) {
    keys.push_back(SigningKey::from_secret(SecretBytes::random(32), Algorithm::hs256, "same").value());
    issuers.push_back(issuer_named("https://i" + std::to_string(i) + ".example", keys.back()));
  }
  const Verifier five{issuers};
  issuers.pop_back();
  const Verifier four{issuers};
  for (std::size_t i = 0; i < 5; ++i) {
    const std::string token = token_of("https://i" + std::to_string(i) + ".example", keys[i]);
    EXPECT_EQ(four.verify(token, now).has_value(), i < 4) << i;
    EXPECT_EQ(five.verify(token, now).error().code, Errc::ambiguous_key) << i;
  }
}

}  // namespace
}  // namespace jeton
