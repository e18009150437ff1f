#include "crypto/half_inverse.h"

#include "crypto/key_numbers.h"
#include "crypto/nist_curve.h"
#include "crypto/openssl_ptr.h"
#include "crypto/random.h"
#include "crypto/test_bytes.h"

#include <gtest/gtest.h>

namespace jeton::crypto {
namespace {

using Octets = std::array<std::byte, 32>;

Octets random_octets() {
  Octets octets;
  random_bytes(octets);
  return octets;
}

// number · negative + 2^power is a multiple of the modulus, by OpenSSL's arithmetic.
void expect_right(const Octets& number, const Octets& modulus) {
  const HalfInverse half = half_inverse(words_of(number), words_of(modulus));
  ASSERT_LT(half.power, 512u);
  const NumberPtr a = to_number(number), m = to_number(modulus), x = to_number(octets_of(half.negative));
  EXPECT_LT(BN_cmp(x.get(), m.get()), 0);
  const NumberContextPtr scratch(BN_CTX_new());
  const NumberPtr sum(BN_new()), power(BN_new());
  BN_mul(sum.get(), a.get(), x.get(), scratch.get());
  BN_set_bit(power.get(), static_cast<int>(half.power));
  BN_add(sum.get(), sum.get(), power.get());
  BN_nnmod(sum.get(), sum.get(), m.get(), scratch.get());
  EXPECT_TRUE(BN_is_zero(sum.get())) << to_hex(number);
}

Octets p256_order() {
  Octets order;
  std::ranges::copy(nist_curve(Curve::p256)->order(), order.begin());
  return order;
}

// a - b, where a is not smaller.
Octets less(const Octets& a, unsigned b) {
  const NumberPtr number = to_number(a);
  BN_sub_word(number.get(), b);
  Octets octets;
  BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(octets.data()), 32);
  return octets;
}

TEST(HalfInverse, RandomNumbersHaveTheirs) {
  for (int i = 0; i < 20'000; ++i) {
    Octets number = random_octets();
    number.front() &= std::byte{0x7f};
    expect_right(number, p256_order());
  }
}

TEST(HalfInverse, SmallAndLargeNumbersHaveTheirs) {
  for (unsigned i = 1; i <= 2000; ++i) {
    Octets small{};
    small[31] = std::byte(i & 0xff);
    small[30] = std::byte(i >> 8);
    expect_right(small, p256_order());
    expect_right(less(p256_order(), i), p256_order());
  }
}

// Whole words of zeros to be shifted out at once.
TEST(HalfInverse, PowersOfTwoAndTheirNeighboursHaveTheirs) {
  for (std::size_t bit = 0; bit < 255; ++bit) {
    Octets power{};
    power[31 - bit / 8] = std::byte(1u << bit % 8);
    expect_right(power, p256_order());
    if (bit > 0) expect_right(less(power, 1), p256_order());
    power[31] |= std::byte{1};
    expect_right(power, p256_order());
  }
}

TEST(HalfInverse, WordsKeepTheBytes) {
  const Octets octets = random_octets();
  EXPECT_EQ(octets_of(words_of(octets)), octets);
  Octets one{};
  one[31] = std::byte{1};
  EXPECT_EQ(words_of(one), (Words{1, 0, 0, 0}));
}

}  // namespace
}  // namespace jeton::crypto
