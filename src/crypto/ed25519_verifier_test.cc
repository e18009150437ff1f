#include "crypto/ed25519_verifier.h"

#include "crypto/openssl_ptr.h"
#include "crypto/test_bytes.h"

#include <openssl/bn.h>
#include <sodium.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace jeton::crypto {
namespace {

using Encoded = std::array<std::byte, 32>;
using NumberPtr = std::unique_ptr<BIGNUM, Release<BN_free>>;

unsigned char* octets(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* octets(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

Encoded encoded_from_hex(std::string_view hex) {
  const Bytes bytes = from_hex(hex);
  Encoded encoded{};
  std::ranges::copy(bytes, encoded.begin());
  return encoded;
}

Encoded random_bytes_of(std::mt19937_64& random) {
  Encoded bytes;
  for (std::byte& b : bytes) b = std::byte(random() & 0xff);
  return bytes;
}

// --- the field -------------------------------------------------------------------------------------------------------

class ByOpenSsl {
 public:
  ByOpenSsl() : prime_(BN_new()), scratch_(BN_CTX_new()) {
    BN_set_bit(prime_.get(), 255);
    BN_sub_word(prime_.get(), 19);
  }
  NumberPtr number(const Encoded& little_endian) const {
    NumberPtr made(BN_lebin2bn(octets(little_endian.data()), 32, nullptr));
    BN_clear_bit(made.get(), 255);
    return made;
  }
  template <class Operation>
  Encoded result(const Encoded& a, const Encoded& b, Operation operation) const {
    const NumberPtr out(BN_new()), x = number(a), y = number(b);
    operation(out.get(), x.get(), y.get(), prime_.get(), scratch_.get());
    Encoded bytes;
    BN_bn2lebinpad(out.get(), octets(bytes.data()), 32);
    return bytes;
  }

 private:
  NumberPtr prime_;
  NumberContextPtr scratch_;
};

std::vector<Encoded> numbers_at_the_edges() {
  std::vector<Encoded> numbers;
  for (const std::string_view hex : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "1200000000000000000000000000000000000000000000000000000000000000",
           "1300000000000000000000000000000000000000000000000000000000000000",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p - 1
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 18
           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
           "ffffffffffff0700000000000000000000000000000000000000000000000000",  // one whole digit
           "000000000000f8ffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "0000000000000000000000000000000000000000000000000000000000000040",
       })
    numbers.push_back(encoded_from_hex(hex));
  return numbers;
}

TEST(Field25519, ArithmeticIsThatOfOpenSsl) {
  const ByOpenSsl reference;
  std::mt19937_64 random(25519);
  std::vector<Encoded> numbers = numbers_at_the_edges();
  for (int i = 0; i < 60; ++i) {
    numbers.push_back(random_bytes_of(random));
    for (std::byte& b : numbers.back()) {
      if (i % 3 == 1) b = random() % 2 ? std::byte{0xff} : std::byte{0};
    }
  }
  for (const Encoded& a : numbers) {
    const Field25519 x(a);
    EXPECT_EQ(x.square().bytes(), (x * x).bytes());
    EXPECT_EQ(x.square_times(3).bytes(), x.square().square().square().bytes());
    if (x != Field25519(0)) {
      EXPECT_EQ(x * x.inverse(), Field25519(1));
    }
    for (const Encoded& b : numbers) {
      const Field25519 y(b);
      const Encoded product = reference.result(a, b, BN_mod_mul), sum = reference.result(a, b, BN_mod_add),
                    difference = reference.result(a, b, BN_mod_sub);
      EXPECT_EQ((x * y).bytes(), product);
      EXPECT_EQ((x + y).bytes(), sum);
      EXPECT_EQ((x - y).bytes(), difference);
      EXPECT_EQ(x.minus_large(y).bytes(), difference);
      // Digits as large as the curve's formulas make them.
      const Field25519 large = (x + x).minus_large(y + y);
      const Field25519 tight = large * Field25519(1);
      EXPECT_EQ(large.square(), tight.square());
      EXPECT_EQ(large * large, tight * tight);
      EXPECT_EQ(large * y, tight * y);
      EXPECT_EQ(y * large, tight * y);
    }
  }
  EXPECT_EQ(Field25519(0).inverse(), Field25519(0));
}

// --- the curve -------------------------------------------------------------------------------------------------------

struct Pair {
  Encoded key;
  std::array<std::byte, 64> secret;
};

Pair make_pair(std::mt19937_64& random) {
  const Encoded seed = random_bytes_of(random);
  Pair pair;
  crypto_sign_ed25519_seed_keypair(octets(pair.key.data()), octets(pair.secret.data()), octets(seed.data()));
  return pair;
}

Words25519 words_of(const Encoded& bytes) {
  Words25519 words{};
  for (std::size_t i = 0; i < 32; ++i) words[i / 8] |= std::to_integer<std::uint64_t>(bytes[i]) << i % 8 * 8;
  return words;
}

// number · point; the neutral point for 0, which libsodium calls an error.
Encoded product(const Encoded& number, const Encoded& point) {
  Encoded out{std::byte{1}};
  if (number != Encoded{}) {
    EXPECT_EQ(crypto_scalarmult_ed25519_noclamp(octets(out.data()), octets(number.data()), octets(point.data())), 0);
  }
  return out;
}

TEST(Edwards25519, SumsOfProductsAreThoseOfLibsodium) {
  ASSERT_GE(sodium_init(), 0);
  std::mt19937_64 random(8032);
  const Encoded base = encoded_from_hex("5866666666666666666666666666666666666666666666666666666666666666");
  const auto of_base = MultiplesTable::of(base, false, 7);
  std::vector<Encoded> numbers;
  for (const std::string_view hex : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0f",  // every word carries
           "ffffffffffffffff000000000000000000000000000000000000000000000000",
           "0000000000000000ffffffffffffffff00000000000000000000000000000000",
           "0000000000000080000000000000008000000000000000800000000000000008",
           "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",  // L - 1
       })
    numbers.push_back(encoded_from_hex(hex));
  for (int i = 0; i < 40; ++i) {
    numbers.push_back(random_bytes_of(random));
    numbers.back()[31] &= std::byte{0x0f};
    for (std::byte& b : std::span(numbers.back()).first(31)) {
      if (i % 4 == 1) b = random() % 2 ? std::byte{0xff} : std::byte{0};
    }
  }
  for (int keys = 0; keys < 3; ++keys) {
    const Encoded key = make_pair(random).key;
    for (const unsigned width : {2u, 5u, 7u}) {
      const auto of_key = MultiplesTable::of(key, false, width), negative = MultiplesTable::of(key, true, width);
      ASSERT_TRUE(of_key && negative && of_base);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const Encoded &a = numbers[i], &b = numbers[(i * 5 + 2) % numbers.size()];
        const Encoded of_a = product(a, key), of_b = product(b, base);
        Encoded sum, difference;
        crypto_core_ed25519_add(octets(sum.data()), octets(of_b.data()), octets(of_a.data()));
        crypto_core_ed25519_sub(octets(difference.data()), octets(of_b.data()), octets(of_a.data()));
        EXPECT_EQ(sum_of_products(words_of(a), *of_key, words_of(b), *of_base).encoded(), sum);
        EXPECT_EQ(sum_of_products(words_of(a), *negative, words_of(b), *of_base).encoded(), difference);
      }
    }
  }
}

