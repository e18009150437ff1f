#include "crypto/p256_verifier.h"

#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/key_numbers.h"
#include "crypto/nist_curve.h"
#include "crypto/openssl_ptr.h"
#include "crypto/test_bytes.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <thread>

namespace jeton::crypto {
namespace {

using GroupPtr = std::unique_ptr<EC_GROUP, Release<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Release<EC_POINT_free>>;

// P-256 and numbers modulo its order, for making signatures that no signer would make.
class Arithmetic {
 public:
  const EC_GROUP* curve() const { return curve_.get(); }
  BN_CTX* scratch() const { return scratch_.get(); }
  const BIGNUM* order() const { return EC_GROUP_get0_order(curve()); }

  NumberPtr small(long value) const {  // negative ones count from the order downwards
    NumberPtr made(BN_new());
    BN_set_word(made.get(), static_cast<BN_ULONG>(std::labs(value)));
    if (value < 0) BN_sub(made.get(), order(), made.get());
    return made;
  }
  NumberPtr random() const {
    NumberPtr made(BN_new());
    do BN_rand_range(made.get(), order());
    while (BN_is_zero(made.get()));
    return made;
  }
  NumberPtr product(const NumberPtr& a, const NumberPtr& b) const {
    NumberPtr made(BN_new());
    BN_mod_mul(made.get(), a.get(), b.get(), order(), scratch());
    return made;
  }
  NumberPtr sum(const NumberPtr& a, const NumberPtr& b) const {
    NumberPtr made(BN_new());
    BN_mod_add(made.get(), a.get(), b.get(), order(), scratch());
    return made;
  }
  NumberPtr negative(const NumberPtr& a) const {
    NumberPtr made(BN_new());
    BN_mod_sub(made.get(), small(0).get(), a.get(), order(), scratch());
    return made;
  }
  NumberPtr inverse(const NumberPtr& a) const {
    return NumberPtr(BN_mod_inverse(nullptr, a.get(), order(), scratch()));
  }
  PointPtr base_times(const NumberPtr& k) const {
    PointPtr made(EC_POINT_new(curve()));
    EC_POINT_mul(curve(), made.get(), k.get(), nullptr, nullptr, scratch());
    return made;
  }
  NumberPtr x_of(const PointPtr& point) const {
    NumberPtr x(BN_new());
    EC_POINT_get_affine_coordinates(curve(), point.get(), x.get(), nullptr, scratch());
    BN_nnmod(x.get(), x.get(), order(), scratch());
    return x;
  }
  EcPublic key_of(const PointPtr& point) const {
    NumberPtr x(BN_new()), y(BN_new());
    EC_POINT_get_affine_coordinates(curve(), point.get(), x.get(), y.get(), scratch());
    return {Curve::p256, octets(x), octets(y)};
  }
  static Bytes octets(const NumberPtr& number) {
    Bytes bytes(32);
    BN_bn2binpad(number.get(), as_octets(std::span(bytes)), 32);
    return bytes;
  }

 private:
  GroupPtr curve_{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  NumberContextPtr scratch_{BN_CTX_new()};
};

// OpenSSL's own verdict on a digest, by nothing of ours.
bool openssl_verdict(const EcPublic& key, const Bytes& digest, const Bytes& r, const Bytes& s) {
  KeyParameters parameters;
  Bytes point{std::byte{4}};
  point.insert(point.end(), key.x.begin(), key.x.end());
  point.insert(point.end(), key.y.begin(), key.y.end());
  parameters.text(OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1");
  parameters.octets(OSSL_PKEY_PARAM_PUB_KEY, point);
  const PkeyPtr made = parameters.make("EC", EVP_PKEY_PUBLIC_KEY);
  const std::unique_ptr<ECDSA_SIG, Release<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), to_number(r).release(), to_number(s).release());
  unsigned char* der = nullptr;
  const int der_bytes = i2d_ECDSA_SIG(signature.get(), &der);
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, made.get(), nullptr));
  const ErrorQueueGuard guard;
  const bool good =
      EVP_PKEY_verify_init(context.get()) == 1 &&
      EVP_PKEY_verify(context.get(), der, static_cast<std::size_t>(der_bytes), as_octets(digest), digest.size()) == 1;
  OPENSSL_free(der);
  return good;
}

