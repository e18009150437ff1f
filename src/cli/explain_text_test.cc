#include "cli/explain_text.h"

#include "jose/base64url.h"

#include <jeton/jws.h>
#include <jeton/signer.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jeton::cli {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr UnixTime now = from_unix_seconds(1'700'000'000);  // 2023-11-14 22:13:20 UTC

class Explain : public testing::Test {
 protected:
  std::string sign(const Claims& claims) const {
    return Signer{key_, {.issuer = "https://id.example.com", .audiences = {"api"}}}.sign(claims, now).value();
  }
  // A token with that payload, however odd, well signed.
  std::string sign_raw(std::string_view payload) const { return jws_sign(key_, payload, {.typ = "at+jwt"}).value(); }

  VerifyRequest request(std::string token, UnixTime when = now + seconds{1}) const {
    VerifyRequest asked{.jwks = key_.verification_key().to_jwk(), .token = std::move(token)};
    asked.now = when;
    return asked;
  }

  SigningKey key_ = SigningKey::generate(Algorithm::es256);
};

// mission row 1: header, payload and signature, taken apart for a person, each with what it is.
TEST_F(Explain, PersonCanTakeATokenApart) {
  const std::string token = sign(Claims{"dev_12847"}.with("plan", "pro").with("roles", {"developer", "team_lead"}));
  const Explanation page = explain_token(request(token), {});
  EXPECT_TRUE(page.accepted);
  EXPECT_THAT(page.text,
              HasSubstr("header     alg ES256 · typ at+jwt · kid " + std::string(key_.kid().substr(0, 4)) + "…\n"));
  EXPECT_THAT(page.text, HasSubstr("\nclaims     iss"));
  EXPECT_THAT(page.text, HasSubstr("https://id.example.com  (who made it)\n"));
  EXPECT_THAT(page.text, HasSubstr("dev_12847  (whom it speaks of)\n"));
  EXPECT_THAT(page.text, HasSubstr("2023-11-14 22:28:20 UTC, in 14 min 59 s  (good until)\n"));
  EXPECT_THAT(page.text, HasSubstr("[\"developer\",\"team_lead\"]\n"));
  EXPECT_THAT(page.text, HasSubstr("encoded is not encrypted"));
  EXPECT_THAT(page.text, HasSubstr("\nsignature  valid, by key " + std::string(key_.kid().substr(0, 4)) + "…\n"));
  EXPECT_THAT(page.text, HasSubstr("\nverdict    accepted for audience \"api\"\n"));
}

TEST_F(Explain, BriefPageTeachesNothing) {
  const Explanation page = explain_token(request(sign(Claims{"u1"})), {.brief = true});
  EXPECT_THAT(page.text, Not(HasSubstr("who made it")));
  EXPECT_THAT(page.text, Not(HasSubstr("encrypted")));
  EXPECT_THAT(page.text, HasSubstr("verdict    accepted for audience \"api\"\n"));
}

TEST_F(Explain, ExpiredTokenSaysSinceWhenAndWhatToDo) {
  const auto page = explain_token(request(sign(Claims{"u1"}), now + seconds{900 + 240}), {});
  EXPECT_FALSE(page.accepted);
  EXPECT_THAT(page.text,
              HasSubstr("verdict    refused: expired 4 min ago (exp 22:28:20, now 22:32:20, leeway 0 s)\n"
                        "           A client should present its refresh token now. See: jeton help expired\n"));
  EXPECT_THAT(page.text, HasSubstr("signature  valid"));
}

TEST_F(Explain, ExpiredIsSaidWithoutKeysToo) {
  VerifyRequest asked = request(sign(Claims{"u1"}), now + seconds{900 + 240});
  asked.jwks.clear();
  const auto page = explain_token(asked, {});
  EXPECT_FALSE(page.accepted);
  EXPECT_THAT(page.text, HasSubstr("signature  64 bytes, not checked: no keys were given (--jwks)\n"));
  EXPECT_THAT(page.text, HasSubstr("refused: expired 4 min ago"));
}

TEST_F(Explain, WithoutKeysNothingIsAccepted) {
  VerifyRequest asked = request(sign(Claims{"u1"}));
  asked.jwks.clear();
  const auto page = explain_token(asked, {});
  EXPECT_FALSE(page.accepted);
  EXPECT_THAT(page.text, HasSubstr("verdict    undecided: the signature was not checked"));
}

TEST_F(Explain, LeewayKeepsATokenGoodWithoutKeysAsWithThem) {
  VerifyRequest asked = request(sign(Claims{"u1"}), now + seconds{910});
  asked.leeway = seconds{30};
  EXPECT_TRUE(explain_token(asked, {}).accepted);
  asked.jwks.clear();
  EXPECT_THAT(explain_token(asked, {}).text, HasSubstr("undecided"));
}

TEST_F(Explain, WrongAudienceNamesBothSides) {
  VerifyRequest asked = request(sign(Claims{"u1"}));
  asked.audiences = {"billing"};
  EXPECT_THAT(explain_token(asked, {}).text,
              HasSubstr("refused: audience: this API is \"billing\", the token is for \"api\"\n"));
}

