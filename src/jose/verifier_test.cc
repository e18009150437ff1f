#include <jeton/jws.h>
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

namespace jeton {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);

const SigningKey& test_key() {
  static const SigningKey key = SigningKey::generate(Algorithm::es256);
  return key;
}

TrustedIssuer trusted(const SigningKey& key = test_key()) {
  return {.issuer = "https://as.example",
          .audience = AudienceRule::must_include("api"),
          .keys = KeySet({key.verification_key()})};
}

std::string good_payload(std::string_view more = "") {
  return R"({"iss":"https://as.example","aud":"api","sub":"u1","exp":1700000600)" + std::string(more) + "}";
}

std::string token_of(std::string_view payload, const SigningKey& key = test_key()) {
  return jws_sign(key, payload, {.typ = "at+jwt"}).value();
}

Error error_of(const Result<VerifiedToken>& result) { return result ? Error{Errc{}, "accepted"} : result.error(); }

Error refusal(std::string_view payload, const TrustedIssuer& issuer = trusted(), UnixTime at = now) {
  return error_of(Verifier{issuer}.verify(token_of(payload), at));
}

TEST(Verifier, AGoodTokenIsAcceptedAndReadable) {
  const Verifier verifier{trusted()};
  const auto token =
      verifier.verify(token_of(good_payload(R"(,"plan":"pro","n":7,"roles":["a","b"],"limits":{"audio":3})")), now);
  ASSERT_TRUE(token) << describe(token.error());
  EXPECT_EQ(token->issuer(), "https://as.example");
  EXPECT_EQ(token->subject(), "u1");
  EXPECT_EQ(token->expires_at(), now + 600s);
  EXPECT_EQ(token->algorithm(), Algorithm::es256);
  EXPECT_EQ(token->key_id(), test_key().kid());
  EXPECT_EQ(token->get<std::string>("plan"), "pro");
  EXPECT_EQ(token->get<std::int64_t>({"limits", "audio"}), 3);
  EXPECT_EQ(token->get<std::vector<std::string>>("roles"), (std::vector<std::string>{"a", "b"}));
}

TEST(Verifier, AClaimHasThreeOutcomes) {
  const auto token = Verifier{trusted()}.verify(token_of(good_payload(R"(,"n":7,"real":7.0)")), now).value();
  EXPECT_EQ(token.get<std::int64_t>("n"), 7);
  EXPECT_EQ(token.get<std::int64_t>("absent").error().code, Errc::missing_claim);
  EXPECT_EQ(token.get<std::string>("n").error().code, Errc::wrong_claim_type);
  EXPECT_EQ(token.get<std::int64_t>("real").error().code, Errc::wrong_claim_type);
  EXPECT_EQ(token.get<double>("n"), 7.0);
  EXPECT_EQ(token.get<bool>("n").error().claim, "n");
}

TEST(Verifier, ATokenExpiringExactlyNowIsExpired) {
  const Verifier verifier{trusted()};
  const std::string token = token_of(good_payload());
  EXPECT_TRUE(verifier.verify(token, now + 599s));
  EXPECT_EQ(error_of(verifier.verify(token, now + 600s)), (Error{Errc::expired, "exp"}));
}

TEST(Verifier, LeewayMovesEveryBoundaryAndSaturates) {
  TrustedIssuer issuer = trusted();
  issuer.leeway = 30s;
  const std::string token = token_of(good_payload());
  EXPECT_TRUE(Verifier{issuer}.verify(token, now + 629s));
  EXPECT_EQ(error_of(Verifier{issuer}.verify(token, now + 630s)).code, Errc::expired);
  issuer.leeway = std::chrono::seconds::max();
  EXPECT_TRUE(Verifier{issuer}.verify(token, from_unix_seconds(std::numeric_limits<std::int64_t>::max() - 1)));
  EXPECT_TRUE(Verifier{issuer}.verify(token_of(good_payload(R"(,"nbf":1800000000)")), now));
}