bool verdict_of(const P256Verifier& verifier, const Bytes& digest, const Bytes& r, const Bytes& s) {
  const auto verdict =
      verifier.verify(std::span(digest).first<32>(), std::span(r).first<32>(), std::span(s).first<32>());
  EXPECT_NE(verdict, P256Verifier::Verdict::unknown);
  return verdict == P256Verifier::Verdict::good;
}

// By OpenSSL, by ours, and by ours with a table.
void expect_verdict(bool good, const EcPublic& key, const Bytes& digest, const Bytes& r, const Bytes& s) {
  EXPECT_EQ(openssl_verdict(key, digest, r, s), good);
  EXPECT_EQ(verdict_of(*P256Verifier::plain(key), digest, r, s), good);
  EXPECT_EQ(verdict_of(*P256Verifier::with_table(key), digest, r, s), good);
}

void expect_verdict(bool good, const EcPublic& key, const NumberPtr& digest, const NumberPtr& r, const NumberPtr& s) {
  expect_verdict(good, key, Arithmetic::octets(digest), Arithmetic::octets(r), Arithmetic::octets(s));
}

bool openssl_verdict(const EcPublic& key, std::string_view message, const Bytes& signature) {
  const Sha256 digest = sha256(message);
  return openssl_verdict(key, Bytes(digest.begin(), digest.end()), Bytes(signature.begin(), signature.begin() + 32),
                         Bytes(signature.begin() + 32, signature.end()));
}

struct Pair {
  EcPublic pub;
  std::shared_ptr<const PublicKey> plain, fast;
  std::shared_ptr<const PrivateKey> private_key;
};

Pair fresh_pair() {
  PrivateMaterial material = PrivateKey::generate(Algorithm::es256, 0);
  const PublicMaterial pub = public_part(material);
  auto plain = PublicKey::create(pub, Algorithm::es256, default_limits).value();
  auto fast = PublicKey::precompute(plain, pub);
  return {std::get<EcPublic>(pub), plain, fast,
          PrivateKey::create(std::move(material), Algorithm::es256, default_limits).value()};
}

