// What a JWK must hold, member by member, and with which words it is refused.
#include "jose/jwk.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace jeton::jose {
namespace {

// The refusal of this JWK, or "accepted".
Error refusal(std::string_view json) {
  const auto jwk = read_jwk(json, default_limits);
  return jwk ? Error{Errc{}, "accepted"} : jwk.error();
}

Error malformed(std::string_view member) { return {Errc::malformed_key, std::string(member)}; }

TEST(Jwk, EachKindIsRead) {
  EXPECT_EQ(refusal(R"({"kty":"oct","k":"AAAA"})").claim, "accepted");
  EXPECT_EQ(refusal(R"({"kty":"oct","k":""})").claim, "accepted");  // that it is weak is said where a key is made
  EXPECT_EQ(refusal(R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})").claim, "accepted");
  EXPECT_EQ(refusal(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})").claim, "accepted");
  EXPECT_EQ(refusal(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})").claim, "accepted");
  EXPECT_EQ(refusal(R"({"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"})").claim, "accepted");
}

TEST(Jwk, TheTypeMustBeAKnownText) {
  for (const std::string_view json : {"{}", R"({"kty":""})", R"({"kty":7})", R"({"kty":null})"}) {
    EXPECT_EQ(refusal(json), malformed("kty")) << json;
  }
  for (const std::string_view kty : {"ec", "EC ", "AKP", "RSA\\u0000"}) {
    const Error error = refusal(R"({"kty":")" + std::string(kty) + R"("})");
    EXPECT_EQ(error.code, Errc::unsupported_key) << kty;
    EXPECT_EQ(error.claim, "kty");
  }
}

TEST(Jwk, TheCurveMustBeAKnownText) {
  for (const std::string kty : {"EC", "OKP"}) {
    for (const std::string crv : {"", R"(,"crv":"")", R"(,"crv":7)"}) {
      EXPECT_EQ(refusal(R"({"kty":")" + kty + R"(","x":"AAAA","y":"AAAA")" + crv + "}"), malformed("crv")) << crv;
    }
  }
  EXPECT_EQ(refusal(R"({"kty":"EC","crv":"Ed25519","x":"AAAA","y":"AAAA"})").code, Errc::unsupported_key);
  EXPECT_EQ(refusal(R"({"kty":"OKP","crv":"P-256","x":"AAAA"})").code, Errc::unsupported_key);
}

TEST(Jwk, EachNumberMustBeThereInBase64url) {
  const auto refuses = [](const std::string& begin, std::string_view member) {
    for (const std::string_view value : {"", "7", "null", "\"A\"", "\"AA==\"", "\"A A\""}) {
      const std::string text = value.empty() ? "" : ",\"" + std::string(member) + "\":" + std::string(value);
      EXPECT_EQ(refusal(begin + text + "}"), malformed(member)) << begin << text;
    }
  };
  refuses(R"({"kty":"oct")", "k");
  refuses(R"({"kty":"EC","crv":"P-256","y":"AAAA")", "x");
  refuses(R"({"kty":"EC","crv":"P-256","x":"AAAA")", "y");
  refuses(R"({"kty":"OKP","crv":"Ed25519")", "x");
  refuses(R"({"kty":"RSA","e":"AQAB")", "n");
  refuses(R"({"kty":"RSA","n":"AQAB")", "e");
}

TEST(Jwk, OfAPrivateRsaKeyAllFactorsAreThereOrNone) {
  const std::string begin = R"({"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB")";
  const std::string all = begin + R"(,"p":"Aw","q":"Aw","dp":"Aw","dq":"Aw","qi":"Aw")";
  EXPECT_EQ(refusal(all + "}").claim, "accepted");
  for (const std::string member : {"p", "q", "dp", "dq", "qi"}) {
    std::string without = all;
    const std::string text = ",\"" + member + "\":\"Aw\"";
    without.erase(without.find(text), text.size());
    EXPECT_EQ(refusal(without + "}"), malformed(member));
  }
  const Error more = refusal(all + R"(,"oth":[]})");  // RFC 7518 section 6.3.2.7: more than two primes
  EXPECT_EQ(more.code, Errc::unsupported_key);
  EXPECT_EQ(more.claim, "oth");
}

TEST(Jwk, UseAndOperationsMustBeTextsAndEachNamedOnce) {
  const std::string begin = R"({"kty":"oct","k":"AAAA",)";
  EXPECT_EQ(refusal(begin + R"("use":"enc","key_ops":["verify","sign"]})").claim, "accepted");
  for (const std::string_view use : {"7", "null", R"(["sig"])"}) {
    EXPECT_EQ(refusal(begin + R"("use":)" + std::string(use) + "}"), malformed("use"));
  }
  for (const std::string_view operations : {R"("verify")", "7", "[7]", R"(["verify",null])", R"(["sign","sign"])"}) {
    EXPECT_EQ(refusal(begin + R"("key_ops":)" + std::string(operations) + "}"), malformed("key_ops")) << operations;
  }
}

TEST(Jwk, AKidMustBeAShortTextWithoutControlCharacters) {
  const std::string begin = R"({"kty":"oct","k":"AAAA","kid":)";
  const std::string longest(default_limits.kid_bytes_max, 'k');
  EXPECT_EQ(refusal(begin + '"' + longest + "\"}").claim, "accepted");
  for (const std::string& kid : {std::string("7"), std::string("null"), '"' + longest + "k\"",
                                 std::string(R"("k\u0000")"), std::string(R"("k\n")"), std::string("\"k\x7f\"")}) {
    EXPECT_EQ(refusal(begin + kid + "}"), malformed("kid")) << kid;
  }
}

TEST(Jwk, IsBoundToTheAlgorithmThatItNames) {
  const auto bound = [](std::string_view more, std::optional<Algorithm> asked) -> Result<Algorithm> {
    const auto jwk = read_jwk(R"({"kty":"RSA","n":"AQAB","e":"AQAB")" + std::string(more) + "}", default_limits);
    return bound_algorithm(jwk.value(), Purpose::verify, asked);
  };
  EXPECT_EQ(bound(R"(,"alg":"RS256")", std::nullopt), Algorithm::rs256);
  EXPECT_EQ(bound(R"(,"alg":"RS256")", Algorithm::rs256), Algorithm::rs256);
  EXPECT_EQ(bound("", Algorithm::ps256), Algorithm::ps256);
  const auto code = [&](std::string_view more, std::optional<Algorithm> asked) {
    const auto algorithm = bound(more, asked);
    return algorithm ? Errc{} : algorithm.error().code;
  };
  EXPECT_EQ(code(R"(,"alg":"RS256")", Algorithm::ps256), Errc::algorithm_not_allowed);
  EXPECT_EQ(code("", std::nullopt), Errc::key_without_alg);
  EXPECT_EQ(code(R"(,"alg":"NONE")", std::nullopt), Errc::unsupported_algorithm);
  EXPECT_EQ(code(R"(,"alg":"RSA-OAEP")", Algorithm::rs256), Errc::key_not_for_signatures);
  EXPECT_EQ(code(R"(,"use":"enc")", Algorithm::rs256), Errc::key_not_for_signatures);
}

TEST(Jwk, OnlyAnObjectWithinTheLimitIsOne) {
  for (const std::string_view json : {"", "[]", "7", "null", R"({"kty":"oct","kty":"oct","k":"AAAA"})"}) {
    EXPECT_EQ(refusal(json), malformed("")) << json;
  }
  const std::string filler(default_limits.jwks_bytes_max, ' ');
  EXPECT_EQ(refusal(R"({"kty":"oct","k":"AAAA"})" + filler).code, Errc::key_set_too_large);
}

}  // namespace
}  // namespace jeton::jose