TEST(Verifier, WhatWasGoodIsMeasuredAgainByTimeAndKeyAlone) {
  const VerifiedToken token = Verifier{trusted()}.verify(token_of(good_payload(R"(,"nbf":1700000000)")), now).value();
  const auto later = [&](const Verifier& verifier, UnixTime at) {
    const auto objection = verifier.objection_later(token, at);
    return objection ? objection->code : Errc{};
  };
  TrustedIssuer lax = trusted();
  lax.leeway = 30s;
  lax.audience = AudienceRule::must_include("another");
  EXPECT_EQ(later(Verifier{trusted()}, now + 599s), Errc{});
  EXPECT_EQ(later(Verifier{trusted()}, now + 600s), Errc::expired);
  EXPECT_EQ(later(Verifier{lax}, now + 629s), Errc{});
  EXPECT_EQ(later(Verifier{lax}, now + 630s), Errc::expired);
  EXPECT_EQ(later(Verifier{trusted()}, now - 3600s), Errc{}) << "a clock that was set back";
  // By another verifier, in which the issuer has another place, other keys, or none.
  const SigningKey other = SigningKey::generate(Algorithm::es256);
  TrustedIssuer stranger = trusted(other), elsewhere = trusted();
  elsewhere.issuer = "https://elsewhere.example";
  EXPECT_EQ(later(Verifier{{stranger, trusted()}}, now), Errc{});
  EXPECT_EQ(later(Verifier{stranger}, now), Errc::unknown_key);
  EXPECT_EQ(later(Verifier{elsewhere}, now), Errc::unknown_key);
}

TEST(Verifier, AFractionOfASecondCounts) {
  const std::string payload = R"({"iss":"https://as.example","aud":"api","exp":1700000000.5})";
  EXPECT_EQ(refusal(payload).claim, "accepted");
  EXPECT_EQ(refusal(payload, trusted(), now + 1s).code, Errc::expired);
}