TEST_F(Explain, WrongIssuerNamesBothSides) {
  VerifyRequest asked = request(sign(Claims{"u1"}));
  asked.issuers = {"https://other.example"};
  EXPECT_THAT(
      explain_token(asked, {}).text,
      HasSubstr("refused: issuer: expected \"https://other.example\", the token is from \"https://id.example.com\"\n"));
}

TEST_F(Explain, ChangedTokenHasNoValidSignature) {
  std::string token = sign(Claims{"u1"});
  const std::size_t dot = token.find('.');
  token[dot + 5] = token[dot + 5] == 'A' ? 'B' : 'A';
  const auto page = explain_token(request(token), {});
  EXPECT_FALSE(page.accepted);
  EXPECT_THAT(page.text, HasSubstr("signature  not valid"));
  EXPECT_THAT(page.text, HasSubstr("See: jeton help bad_signature\n"));
}

TEST_F(Explain, AnotherIssuersKeyIsNoKey) {
  VerifyRequest asked = request(sign(Claims{"u1"}));
  asked.jwks = SigningKey::generate(Algorithm::es256).verification_key().to_jwk();
  const auto page = explain_token(asked, {});
  EXPECT_THAT(page.text, HasSubstr("signature  not checked: "));
  EXPECT_THAT(page.text, HasSubstr("See: jeton help unknown_key\n"));
}

TEST_F(Explain, StrangersTextCannotMoveTheCursor) {
  const std::string token =
      sign_raw("{\"exp\":1700000600,\"x\\u001b[2J\":\"a\\u001b[31mb\\u202e\",\"y\":\"\xc2\x9b\"}");
  const auto page = explain_token(request(token), {});
  EXPECT_THAT(page.text, Not(HasSubstr("\033")));
  EXPECT_THAT(page.text, Not(HasSubstr("\xc2\x9b")));
  EXPECT_THAT(page.text, Not(HasSubstr("\u202e")));
  EXPECT_THAT(page.text, HasSubstr("a\\u001b[31mb\\u202e"));
}

TEST_F(Explain, ValuesWithSecretNamesAreNotShown) {
  const std::string token =
      sign_raw(R"({"exp":1700000600,"password":"hunter2","card":{"cardNumber":"4111111111111111"}})");
  const auto page = explain_token(request(token), {});
  EXPECT_THAT(page.text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(page.text, Not(HasSubstr("4111")));
  EXPECT_THAT(page.text, HasSubstr("not shown: its name looks like a secret"));
}

TEST_F(Explain, SignatureIsNeverPrinted) {
  const std::string token = sign(Claims{"u1"});
  const std::string signature = token.substr(token.rfind('.') + 1);
  for (const bool with_keys : {true, false}) {
    VerifyRequest asked = request(token);
    if (!with_keys) asked.jwks.clear();
    EXPECT_THAT(explain_token(asked, {}).text, Not(HasSubstr(signature.substr(0, 12))));
  }
}

TEST_F(Explain, RefreshTokenIsRecognisedAndNotTakenApart) {
  const auto page = explain_token(request("jrt1.c2VjcmV0LWhhbmRsZQ"), {});
  EXPECT_FALSE(page.accepted);
  EXPECT_THAT(page.text, HasSubstr("a refresh token: opaque"));
  EXPECT_THAT(page.text, Not(HasSubstr("c2VjcmV0")));
}

TEST_F(Explain, RubbishIsRefusedInWords) {
  for (const char* token :
       {"", "x", "..", "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "a.b.c.d.e", "\xff.\xff.\xff"}) {
    const auto page = explain_token(request(token), {});
    EXPECT_FALSE(page.accepted) << token;
    EXPECT_THAT(page.text, HasSubstr("verdict    refused: ")) << token;
    EXPECT_THAT(page.text, HasSubstr("See: jeton help ")) << token;
  }
  EXPECT_THAT(explain_token(request(std::string(10'000, 'a')), {}).text, HasSubstr("jeton help token_too_large"));
}

TEST_F(Explain, ImpossibleTimesAreShownAsTheyAre) {
  for (const char* exp : {"-1", "9223372036854775807", "\"soon\"", "1e300", "null", "253402300800"}) {
    const std::string token = sign_raw(std::string("{\"exp\":") + exp + "}");
    EXPECT_FALSE(explain_token(request(token), {}).accepted) << exp;
    VerifyRequest without_keys = request(token);
    without_keys.jwks.clear();
    EXPECT_FALSE(explain_token(without_keys, {}).accepted) << exp;
  }
}

TEST_F(Explain, HeaderThatBringsItsOwnKeyIsPointedAt) {
  const std::string header = R"({"alg":"ES256","jku":"http://evil.example/keys"})";
  const std::string token =
      jose::base64url::encode(header) + "." + jose::base64url::encode(std::string_view("{}")) + ".AAAA";
  EXPECT_THAT(explain_token(request(token), {}).text, HasSubstr("jku  http://evil.example/keys  (never used"));
}

TEST_F(Explain, FetchedSecretKeysAreRefused) {
  VerifyRequest asked = request(sign(Claims{"u1"}));
  asked.jwks = R"({"keys":[{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH)"
               R"(75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})";
  asked.origin = KeyOrigin::published;
  EXPECT_FALSE(explain_token(asked, {}).accepted);
}

}  // namespace
}  // namespace jeton::cli