TEST(Edwards25519, WhatIsNoPointHasNoTable) {
  EXPECT_FALSE(MultiplesTable::of(encoded_from_hex("0200000000000000000000000000000000000000000000000000000000000000"),
                                  false, 5));
  EXPECT_TRUE(MultiplesTable::of(encoded_from_hex("0300000000000000000000000000000000000000000000000000000000000000"),
                                 false, 5));
}

// --- signatures ------------------------------------------------------------------------------------------------------

using Signature = std::array<std::byte, 64>;

bool libsodium_accepts(const Encoded& key, std::string_view message, const Signature& signature) {
  return crypto_sign_ed25519_verify_detached(octets(signature.data()),
                                             reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                                             octets(key.data())) == 0;
}

Signature sign(const Pair& pair, std::string_view message) {
  Signature signature;
  crypto_sign_ed25519_detached(octets(signature.data()), nullptr,
                               reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                               octets(pair.secret.data()));
  return signature;
}

// The eight points of small order, and other spellings of them.
const std::vector<std::string>& points_of_small_order() {
  static const std::vector<std::string> points{
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
  return points;
}

TEST(Ed25519Verifier, VerdictsAreThoseOfLibsodium) {
  ASSERT_GE(sodium_init(), 0);
  std::mt19937_64 random(7);
  int accepted = 0, refused = 0;
  for (int keys = 0; keys < 20; ++keys) {
    const Pair pair = make_pair(random);
    const auto verifier = Ed25519Verifier::of(pair.key);
    ASSERT_TRUE(verifier);
    for (int i = 0; i < 40; ++i) {
      std::string message(random() % 500, '\0');
      for (char& c : message) c = static_cast<char>(random());
      const Signature good = sign(pair, message);
      EXPECT_TRUE(verifier->verify(message, good));
      EXPECT_TRUE(libsodium_accepts(pair.key, message, good));
      ++accepted;
      Signature other = good;
      switch (i % 5) {
        case 0: other[random() % 64] ^= std::byte(1u << random() % 8); break;
        case 1: other[31] ^= std::byte{0x80}; break;
        case 2: {
          const Encoded point = encoded_from_hex(points_of_small_order()[random() % points_of_small_order().size()]);
          std::ranges::copy(point, other.begin());
          break;
        }
        case 3: std::ranges::copy(random_bytes_of(random), other.begin() + static_cast<int>(random() % 2 * 32)); break;
        default: other = sign(make_pair(random), message);
      }
      EXPECT_EQ(verifier->verify(message, other), libsodium_accepts(pair.key, message, other));
      EXPECT_FALSE(verifier->verify(message + "x", good));
      ++refused;
    }
  }
  EXPECT_EQ(accepted, refused);
}

// Only the owner of a key can make these: S fits, but R is of small order, or has a part that is.
TEST(Ed25519Verifier, SignaturesWithAPartOfSmallOrderAreRefused) {
  ASSERT_GE(sodium_init(), 0);
  std::mt19937_64 random(3);
  for (int round = 0; round < 10; ++round) {
    const Pair pair = make_pair(random);
    const auto verifier = Ed25519Verifier::of(pair.key);
    ASSERT_TRUE(verifier);
    std::array<std::byte, 64> expanded;
    crypto_hash_sha512(octets(expanded.data()), octets(pair.secret.data()), 32);
    expanded[0] &= std::byte{0xf8};
    expanded[31] = (expanded[31] & std::byte{0x7f}) | std::byte{0x40};
    std::array<std::byte, 64> wide{};
    std::copy_n(expanded.begin(), 32, wide.begin());
    Encoded a;  // the private number
    crypto_core_ed25519_scalar_reduce(octets(a.data()), octets(wide.data()));
    for (const std::string& hex : points_of_small_order()) {
      const Encoded r = encoded_from_hex(hex);
      const std::string message = "round " + std::to_string(round);
      std::string hashed(reinterpret_cast<const char*>(r.data()), 32);
      hashed.append(reinterpret_cast<const char*>(pair.key.data()), 32).append(message);
      std::array<std::byte, 64> digest;
      crypto_hash_sha512(octets(digest.data()), reinterpret_cast<const unsigned char*>(hashed.data()), hashed.size());
      Encoded h, s;
      crypto_core_ed25519_scalar_reduce(octets(h.data()), octets(digest.data()));
      crypto_core_ed25519_scalar_mul(octets(s.data()), octets(h.data()), octets(a.data()));
      Signature signature;
      std::ranges::copy(r, signature.begin());
      std::ranges::copy(s, signature.begin() + 32);
      EXPECT_FALSE(verifier->verify(message, signature)) << hex;
      EXPECT_FALSE(libsodium_accepts(pair.key, message, signature)) << hex;
    }
  }
}

TEST(Ed25519Verifier, SAtOrAboveTheOrderIsRefused) {
  std::mt19937_64 random(5);
  const Pair pair = make_pair(random);
  const auto verifier = Ed25519Verifier::of(pair.key);
  ASSERT_TRUE(verifier);
  const Encoded order = encoded_from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (int round = 0; round < 50; ++round) {
    const std::string message = std::to_string(round);
    Signature signature = sign(pair, message);
    ASSERT_TRUE(verifier->verify(message, signature));
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += std::to_integer<unsigned>(signature[32 + i]) + std::to_integer<unsigned>(order[i]);
      signature[32 + i] = std::byte(carry & 0xff);
      carry >>= 8;
    }
    EXPECT_FALSE(verifier->verify(message, signature));
    EXPECT_FALSE(libsodium_accepts(pair.key, message, signature));
  }
}

TEST(Ed25519Verifier, OneVerifierServesManyThreads) {
  std::mt19937_64 random(9);
  const Pair pair = make_pair(random);
  const auto verifier = Ed25519Verifier::of(pair.key);
  ASSERT_TRUE(verifier);
  const Signature good = sign(pair, "message");
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) wrong += !verifier->verify("message", good) + verifier->verify("massage", good);
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace jeton::crypto
