#include "crypto/sealed_box.h"

#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

#include <set>

namespace jeton::crypto {
namespace {

class SealedBox : public testing::Test {
 protected:
  SecretBytes key_ = SecretBytes::random(32);
};

TEST_F(SealedBox, OpensWithTheSameKeyAndContext) {
  const Bytes sealed = seal(key_, SecretBytes::from_text("a private key"), "key 7");
  EXPECT_EQ(sealed.size(), 12u + 13u + 16u);
  const auto opened = open(key_, sealed, "key 7");
  ASSERT_TRUE(opened);
  EXPECT_EQ(text_of(opened->reveal(InsecureSecretAccess::get())), "a private key");
}

TEST_F(SealedBox, EmptySecretIsStillAuthenticated) {
  Bytes sealed = seal(key_, SecretBytes{}, "");
  EXPECT_EQ(sealed.size(), 28u);
  ASSERT_TRUE(open(key_, sealed, ""));
  EXPECT_TRUE(open(key_, sealed, "")->empty());
  EXPECT_FALSE(open(key_, sealed, "x"));
  sealed.back() ^= std::byte{1};
  EXPECT_FALSE(open(key_, sealed, ""));
}

TEST_F(SealedBox, AnotherKeyOrContextOpensNothing) {
  const Bytes sealed = seal(key_, SecretBytes::from_text("s"), "key 7");
  EXPECT_FALSE(open(SecretBytes::random(32), sealed, "key 7"));
  EXPECT_FALSE(open(key_, sealed, "key 8"));
  EXPECT_FALSE(open(key_, sealed, ""));
  EXPECT_FALSE(open(key_, sealed, "key 77"));
}

TEST_F(SealedBox, EveryChangedByteIsNoticed) {
  const Bytes sealed = seal(key_, SecretBytes::from_text("a private key"), "c");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= std::byte{0x01};
    EXPECT_FALSE(open(key_, changed, "c")) << "byte " << i;
  }
}

TEST_F(SealedBox, EveryCutIsNoticed) {
  const Bytes sealed = seal(key_, SecretBytes::from_text("a private key"), "c");
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(open(key_, std::span(sealed).first(size), "c")) << size << " bytes";
    EXPECT_FALSE(open(key_, std::span(sealed).last(size), "c")) << size << " last bytes";
  }
  Bytes longer = sealed;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(open(key_, longer, "c"));
}

TEST_F(SealedBox, NoNonceComesTwice) {
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) {
    const Bytes sealed = seal(key_, SecretBytes::from_text("s"), "");
    nonces.insert(to_hex(std::span(sealed).first(12)));
  }
  EXPECT_EQ(nonces.size(), 1000u);
}

// The Galois/Counter Mode of Operation (McGrew, Viega), test cases 13, 14 and 16.
TEST_F(SealedBox, OpensWhatTheModesAuthorsPublished) {
  const SecretBytes zeros = secret_from_hex(std::string(64, '0'));
  const std::string nonce(24, '0');
  const auto empty = open(zeros, from_hex(nonce + "530f8afbc74536b9a963b4f1c4cb738b"), "");
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->empty());
  const auto block = open(zeros,
                          from_hex(nonce + "cea7403d4d606b6e074ec5d3baf39d18"
                                           "d0d1c8a799996bf0265b98b5d48ab919"),
                          "");
  ASSERT_TRUE(block);
  EXPECT_EQ(to_hex(*block), std::string(32, '0'));
  const auto with_context = open(secret_from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
                                 from_hex("cafebabefacedbaddecaf888"
                                          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590d"
                                          "bb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                          "76fc6ece0f4e1768cddf8853bb2d551b"),
                                 text_of(from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")));
  ASSERT_TRUE(with_context);
  EXPECT_EQ(
      to_hex(*with_context),
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de6"
      "57ba637b39");
}

TEST_F(SealedBox, AKeyOfAnotherLengthIsAFaultOfTheCaller) {
  EXPECT_DEATH(seal(SecretBytes::random(16), SecretBytes::from_text("s"), ""), "");
  EXPECT_DEATH(open(SecretBytes{}, Bytes(40), ""), "");
}

}  // namespace
}  // namespace jeton::crypto
