#include "jose/compact.h"

#include "jose/base64url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jeton::jose {
namespace {

// The refusal of a header with this text, or "accepted".
Error refusal(std::string_view json) {
  JsonBuffer buffer;
  const auto header = read_header(base64url::encode(json), buffer, default_limits);
  return header ? Error{Errc{}, "accepted"} : header.error();
}

std::string with(std::string_view member) { return R"({"alg":"ES256",)" + std::string(member) + "}"; }

TEST(Header, IsReadWhole) {
  JsonBuffer buffer;
  const auto header =
      read_header(base64url::encode(R"({"alg":"PS512","kid":"k","typ":"at+jwt","x":1})"), buffer, default_limits);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->algorithm, Algorithm::ps512);
  EXPECT_EQ(header->kid, "k");
  EXPECT_EQ(header->typ, "at+jwt");
  EXPECT_FALSE(read_header(base64url::encode(R"({"alg":"PS512"})"), buffer, default_limits)->has_kid);
}

TEST(Header, AKidMustBeAShortTextWithoutControlCharacters) {
  const std::string longest(default_limits.kid_bytes_max, 'k');
  EXPECT_EQ(refusal(with(R"("kid":")" + longest + '"')).claim, "accepted");
  EXPECT_EQ(refusal(with(R"("kid":"")")).claim, "accepted");
  for (const std::string& kid : {std::string("7"), std::string("null"), std::string(R"(["k"])"), '"' + longest + "k\"",
                                 std::string(R"("k\u0000")"), std::string(R"("k\n")"), std::string("\"k\x7f\"")}) {
    EXPECT_EQ(refusal(with(R"("kid":)" + kid)), (Error{Errc::invalid_kid, "kid"})) << kid;
  }
}

// Also where the verifier takes any `typ`.
TEST(Header, ATypMustBeAText) {
  EXPECT_EQ(refusal(with(R"("typ":"anything")")).claim, "accepted");
  for (const std::string_view typ : {"7", "null", "true", R"(["at+jwt"])", "{}"}) {
    EXPECT_EQ(refusal(with(R"("typ":)" + std::string(typ))), (Error{Errc::wrong_typ, "typ"})) << typ;
  }
}

TEST(Header, MembersOfWhatIsNotImplementedAreRefusedWhateverTheyHold) {
  for (const std::string_view value : {"null", "false", R"("x")", "[]"}) {
    const std::string after = ":" + std::string(value);
    EXPECT_EQ(refusal(with(R"("crit")" + after)), (Error{Errc::unsupported_critical, "crit"}));
    EXPECT_EQ(refusal(with(R"("b64")" + after)), (Error{Errc::unsupported_critical, "b64"}));
    EXPECT_EQ(refusal(with(R"("zip")" + after)), (Error{Errc::unsupported_header, "zip"}));
    EXPECT_EQ(refusal(with(R"("enc")" + after)), (Error{Errc::unsupported_header, "enc"}));
  }
}

TEST(Header, OnlyOneStrictObjectIsAHeader) {
  EXPECT_EQ(refusal(R"({"alg":"ES256"})").claim, "accepted");
  for (const std::string_view text :
       {"", "null", "[]", R"("ES256")", R"({"alg":"ES256")", R"({"alg":"ES256"}x)", R"({"alg":"ES256","n":1e400})"}) {
    EXPECT_EQ(refusal(text).code, Errc::malformed_json) << text;
  }
  const std::string filler(default_limits.header_bytes_max, ' ');
  EXPECT_EQ(refusal(R"({"alg":"ES256"})" + filler).code, Errc::token_too_large);
}

TEST(Header, TheAlgorithmMustBeOneThatIsKnown) {
  for (const std::string_view text : {"{}", R"({"alg":null})", R"({"alg":["ES256"]})", R"({"alg":"none"})",
                                      R"({"alg":"es256"})", R"({"alg":"ES256 "})"}) {
    EXPECT_EQ(refusal(text), (Error{Errc::unsupported_algorithm, "alg"})) << text;
  }
}

TEST(Compact, HasExactlyThreePartsOfWhichTwoAreNotEmpty) {
  const auto parts = split_compact("h.p.s", default_limits);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->header, "h");
  EXPECT_EQ(parts->payload, "p");
  EXPECT_EQ(parts->signature, "s");
  EXPECT_EQ(parts->signing_input, "h.p");
  for (const std::string_view text : {"", "h", "h.p", ".p.s", "h..s", "h.p.s.", "h.p.s.t", "...", "h.p..s"}) {
    EXPECT_EQ(split_compact(text, default_limits).error().code, Errc::malformed_token) << text;
  }
}

TEST(Segment, IsCanonicalBase64url) {
  std::string out;
  EXPECT_EQ(decode_segment("Zm8", out).value(), 2u);
  EXPECT_EQ(out, "fo");
  for (const std::string_view text : {"A", "AAAAA", "Zm9", "Zm8=", "Zm 8", "+///"}) {
    EXPECT_EQ(decode_segment(text, out).error().code, Errc::bad_base64url) << text;
  }
}

}  // namespace
}  // namespace jeton::jose
