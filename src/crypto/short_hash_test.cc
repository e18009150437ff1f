#include "crypto/short_hash.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace jeton::crypto {
namespace {

std::array<unsigned char, 16> bytes_of(const ShortHash& hash) {
  std::array<unsigned char, 16> bytes;
  std::memcpy(bytes.data(), &hash.high, 8);
  std::memcpy(bytes.data() + 8, &hash.low, 8);
  return bytes;
}

// The first two of the vectors that come with the reference implementation: key 00 01 … 0f, messages of 0 and 1 bytes.
TEST(ShortHash, IsSipHash) {
  ShortHashKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
  EXPECT_EQ(bytes_of(short_hash(key, "")),
            (std::array<unsigned char, 16>{0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
                                           0x55, 0x02, 0x93}));
  EXPECT_EQ(bytes_of(short_hash(key, std::string_view("\0", 1))),
            (std::array<unsigned char, 16>{0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
                                           0x22, 0xfc, 0x45}));
}

TEST(ShortHash, DependsOnKeyAndText) {
  const ShortHashKey one{std::byte{1}}, two{std::byte{2}};
  EXPECT_EQ(short_hash(one, "text"), short_hash(one, "text"));
  EXPECT_NE(short_hash(one, "text"), short_hash(two, "text"));
  EXPECT_NE(short_hash(one, "text"), short_hash(one, "texu"));
}

}  // namespace
}  // namespace jeton::crypto
