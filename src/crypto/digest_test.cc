#include "crypto/digest.h"

#include "crypto/sha2.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

// FIPS 180-4, the examples published with it.
TEST(Digest, Sha256OfTheStandardsExamples) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Digest, BytesAndTextGiveTheSame) { EXPECT_EQ(sha256(from_hex("616263")), sha256("abc")); }

TEST(Digest, LongerHashesOfTheStandardsExamples) {
  EXPECT_EQ(to_hex(digest_of(HashKind::sha384, "abc").view()),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(
      to_hex(digest_of(HashKind::sha512, "abc").view()),
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643"
      "ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(digest_of(HashKind::sha256, "abc").view()), to_hex(sha256("abc")));
}

}  // namespace
}  // namespace jeton::crypto
