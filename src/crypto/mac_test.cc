#include "crypto/mac.h"

#include "crypto/hmac.h"
#include "crypto/sha2.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

struct Rfc4231 {
  std::string key, data, sha256, sha384, sha512;
};

std::string repeated(const char* octet, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += octet;
  return text;
}

// RFC 4231 section 4, test cases 1 to 4, 6 and 7 (case 5 truncates, which JWS does not).
std::vector<Rfc4231> rfc4231() {
  const std::string larger_key_text =
      "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e64206120"
      "6c"
      "6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f206265206861736865642062"
      "65"
      "666f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e";
  return {
      {repeated("0b", 20), "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
       "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f17"
       "0"
       "2e696c203a126854"},
      {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4"
       "b"
       "636e070a38bce737"},
      {repeated("aa", 20), repeated("dd", 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
       "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
       "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942"
       "6"
       "74278859e13292fb"},
      {"0102030405060708090a0b0c0d0e0f10111213141516171819", repeated("cd", 50),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
       "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
       "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2"
       "d"
       "e2adebeb10a298dd"},
      {repeated("aa", 131),
       "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
       "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
       "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0ae"
       "c"
       "8b915a985d786598"},
      {repeated("aa", 131), larger_key_text, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
       "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
       "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446"
       "0"
       "65c97440fa8c6a58"},
  };
}

TEST(Mac, HmacSha256OfRfc4231) {
  for (const Rfc4231& c : rfc4231()) {
    EXPECT_EQ(to_hex(hmac_sha256(secret_from_hex(c.key), {from_hex(c.data)})), c.sha256);
  }
}

TEST(Mac, KeptStatesOfRfc4231) {
  for (const Rfc4231& c : rfc4231()) {
    const Bytes key = from_hex(c.key);
    const Bytes data = from_hex(c.data);
    const HmacState<Sha384State> middle(key);
    const HmacState<Sha512State> long_one(key);
    for (int i = 0; i < 3; ++i) {  // a kept state is not used up
      EXPECT_EQ(to_hex(middle.compute({data})), c.sha384);
      EXPECT_EQ(to_hex(long_one.compute({data})), c.sha512);
    }
  }
}

TEST(Mac, PartsAreOneMessage) {
  const SecretBytes key = SecretBytes::random(32);
  const Bytes a = from_hex("6162"), b = from_hex("63"), whole = from_hex("616263");
  EXPECT_EQ(hmac_sha256(key, {a, {}, b}), hmac_sha256(key, {whole}));
  EXPECT_NE(hmac_sha256(key, {b, a}), hmac_sha256(key, {whole}));
}

TEST(Mac, EqualComparesLengthAndEveryByte) {
  const Bytes a = from_hex("00112233");
  EXPECT_TRUE(ct_equal(a, from_hex("00112233")));
  EXPECT_TRUE(ct_equal({}, {}));
  EXPECT_FALSE(ct_equal(a, from_hex("001122")));
  EXPECT_FALSE(ct_equal(a, from_hex("0011223300")));
  EXPECT_FALSE(ct_equal(a, {}));
  for (std::size_t i = 0; i < a.size(); ++i) {
    Bytes changed = a;
    changed[i] ^= std::byte{0x80};
    EXPECT_FALSE(ct_equal(a, changed));
  }
}

// Whole words and the bytes behind them, wherever they begin.
TEST(Mac, EqualComparesEveryBitAtEveryLengthAndPlace) {
  Bytes text(80);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = std::byte(i * 37 + 11);
  for (std::size_t begin = 0; begin < 8; ++begin) {
    for (std::size_t size = 0; size <= 64; ++size) {
      const auto whole = std::span<const std::byte>(text).subspan(begin, size);
      Bytes changed(whole.begin(), whole.end());
      EXPECT_TRUE(ct_equal(whole, changed));
      for (std::size_t bit = 0; bit < 8 * size; ++bit) {
        changed[bit / 8] ^= std::byte(1u << bit % 8);
        EXPECT_FALSE(ct_equal(whole, changed)) << size << " " << bit;
        changed[bit / 8] ^= std::byte(1u << bit % 8);
      }
    }
  }
}

}  // namespace
}  // namespace jeton::crypto
