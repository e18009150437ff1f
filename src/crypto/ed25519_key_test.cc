#include "crypto/key.h"
#include "crypto/test_bytes.h"

#include <sodium.h>

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

struct Rfc8032 {
  std::string seed, point, message, signature;
};

// RFC 8032 section 7.1, tests 1 to 3.
const std::vector<Rfc8032>& rfc8032() {
  static const std::vector<Rfc8032> vectors{
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
       "4"
       "655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
       "e"
       "b00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
       "d"
       "c027beceea1ec40a"},
  };
  return vectors;
}

std::shared_ptr<const PublicKey> key_of(const Rfc8032& v) {
  return PublicKey::create(OkpPublic{from_hex(v.point)}, Algorithm::eddsa, default_limits).value();
}

TEST(Ed25519Key, VectorsOfRfc8032) {
  for (const Rfc8032& v : rfc8032()) {
    const auto key =
        PrivateKey::create(OkpPrivate{{from_hex(v.point)}, secret_from_hex(v.seed)}, Algorithm::eddsa, default_limits);
    ASSERT_TRUE(key.has_value());
    const std::string message = text_of(from_hex(v.message));
    Bytes signature(64);
    ASSERT_TRUE((*key)->sign(message, signature));
    EXPECT_EQ(to_hex(signature), v.signature);
    EXPECT_TRUE(key_of(v)->verify(message, signature));
    EXPECT_FALSE(key_of(v)->verify(message + "x", signature));
  }
}

// L, the order of the main subgroup, little-endian.
constexpr std::string_view order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

TEST(Ed25519Key, SAtOrAboveTheOrderIsRefused) {
  const Rfc8032& v = rfc8032()[1];
  const Bytes l = from_hex(order);
  Bytes signature = from_hex(v.signature);
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += std::to_integer<unsigned>(signature[32 + i]) + std::to_integer<unsigned>(l[i]);
    signature[32 + i] = std::byte(carry & 0xff);
    carry >>= 8;
  }
  EXPECT_FALSE(key_of(v)->verify("r", signature));  // the same S modulo L
  signature = from_hex(v.signature);
  std::copy(l.begin(), l.end(), signature.begin() + 32);
  EXPECT_FALSE(key_of(v)->verify("r", signature));
  EXPECT_TRUE(key_of(v)->verify("r", from_hex(v.signature)));
}

TEST(Ed25519Key, EveryChangedBitIsNoticed) {
  const Rfc8032& v = rfc8032()[1];
  const auto key = key_of(v);
  const Bytes good = from_hex(v.signature);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes changed = good;
    changed[bit / 8] ^= std::byte(1u << bit % 8);
    EXPECT_FALSE(key->verify("r", changed)) << bit;
  }
}

TEST(Ed25519Key, SignatureOfAnotherLengthIsRefused) {
  const Rfc8032& v = rfc8032()[1];
  Bytes signature = from_hex(v.signature);
  for (std::size_t size = 0; size < signature.size(); ++size) {
    EXPECT_FALSE(key_of(v)->verify("r", std::span(signature).first(size)));
  }
  signature.push_back(std::byte{0});
  EXPECT_FALSE(key_of(v)->verify("r", signature));
  EXPECT_FALSE(key_of(v)->verify("r", Bytes(64)));
  EXPECT_FALSE(key_of(v)->verify("r", Bytes(114)));  // Ed448
}

void expect_refused(const Bytes& point) {
  const auto made = PublicKey::create(OkpPublic{point}, Algorithm::eddsa, default_limits);
  ASSERT_FALSE(made.has_value()) << to_hex(point);
  EXPECT_EQ(made.error().code, Errc::invalid_key);
}

TEST(Ed25519Key, PointOfAnotherLengthIsRefused) {
  const Bytes good = from_hex(rfc8032()[0].point);
  expect_refused({});
  expect_refused(Bytes(good.begin(), good.end() - 1));
  Bytes longer = good;
  longer.push_back(std::byte{0});
  expect_refused(longer);
  expect_refused(Bytes(57));  // Ed448
}

TEST(Ed25519Key, PointsOfSmallOrderAreRefused) {
  for (const std::string_view point :
       {"0100000000000000000000000000000000000000000000000000000000000000",     // order 1
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",     // order 2
        "0000000000000000000000000000000000000000000000000000000000000000",     // order 4
        "0000000000000000000000000000000000000000000000000000000000000080",     // order 4
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",     // order 8
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",     // order 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",     // order 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"}) {  // order 8
    expect_refused(from_hex(point));
  }
}

TEST(Ed25519Key, PointsThatAreNotCanonicalAreRefused) {
  for (const std::string_view point :
       {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p, which is 0
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 1, which is 1
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0100000000000000000000000000000000000000000000000000000000000080"}) {  // 1 with the sign of a zero x
    expect_refused(from_hex(point));
  }
}

TEST(Ed25519Key, PointOutsideTheMainSubgroupIsRefused) {
  const Bytes good = from_hex(rfc8032()[0].point);
  const Bytes small = from_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  Bytes mixed(32);
  ASSERT_EQ(crypto_core_ed25519_add(reinterpret_cast<unsigned char*>(mixed.data()),
                                    reinterpret_cast<const unsigned char*>(good.data()),
                                    reinterpret_cast<const unsigned char*>(small.data())),
            0);
  expect_refused(mixed);
}

TEST(Ed25519Key, BytesThatAreNoPointAreRefused) {
  expect_refused(from_hex("0200000000000000000000000000000000000000000000000000000000000000"));
}

TEST(Ed25519Key, SeedOfAnotherKeyOrLengthIsRefused) {
  const auto make = [](std::string_view point, std::string_view seed) {
    return PrivateKey::create(OkpPrivate{{from_hex(point)}, secret_from_hex(seed)}, Algorithm::eddsa, default_limits);
  };
  const Rfc8032& v = rfc8032()[0];
  EXPECT_TRUE(make(v.point, v.seed));
  for (const std::string& seed :
       {rfc8032()[1].seed, v.seed + "00", v.seed + v.point, std::string(), v.seed.substr(2)}) {
    const auto made = make(v.point, seed);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::invalid_key);
  }
}

TEST(Ed25519Key, SigningIntoAnotherLengthFails) {
  const auto key = PrivateKey::create(PrivateKey::generate(Algorithm::eddsa, 0), Algorithm::eddsa, default_limits);
  Bytes out(65);
  EXPECT_FALSE((*key)->sign("x", out));
  EXPECT_FALSE((*key)->sign("x", {}));
}

}  // namespace
}  // namespace jeton::crypto