TEST(Verifier, ImpossibleExpiriesAreRefused) {
  const auto with_exp = [](std::string_view exp) {
    return refusal(R"({"iss":"https://as.example","aud":"api","exp":)" + std::string(exp) + "}");
  };
  EXPECT_EQ(with_exp("1700000001").claim, "accepted");
  for (const std::string_view wrong : {R"("1700000600")", "true", "null", "{}", "[1700000600]"}) {
    EXPECT_EQ(with_exp(wrong).code, Errc::wrong_claim_type) << wrong;
  }
  for (const std::string_view wrong :
       {"-1", "1e300", "1e400", "1e20", "253402300800", "99999999999999999999999", "9223372036854775807"}) {
    EXPECT_EQ(with_exp(wrong), (Error{Errc::invalid_claim, "exp", "a NumericDate"})) << wrong;
  }
  EXPECT_EQ(with_exp("0").code, Errc::expired);
  EXPECT_EQ(refusal(R"({"iss":"https://as.example","aud":"api"})").code, Errc::missing_claim);
}

TEST(Verifier, TokensFromTheFutureAreRefused) {
  EXPECT_EQ(refusal(good_payload(R"(,"nbf":1700000000,"iat":1700000000)")).claim, "accepted");
  EXPECT_EQ(refusal(good_payload(R"(,"nbf":1700000001)")).code, Errc::not_yet_valid);
  EXPECT_EQ(refusal(good_payload(R"(,"iat":1700000001)")).code, Errc::issued_in_future);
}

TEST(Verifier, AgeAndLifetimeAreBoundedWhereAsked) {
  TrustedIssuer issuer = trusted();
  issuer.age_max = 60s;
  EXPECT_EQ(refusal(good_payload(R"(,"iat":1699999940)"), issuer).claim, "accepted");
  EXPECT_EQ(refusal(good_payload(R"(,"iat":1699999939)"), issuer).code, Errc::too_old);
  EXPECT_EQ(refusal(good_payload(), issuer).code, Errc::missing_claim);
  issuer = trusted();
  issuer.lifetime_max = 600s;
  EXPECT_EQ(refusal(good_payload(R"(,"iat":1700000000)"), issuer).claim, "accepted");
  EXPECT_EQ(refusal(good_payload(R"(,"iat":1699999999)"), issuer).code, Errc::lifetime_too_long);
  EXPECT_EQ(refusal(good_payload(), issuer).claim, "iat");
  issuer.time = TimeRule::expiry_optional_because("a lifetime without an end is none");
  EXPECT_EQ(refusal(R"({"iss":"https://as.example","aud":"api","iat":1700000000})", issuer).claim, "exp");
}

TEST(Verifier, TheIssuerIsComparedByteForByte) {
  const auto with_iss = [](std::string_view iss) {
    return refusal(R"({"aud":"api","exp":1700000600,"iss":)" + std::string(iss) + "}");
  };
  EXPECT_EQ(with_iss(R"("https://as.example")").claim, "accepted");
  for (const std::string_view wrong :
       {R"("https://as.example/")", R"("https://as.exampl")", R"("https://AS.example")", R"("")"}) {
    EXPECT_EQ(with_iss(wrong).code, Errc::wrong_issuer) << wrong;
  }
  EXPECT_EQ(with_iss(R"(["https://as.example"])").code, Errc::wrong_claim_type);
  EXPECT_EQ(with_iss(R"("https://as.example\u0000")").code, Errc::invalid_claim);
  EXPECT_EQ(refusal(R"({"aud":"api","exp":1700000600})").code, Errc::missing_claim);
}

TEST(Verifier, AnAudienceListWithoutOursIsRefused) {
  const auto with_aud = [](std::string_view aud) {
    return refusal(R"({"iss":"https://as.example","exp":1700000600,"aud":)" + std::string(aud) + "}");
  };
  EXPECT_EQ(with_aud(R"(["other","api"])").claim, "accepted");
  EXPECT_EQ(with_aud(R"(["other"])"), (Error{Errc::wrong_audience, "aud", "\"api\""}));
  EXPECT_EQ(with_aud("[]").code, Errc::wrong_audience);
  EXPECT_EQ(with_aud(R"(["api",1])").code, Errc::wrong_claim_type);
  EXPECT_EQ(with_aud(R"({"api":1})").code, Errc::wrong_claim_type);
  EXPECT_EQ(with_aud("1").code, Errc::wrong_claim_type);
  EXPECT_EQ(with_aud(R"("API")").code, Errc::wrong_audience);
}

TEST(Verifier, AnEmptyListOfAudiencesAllowsNothing) {
  TrustedIssuer issuer = trusted();
  issuer.audience = AudienceRule::must_include_one_of({});
  EXPECT_EQ(refusal(good_payload(), issuer).code, Errc::wrong_audience);
  issuer.audience = AudienceRule::accept_any_because("the twin of the case above");
  EXPECT_EQ(refusal(good_payload(), issuer).claim, "accepted");
}

TEST(Verifier, ControlCharactersInIdsAreRefused) {
  EXPECT_EQ(refusal(good_payload(R"(,"jti":"a\u0001")")).code, Errc::invalid_claim);
  EXPECT_EQ(refusal(good_payload(R"(,"client_id":"a\r\nX: y")")).code, Errc::invalid_claim);
  EXPECT_EQ(refusal(good_payload(R"(,"jti":7)")).code, Errc::wrong_claim_type);
  EXPECT_EQ(refusal(good_payload(R"(,"jti":"a","note":"a\r\nb")")).claim, "accepted");
}

TEST(Verifier, AConfirmationThatNobodyCheckedIsRefused) {
  const std::string payload = good_payload(R"(,"cnf":{"jkt":"x"})");
  EXPECT_EQ(refusal(payload).code, Errc::unchecked_confirmation);
  TrustedIssuer issuer = trusted();
  issuer.confirmation = ConfirmationRule::accept_unchecked_because("the twin");
  EXPECT_EQ(refusal(payload, issuer).claim, "accepted");
}

TEST(Verifier, AnUncheckedConfirmationIsRefusedWhateverItHolds) {
  EXPECT_EQ(refusal(good_payload(R"(,"cnf":null)")).code, Errc::unchecked_confirmation);
  EXPECT_EQ(refusal(good_payload(R"(,"x":{"cnf":1})")).claim, "accepted");
}

TEST(Verifier, TheProfileOfJetonDemandsItsClaims) {
  TrustedIssuer issuer = trusted();
  issuer.profile = Profile::jeton;
  const auto payload = [](std::string_view more) {
    return good_payload(R"(,"client_id":"c","iat":1700000000,"jti":"j")" + std::string(more));
  };
  EXPECT_EQ(refusal(payload(R"(,"ver":1,"sid":"s","gen":0)"), issuer).claim, "accepted");
  EXPECT_EQ(refusal(payload(R"(,"sid":"s","gen":0)"), issuer).claim, "ver");
  EXPECT_EQ(refusal(payload(R"(,"ver":1,"gen":0)"), issuer).claim, "sid");
  EXPECT_EQ(refusal(payload(R"(,"ver":1,"sid":"s")"), issuer).claim, "gen");
  EXPECT_EQ(refusal(payload(R"(,"ver":"1","sid":"s","gen":0)"), issuer).code, Errc::wrong_claim_type);
  EXPECT_EQ(refusal(payload(R"(,"ver":-1,"sid":"s","gen":0)"), issuer).code, Errc::invalid_claim);
  EXPECT_EQ(refusal(good_payload(R"(,"client_id":"u1","iat":1700000000,"jti":"j","ver":0)"), issuer).claim, "accepted");
  issuer.profile = Profile::access_token;
  EXPECT_EQ(refusal(payload(""), issuer).claim, "accepted");
  EXPECT_EQ(refusal(good_payload(R"(,"client_id":"c","iat":1700000000)"), issuer).claim, "jti");
}

TEST(Verifier, TypIsComparedWithoutCaseAndPrefix) {
  const auto with_typ = [](const std::string& typ) {
    return error_of(Verifier{trusted()}.verify(jws_sign(test_key(), good_payload(), {.typ = typ}).value(), now));
  };
  EXPECT_EQ(with_typ("at+jwt").claim, "accepted");
  EXPECT_EQ(with_typ("AT+JWT").claim, "accepted");
  EXPECT_EQ(with_typ("application/at+jwt").claim, "accepted");
  EXPECT_EQ(with_typ("JWT").code, Errc::wrong_typ);
  EXPECT_EQ(with_typ("").code, Errc::wrong_typ);
  EXPECT_EQ(with_typ("application/").code, Errc::wrong_typ);
}

TEST(Verifier, ABadSignatureHidesAllThatIsBehindIt) {
  std::string token = token_of("not even JSON");
  EXPECT_EQ(error_of(Verifier{trusted()}.verify(token, now)).code, Errc::malformed_json);
  char& letter = token[token.rfind('.') + 5];
  letter = letter == 'A' ? 'B' : 'A';  // stays base64url
  EXPECT_EQ(error_of(Verifier{trusted()}.verify(token, now)).code, Errc::bad_signature);
}

TEST(Verifier, APayloadThatIsNoObjectIsRefused) {
  for (const std::string_view payload : {"[]", "1", "\"x\"", "null", "true"}) {
    EXPECT_EQ(refusal(payload).code, Errc::malformed_json) << payload;
  }
}

TEST(Verifier, NumbersBeyondSixtyFourBitsAreRefusedAnywhere) {
  EXPECT_EQ(refusal(good_payload(R"(,"x":[18446744073709551616])")).code, Errc::malformed_json);
  EXPECT_EQ(refusal(good_payload(R"(,"x":[9223372036854775807])")).claim, "accepted");
}

TEST(Verifier, OfTwoIssuersTheKeySaysWhichOneATokenIsFrom) {
  const SigningKey other = SigningKey::generate(Algorithm::es256);
  TrustedIssuer second = trusted(other);
  second.issuer = "https://other.example";
  const Verifier verifier{{trusted(), second}};
  const std::string other_payload = R"({"iss":"https://other.example","aud":"api","exp":1700000600})";
  EXPECT_TRUE(verifier.verify(token_of(good_payload()), now));
  EXPECT_TRUE(verifier.verify(token_of(other_payload, other), now));
  EXPECT_EQ(error_of(verifier.verify(token_of(other_payload), now)).code, Errc::wrong_issuer);
  EXPECT_EQ(error_of(verifier.verify(token_of(good_payload(), other), now)).code, Errc::wrong_issuer);
}

// Four issuers may share a kid by chance or malice; the fifth makes it ambiguous.
TEST(Verifier, AKidSharedByIssuersIsTriedFourTimesAtMost) {
  std::vector<TrustedIssuer> issuers;
  std::vector<SigningKey> keys;
  for (int i = 0; i < 5; ++i) {
    const std::string jwk = [] {
      const SigningKey fresh = SigningKey::generate(Algorithm::es256);
      const SecretBytes text = fresh.to_private_jwk(InsecureSecretAccess::get());
      const auto bytes = text.reveal(InsecureSecretAccess::get());
      Value value = Value::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).value();
      return value.set("kid", "same").to_json();
    }();
    keys.push_back(SigningKey::from_jwk(jwk).value());
    issuers.push_back(trusted(keys.back()));
    issuers.back().issuer = "https://" + std::to_string(i) + ".example";
  }
  const auto payload = [](int i) {
    return R"({"aud":"api","exp":1700000600,"iss":"https://)" + std::to_string(i) + R"(.example"})";
  };
  const Verifier four{std::vector(issuers.begin(), issuers.begin() + 4)};
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(four.verify(token_of(payload(i), keys[static_cast<std::size_t>(i)]), now)) << i;
  EXPECT_EQ(error_of(four.verify(token_of(payload(4), keys[4]), now)).code, Errc::bad_signature);
  EXPECT_EQ(error_of(Verifier{issuers}.verify(token_of(payload(0), keys[0]), now)).code, Errc::ambiguous_key);
}

TEST(Verifier, WithoutKidExactlyOneKeyMustFit) {
  const auto anonymous = [](Algorithm algorithm) {
    const SigningKey key = SigningKey::generate(algorithm);
    const SecretBytes text = key.to_private_jwk(InsecureSecretAccess::get());
    const auto bytes = text.reveal(InsecureSecretAccess::get());
    Value value = Value::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).value();
    return value;
  };
  // A key whose kid is empty signs tokens without one.
  Value with_kid = anonymous(Algorithm::eddsa);
  const SigningKey named = SigningKey::from_jwk(with_kid.to_json()).value();
  const std::string header = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9";  // {"alg":"EdDSA","typ":"at+jwt"}
  // Same key, header without kid: sign by hand through a JWS whose header is replaced is impossible, so the set
  // decides.
  TrustedIssuer issuer = trusted(named);
  EXPECT_EQ(error_of(Verifier{issuer}.verify(header + ".e30." + std::string(86, 'A'), now)).code, Errc::bad_signature);
  issuer.keys = KeySet({named.verification_key(), SigningKey::generate(Algorithm::eddsa).verification_key()});
  EXPECT_EQ(error_of(Verifier{issuer}.verify(header + ".e30." + std::string(86, 'A'), now)).code, Errc::ambiguous_key);
  issuer.keys = KeySet({test_key().verification_key(), SigningKey::generate(Algorithm::es256).verification_key()});
  EXPECT_EQ(error_of(Verifier{issuer}.verify(header + ".e30." + std::string(86, 'A'), now)).code, Errc::unknown_key);
}

TEST(Verifier, ATokenThatPicksARefusedKeyHearsWhyItWasRefused) {
  const std::string jwks =
      R"({"keys":[{"kty":"EC","crv":"P-256","kid":")" + std::string(test_key().kid()) + R"(","x":"AA","y":"AA"}]})";
  TrustedIssuer issuer = trusted();
  issuer.keys = KeySet::parse(jwks).value();
  EXPECT_EQ(refusal(good_payload(), issuer).code, Errc::invalid_key);
}

// A single JWK without kid fits every kid; so of many issuers with such keys a token would try all.
TEST(Verifier, SingleKeysWithoutKidAreBoundedToo) {
  std::vector<TrustedIssuer> issuers;
  for (int i = 0; i < 9; ++i) {
    const SigningKey key = SigningKey::generate(Algorithm::es256);
    Value::Object members;
    const Value jwk = Value::parse(key.verification_key().to_jwk()).value();
    for (const Value::Member& member : *jwk.if_object()) {
      if (member.name != "kid") members.push_back(member);
    }
    issuers.push_back(trusted());
    issuers.back().issuer = "https://" + std::to_string(i) + ".example";
    issuers.back().keys = KeySet::parse(Value(members).to_json()).value();
  }
  const std::string token = token_of(good_payload());
  EXPECT_EQ(error_of(Verifier{issuers}.verify(token, now)).code, Errc::ambiguous_key);
  const Verifier four{std::vector(issuers.begin(), issuers.begin() + 4)};
  EXPECT_EQ(error_of(four.verify(token, now)).code, Errc::bad_signature);
}

TEST(Verifier, TheListOfAlgorithmsIsHonoured) {
  TrustedIssuer issuer = trusted();
  issuer.algorithms = AlgorithmRule::only({Algorithm::rs256});
  EXPECT_EQ(refusal(good_payload(), issuer), (Error{Errc::algorithm_not_allowed, "alg", "RS256"}));
  issuer.algorithms = AlgorithmRule::only({});
  EXPECT_EQ(refusal(good_payload(), issuer).code, Errc::algorithm_not_allowed);
  issuer.algorithms = AlgorithmRule::only({Algorithm::es256});
  EXPECT_EQ(refusal(good_payload(), issuer).claim, "accepted");
}

TEST(Verifier, NothingConfiguredVerifiesNothing) {
  TrustedIssuer issuer = trusted();
  issuer.keys = KeySet{};
  EXPECT_EQ(refusal(good_payload(), issuer).code, Errc::unknown_key);
  EXPECT_EQ(error_of(Verifier{std::vector<TrustedIssuer>{}}.verify(token_of(good_payload()), now)).code,
            Errc::unknown_key);
}

TEST(Verifier, TheTokenOutlivesTheTextAndTheVerifier) {
  std::optional<VerifiedToken> kept;
  {
    std::string text = token_of(good_payload(R"(,"plan":"pro\u0021")"));
    const Verifier verifier{trusted()};
    kept = verifier.verify(text, now).value();
    text.assign(text.size(), 'x');
  }
  EXPECT_EQ(kept->get<std::string>("plan"), "pro!");
  EXPECT_EQ(kept->payload().find("sub")->to_json(), "\"u1\"");
}

TEST(UntrustedHeader, ShowsAlgKidAndTypAlone) {
  const auto header = untrusted_header_peek(token_of(good_payload()));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->alg, "ES256");
  EXPECT_EQ(header->kid, test_key().kid());
  EXPECT_EQ(header->typ, "at+jwt");
  EXPECT_FALSE(untrusted_header_peek("no token"));
  EXPECT_EQ(untrusted_header_peek("W10.e30.AA").error().code, Errc::malformed_json);  // []
  const std::string spaces(4 * 1024, 'I');                                            // "   …" once decoded
  EXPECT_EQ(untrusted_header_peek(spaces + ".e30.AA").error().code, Errc::token_too_large);
}

// However many there are, and whichever share what they are found by.
TEST(VerifiedToken, EachOfManyClaimsIsFoundAndNoOther) {
  const SigningKey secret = SigningKey::generate(Algorithm::hs256);
  const Verifier verifier{{.issuer = IssuerRule::accept_any_because("a test"),
                           .audience = AudienceRule::accept_any_because("a test"),
                           .keys = KeySet({secret.verification_key()})}};
  const Signer signer{secret, {.issuer = "i", .audiences = {"a"}, .lifetime = std::chrono::seconds{60}}};
  const UnixTime at = from_unix_seconds(1'700'000'000);
  for (const int count : {0, 1, 60, 200, 300}) {
    Claims claims("u");
    for (int i = 0; i < count; ++i) claims.with((i % 2 ? "c" : "long-nm-") + std::to_string(i), i);
    const auto token = verifier.verify(signer.sign(claims, at).value(), at);
    ASSERT_TRUE(token) << count;
    for (int i = 0; i < count; ++i) {
      const std::string name = (i % 2 ? "c" : "long-nm-") + std::to_string(i);
      EXPECT_EQ(token->get<std::int64_t>(name), i) << name;
      EXPECT_TRUE(token->has(name));
    }
    for (int i = 0; i < 500; ++i) EXPECT_FALSE(token->has("absent-" + std::to_string(i)));
    EXPECT_FALSE(token->has(""));
    EXPECT_TRUE(token->has("iss"));
    EXPECT_TRUE(token->has("exp"));
  }
}

}  // namespace
}  // namespace jeton
