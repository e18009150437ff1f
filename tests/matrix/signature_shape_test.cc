// For each algorithm there is one length of signature, and within it one range; everything else is bad_signature.
#include "bound_key.h"

#include <jeton/jws.h>
#include <jeton/key_set.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace jeton::matrix {
namespace {

class SignatureShape : public testing::TestWithParam<int> {
 protected:
  const BoundKey& key() const { return bound_keys()[static_cast<std::size_t>(GetParam())]; }
  std::string token() const { return compact(R"({"alg":")" + key().name() + "\"}", "payload", key()); }

  void expect_refused(const std::string& signature, std::string_view what) const {
    const auto refused =
        jws_verify(with_signature(token(), signature), KeySet{{key().verifying}}, AlgorithmRule::of_the_keys());
    ASSERT_FALSE(refused.has_value()) << key().name() << ": " << what;
    EXPECT_EQ(refused.error().code, Errc::bad_signature) << key().name() << ": " << what;
  }
};

TEST_P(SignatureShape, GoodOneVerifiesAndHasTheOneLength) {
  const std::string good = token();
  EXPECT_TRUE(jws_verify(good, KeySet{{key().verifying}}, AlgorithmRule::of_the_keys()).has_value());
  constexpr std::size_t sizes[] = {32, 48, 64, 256, 256, 256, 256, 256, 256, 64, 96, 132, 64};
  EXPECT_EQ(signature_of(good).size(), sizes[GetParam()]);
}

TEST_P(SignatureShape, AnyOtherLengthIsRefused) {
  const std::string good = signature_of(token());
  for (std::size_t size = 1; size < good.size(); size += good.size() > 64 ? 13 : 1)
    expect_refused(good.substr(0, size), "cut");
  expect_refused(good.substr(0, good.size() - 1), "one byte short");
  expect_refused(good.substr(1), "first byte missing");
  expect_refused(good + '\0', "a zero byte more");
  expect_refused('\0' + good, "a zero byte before");
  expect_refused(good + good, "twice");
  for (const std::size_t size : {20, 32, 48, 64, 96, 114, 132, 256, 384, 512}) {
    if (size != good.size()) expect_refused(std::string(size, '\x01'), "the length of another algorithm");
  }
}

TEST_P(SignatureShape, ZerosAndOnesAreRefused) {
  const std::size_t size = signature_of(token()).size();
  expect_refused(std::string(size, '\0'), "zeros");
  expect_refused(std::string(size, '\xFF'), "ones");
  expect_refused(std::string(size - 1, '\0') + '\x01', "one");
}

TEST_P(SignatureShape, FlippedBitIsRefused) {
  const std::string good = signature_of(token());
  const std::size_t step = good.size() > 64 ? 7 : 3;  // RSA and ECDSA take their time
  for (std::size_t i = 0; i < good.size(); i += step) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    expect_refused(bad, "one bit");
  }
}

INSTANTIATE_TEST_SUITE_P(All, SignatureShape, testing::Range(0, algorithm_count), [](const auto& instance) {
  return std::string(name_of(static_cast<Algorithm>(instance.param)));
});

// RFC 8032 section 5.1.7: S is below the order of the group. S + L is the same number to a careless verifier.
TEST(Ed25519Signature, SBeyondTheOrderIsRefused) {
  constexpr unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                       0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
  const BoundKey& key = bound_key(Algorithm::eddsa);
  const std::string token = compact(R"({"alg":"EdDSA"})", "payload", key);
  std::string signature = signature_of(token);
  ASSERT_TRUE(jws_verify(token, KeySet{{key.verifying}}, AlgorithmRule::of_the_keys()).has_value());
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned char>(signature[32 + i]) + order[i];
    signature[32 + i] = static_cast<char>(carry & 0xFF);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0u);
  const auto refused =
      jws_verify(with_signature(token, signature), KeySet{{key.verifying}}, AlgorithmRule::of_the_keys());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::bad_signature);
}

// CVE-2022-21449 on every curve, and the orders themselves.
TEST(EcdsaSignature, ZeroAndOrderAreRefusedOnEveryCurve) {
  const std::pair<Algorithm, std::string_view> orders[] = {
      {Algorithm::es256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
      {Algorithm::es384,
       "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"},
      {Algorithm::es512,
       "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
       "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"},
  };
  for (const auto& [algorithm, hex] : orders) {
    std::string order;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      order += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    const BoundKey& key = bound_key(algorithm);
    const std::string token = compact(R"({"alg":")" + key.name() + "\"}", "payload", key);
    const std::string good = signature_of(token), r = good.substr(0, order.size()), s = good.substr(order.size());
    ASSERT_EQ(good.size(), 2 * order.size());
    const std::string zero(order.size(), '\0');
    for (const std::string& bad : {zero + zero, zero + s, r + zero, order + s, r + order, order + order}) {
      const auto refused =
          jws_verify(with_signature(token, bad), KeySet{{key.verifying}}, AlgorithmRule::of_the_keys());
      ASSERT_FALSE(refused.has_value()) << key.name();
      EXPECT_EQ(refused.error().code, Errc::bad_signature) << key.name();
    }
    EXPECT_TRUE(jws_verify(token, KeySet{{key.verifying}}, AlgorithmRule::of_the_keys()).has_value());
  }
}

}  // namespace
}  // namespace jeton::matrix