TEST(P256Verifier, SignatureOfRfc6979Verifies) {
  const EcPublic key{Curve::p256, from_hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"),
                     from_hex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299")};
  const Bytes signature = from_hex(
      "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
      "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
  const auto plain = PublicKey::create(key, Algorithm::es256, default_limits).value();
  const auto fast = PublicKey::precompute(plain, key);
  ASSERT_NE(fast, nullptr);
  EXPECT_TRUE(fast->is_precomputed());
  EXPECT_FALSE(plain->is_precomputed());
  EXPECT_EQ(fast->algorithm(), Algorithm::es256);
  EXPECT_EQ(fast->signature_bytes(), 64u);
  EXPECT_TRUE(fast->verify("sample", signature));
  EXPECT_FALSE(fast->verify("samplf", signature));
}

// Thousands of signatures, good ones and changed ones: the same verdict from OpenSSL, from ours, and with the table.
TEST(P256Verifier, VerdictsAreThoseOfOpenSsl) {
  std::mt19937_64 chance(20250101);
  const Bytes order(nist_curve(Curve::p256)->order().begin(), nist_curve(Curve::p256)->order().end());
  int good = 0;
  for (int round = 0; round < 8; ++round) {
    const Pair pair = fresh_pair();
    const Pair other = fresh_pair();
    ASSERT_NE(pair.fast, nullptr);
    for (int i = 0; i < 400; ++i) {
      const std::string message = "message " + std::to_string(chance());
      Bytes signature(64);
      const bool strangers = i % 8 == 7;
      ASSERT_TRUE((strangers ? other : pair).private_key->sign(message, signature));
      if (i % 8 == 1) signature[chance() % 64] ^= std::byte(1u << chance() % 8);
      if (i % 8 == 2) std::swap_ranges(signature.begin(), signature.begin() + 32, signature.begin() + 32);
      if (i % 8 == 3) std::fill_n(signature.begin() + (i % 16 < 8 ? 0 : 32), 32, std::byte{0});
      if (i % 8 == 4) std::ranges::copy(order, signature.begin() + (i % 16 < 8 ? 0 : 32));
      if (i % 8 == 5) {  // the twin, which is good
        int borrow = 0;
        for (std::size_t at = 64; at-- > 32;) {
          const int left = std::to_integer<int>(order[at - 32]) - std::to_integer<int>(signature[at]) - borrow;
          signature[at] = std::byte(static_cast<unsigned>(left) & 0xff);
          borrow = left < 0;
        }
      }
      if (i % 8 == 6) std::ranges::generate(signature, [&] { return std::byte(chance() & 0xff); });
      const bool verdict = openssl_verdict(pair.pub, message, signature);
      EXPECT_EQ(pair.plain->verify(message, signature), verdict) << to_hex(signature);
      EXPECT_EQ(pair.fast->verify(message, signature), verdict) << to_hex(signature);
      if (i % 8 == 0 || i % 8 == 5) {
        EXPECT_TRUE(verdict);
      }
      good += verdict;
    }
  }
  EXPECT_EQ(good, 8 * 100);
}

TEST(P256Verifier, NumbersOutsideTheRangeAndOtherLengthsAreRefused) {
  const Pair pair = fresh_pair();
  Bytes good(64);
  ASSERT_TRUE(pair.private_key->sign("sample", good));
  ASSERT_TRUE(pair.fast->verify("sample", good));
  const Bytes zero(32), all_ones(32, std::byte{0xff});
  const Bytes order(nist_curve(Curve::p256)->order().begin(), nist_curve(Curve::p256)->order().end());
  Bytes beyond = order;
  beyond.back() ^= std::byte{3};  // …51 becomes …52
  for (const Bytes& bad : {zero, order, beyond, all_ones}) {
    for (const std::ptrdiff_t at : {0, 32}) {
      Bytes signature = good;
      std::ranges::copy(bad, signature.begin() + at);
      EXPECT_FALSE(pair.fast->verify("sample", signature));
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(pair.fast->verify("sample", std::span(good).first(size)));
  }
  good.push_back(std::byte{0});
  EXPECT_FALSE(pair.fast->verify("sample", good));
}

// Digests at the ends of the range, zero among them, with which the generator's part of the sum is nothing at all.
TEST(P256Verifier, DigestsAtTheEdgesVerify) {
  const Arithmetic math;
  for (const long d_value : {0L, 1L, 2L, -1L, -2L}) {
    const NumberPtr d = d_value == 0 ? math.random() : math.small(d_value);
    const EcPublic key = math.key_of(math.base_times(d));
    for (const long z_value : {0L, 1L, -1L, -2L}) {
      const NumberPtr z = math.small(z_value), k = math.random();
      const NumberPtr r = math.x_of(math.base_times(k));
      const NumberPtr s = math.product(math.inverse(k), math.sum(z, math.product(r, d)));
      expect_verdict(true, key, z, r, s);
      expect_verdict(false, key, math.sum(z, math.small(1)), r, s);
    }
  }
}

// A digest is any 256 bits: from the order upwards it counts modulo the order.
TEST(P256Verifier, DigestBeyondTheOrderIsReduced) {
  const Arithmetic math;
  const NumberPtr d = math.random(), k = math.random();
  const EcPublic key = math.key_of(math.base_times(d));
  const NumberPtr r = math.x_of(math.base_times(k));
  for (const auto& digest : {Bytes(32, std::byte{0xff}), Arithmetic::octets(NumberPtr(BN_dup(math.order())))}) {
    const NumberPtr z = to_number(digest);
    const NumberPtr s = math.product(math.inverse(k), math.sum(z, math.product(r, d)));
    expect_verdict(true, key, digest, Arithmetic::octets(r), Arithmetic::octets(s));
  }
}

// The two parts of the sum cancel out, and there is no x to compare.
TEST(P256Verifier, SumAtInfinityIsRefused) {
  const Arithmetic math;
  for (int i = 0; i < 8; ++i) {
    const NumberPtr d = i == 0 ? math.small(1) : math.random();
    const EcPublic key = math.key_of(math.base_times(d));
    const NumberPtr r = i == 1 ? math.small(1) : math.random();
    expect_verdict(false, key, math.negative(math.product(r, d)), r, math.random());
  }
}

// The two parts of the sum are the same point, which adding must double.
TEST(P256Verifier, SumOfEqualPointsVerifies) {
  const Arithmetic math;
  for (int i = 0; i < 8; ++i) {
    const NumberPtr d = i == 0 ? math.small(1) : math.random(), k = math.random();
    const EcPublic key = math.key_of(math.base_times(d));
    const NumberPtr r = math.x_of(math.base_times(k));
    const NumberPtr z = math.product(r, d);
    const NumberPtr s = math.product(math.inverse(k), math.sum(z, z));
    expect_verdict(true, key, z, r, s);
    expect_verdict(false, key, z, r, math.sum(s, math.small(1)));
  }
}

// The point's x lies between the order and the field's prime, so that r is x less the order. Such points are too rare
// to be met, so the key is worked out from one.
TEST(P256Verifier, PointWithXBeyondTheOrderVerifies) {
  const Arithmetic math;
  int found = 0;
  for (long excess = 1; found < 5; ++excess) {
    NumberPtr x = math.small(excess);
    BN_add(x.get(), x.get(), math.order());
    const PointPtr sum(EC_POINT_new(math.curve())), point(EC_POINT_new(math.curve()));
    const ErrorQueueGuard guard;
    if (EC_POINT_set_compressed_coordinates(math.curve(), sum.get(), x.get(), 0, math.scratch()) != 1) continue;
    ++found;
    const NumberPtr r = math.small(excess), s = math.random(), z = math.random();
    // sum = z/s · G + r/s · key, so key = s/r · sum - z/r · G
    const NumberPtr of_sum = math.product(s, math.inverse(r));
    const NumberPtr of_base = math.negative(math.product(z, math.inverse(r)));
    EC_POINT_mul(math.curve(), point.get(), of_base.get(), sum.get(), of_sum.get(), math.scratch());
    const EcPublic key = math.key_of(point);
    expect_verdict(true, key, z, r, s);
    expect_verdict(false, key, z, math.sum(r, math.small(1)), s);
  }
}

TEST(P256Verifier, OnlyEs256KeysHaveTables) {
  for (const Algorithm algorithm : {Algorithm::es384, Algorithm::es512, Algorithm::eddsa}) {
    const PublicMaterial pub = public_part(PrivateKey::generate(algorithm, 0));
    EXPECT_EQ(PublicKey::precompute(PublicKey::create(pub, algorithm, default_limits).value(), pub), nullptr);
  }
  const Pair pair = fresh_pair();
  EXPECT_EQ(PublicKey::precompute(pair.fast, public_part(PrivateKey::generate(Algorithm::es256, 0))), nullptr);
}

TEST(P256Verifier, PointOffTheCurveHasNoTable) {
  PublicMaterial pub = public_part(PrivateKey::generate(Algorithm::es256, 0));
  auto& key = std::get<EcPublic>(pub);
  key.y.back() ^= std::byte{1};
  EXPECT_EQ(P256Verifier::with_table(key), nullptr);
  EXPECT_EQ(P256Verifier::plain(key), nullptr);
  EXPECT_EQ(P256Verifier::with_table({Curve::p256, Bytes(32), Bytes(32)}), nullptr);
}

TEST(P256Verifier, OneTableServesManyThreads) {
  const Pair pair = fresh_pair();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string message = std::to_string(t) + " says " + std::to_string(i);
        Bytes signature(64);
        if (!pair.private_key->sign(message, signature) || !pair.fast->verify(message, signature)) ++wrong;
        signature[static_cast<std::size_t>(i) % 64] ^= std::byte{0x10};
        if (pair.fast->verify(message, signature)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Whoever uses OpenSSL beside us must not find our refusals in its queue.
TEST(P256Verifier, LeavesTheErrorQueueAlone) {
  ERR_clear_error();
  const Pair pair = fresh_pair();
  EXPECT_FALSE(pair.fast->verify("sample", Bytes(64, std::byte{1})));
  EXPECT_EQ(P256Verifier::with_table({Curve::p256, Bytes(32), Bytes(32)}), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace jeton::crypto
