#include "crypto/p256_verifier.h"

#include "crypto/half_inverse.h"
#include "crypto/nist_curve.h"
#include "crypto/openssl_ptr.h"
#include "crypto/random.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>
#include <vector>

// OpenSSL multiplies the curve's generator by means of a table, in a sixth of the time that any other point takes. A
// group whose generator is the public key gets such a table from EC_GROUP_precompute_mult, which 3.0 deprecates without
// putting anything in its place. So the warning is silenced, here and nowhere else; where the call is gone or fails,
// there is no table. The same holds for the Jacobian coordinates of a point, which spare a division.

namespace jeton::crypto {
namespace {

using GroupPtr = std::unique_ptr<EC_GROUP, Release<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Release<EC_POINT_free>>;
using MontgomeryPtr = std::unique_ptr<BN_MONT_CTX, Release<BN_MONT_CTX_free>>;

constexpr std::size_t scalar_bytes = 32;
using Scalar = std::array<std::byte, scalar_bytes>;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
bool precompute(EC_GROUP* group, BN_CTX* scratch) {
  return EC_GROUP_precompute_mult(group, scratch) == 1 && EC_GROUP_have_precompute_mult(group) == 1;
}

// The point is (x / z², y / z³).
bool get_jacobian(const EC_GROUP* group, const EC_POINT* point, BIGNUM* x, BIGNUM* y, BIGNUM* z, BN_CTX* scratch) {
  return EC_POINT_get_Jprojective_coordinates_GFp(group, point, x, y, z, scratch) == 1;
}
#pragma GCC diagnostic pop

// The numbers of one computation. They end together when it ends.
class Frame {
 public:
  Frame() noexcept : context_(BN_CTX_new()) {
    if (context_) BN_CTX_start(context_.get());
  }
  ~Frame() {
    if (context_) BN_CTX_end(context_.get());
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  BN_CTX* context() const noexcept { return context_.get(); }
  // Null when memory has ended, and then for every later call too.
  BIGNUM* number() noexcept { return BN_CTX_get(context_.get()); }
  BIGNUM* number(std::span<const std::byte> big_endian) noexcept {
    BIGNUM* const made = number();
    return made == nullptr ? nullptr : BN_bin2bn(as_octets(big_endian), static_cast<int>(big_endian.size()), made);
  }

 private:
  NumberContextPtr context_;
};

PointPtr point_of(const EC_GROUP* curve, const EcPublic& key, BN_CTX* scratch) {
  Bytes octets{std::byte{0x04}};
  octets.insert(octets.end(), key.x.begin(), key.x.end());
  octets.insert(octets.end(), key.y.begin(), key.y.end());
  PointPtr point(EC_POINT_new(curve));
  if (!point || EC_POINT_oct2point(curve, point.get(), as_octets(std::span<const std::byte>(octets)), octets.size(),
                                   scratch) != 1)
    return nullptr;
  return point;
}

// A number whose digits to the base 128 are `even` and `odd` by turns. OpenSSL's table for x86-64 is one of signed
// windows of seven bits: all digits from 1 to 63, 64 beside 0, and the largest number read every entry of it.
Scalar of_digits(unsigned even, unsigned odd) {
  Scalar scalar{};
  for (std::size_t bit = 0; bit < 8 * scalar_bytes; ++bit) {
    const unsigned digit = bit / 7 % 2 == 0 ? even : odd;
    if ((digit >> bit % 7 & 1) != 0) scalar[scalar_bytes - 1 - bit / 8] |= std::byte(1u << bit % 8);
  }
  return scalar;
}

std::vector<Scalar> scalars_to_try() {
  std::vector<Scalar> scalars;
  for (unsigned digit = 1; digit <= 64; ++digit) {
    scalars.push_back(of_digits(digit, digit == 64 ? 0 : digit));
    if (digit == 64) scalars.push_back(of_digits(0, digit));
  }
  Scalar largest;
  std::ranges::copy(nist_curve(Curve::p256)->order(), largest.begin());
  largest.back() &= std::byte{0xfe};  // less one: the order is odd
  scalars.push_back(largest);
  for (int i = 0; i < 8; ++i) {
    random_bytes(scalars.emplace_back());
    scalars.back().front() &= std::byte{0x7f};  // below the order
  }
  return scalars;
}

}  // namespace

struct P256Verifier::Numbers {
  GroupPtr curve;  // the generator is the curve's
  GroupPtr keyed;  // the generator is the public key, with its table; null if there is none
  PointPtr key;
  MontgomeryPtr montgomery;        // modulo the order
  MontgomeryPtr field_montgomery;  // modulo the field's prime
  Words order_words{};

  const BIGNUM* order() const noexcept { return EC_GROUP_get0_order(curve.get()); }
  const BIGNUM* field() const noexcept { return EC_GROUP_get0_field(curve.get()); }

  static std::unique_ptr<Numbers> of(const EcPublic& from, BN_CTX* scratch) {
    auto made = std::make_unique<Numbers>();
    made->curve.reset(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    if (!made->curve || scratch == nullptr) return nullptr;
    made->key = point_of(made->curve.get(), from, scratch);
    made->montgomery.reset(BN_MONT_CTX_new());
    made->field_montgomery.reset(BN_MONT_CTX_new());
    if (!made->key || !made->montgomery || !made->field_montgomery ||
        BN_MONT_CTX_set(made->montgomery.get(), made->order(), scratch) != 1 ||
        BN_MONT_CTX_set(made->field_montgomery.get(), made->field(), scratch) != 1) {
      return nullptr;
    }
    made->order_words = words_of(nist_curve(Curve::p256)->order().first<32>());
    return made;
  }

  bool add_table(Frame& frame) {
    BN_CTX* const scratch = frame.context();
    keyed.reset(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    return keyed && EC_GROUP_set_generator(keyed.get(), key.get(), order(), BN_value_one()) == 1 &&
           precompute(keyed.get(), scratch) && agree(frame);
  }

  // Every product that is tried is the same by the table and by the plain multiplication.
  bool agree(Frame& frame) const {
    const PointPtr by_table(EC_POINT_new(curve.get())), plain(EC_POINT_new(curve.get()));
    BN_CTX* const scratch = frame.context();
    BIGNUM* const k = frame.number();
    if (!by_table || !plain || k == nullptr) return false;
    return std::ranges::all_of(scalars_to_try(), [&](const Scalar& scalar) {
      return BN_bin2bn(as_octets(std::span<const std::byte>(scalar)), scalar_bytes, k) != nullptr &&
             EC_POINT_mul(keyed.get(), by_table.get(), k, nullptr, nullptr, scratch) == 1 &&
             EC_POINT_mul(curve.get(), plain.get(), nullptr, key.get(), k, scratch) == 1 &&
             EC_POINT_cmp(curve.get(), by_table.get(), plain.get(), scratch) == 0;
    });
  }

  // 1/s modulo the order, times 2^256, which a Montgomery multiplication takes away again. Null when memory has ended.
  BIGNUM* scaled_inverse(std::span<const std::byte, 32> s, Frame& frame) const noexcept {
    const HalfInverse half = half_inverse(words_of(s), order_words);
    const auto octets = octets_of(half.negative);
    BIGNUM* const inverse = frame.number(octets);
    if (inverse == nullptr || BN_sub(inverse, order(), inverse) != 1 ||
        BN_lshift(inverse, inverse, static_cast<int>(512 - half.power)) != 1 ||
        BN_nnmod(inverse, inverse, order(), frame.context()) != 1 ||
        BN_from_montgomery(inverse, inverse, montgomery.get(), frame.context()) != 1) {
      return nullptr;
    }
    return inverse;  // -negative · 2^(512 - power) · 2^-256 = 2^256 / s
  }

  // True if `scaled` is what scaled_inverse should have given: the one thing here that is not OpenSSL's arithmetic.
  bool is_scaled_inverse(const BIGNUM* scaled, const BIGNUM* s, Frame& frame) const noexcept {
    BIGNUM* const one = frame.number();
    return one != nullptr && BN_mod_mul_montgomery(one, scaled, s, montgomery.get(), frame.context()) == 1 &&
           BN_is_one(one) == 1;
  }

  // Whether the point's affine x is `r` modulo the order, which it need not be divided for: x · z² for x. It is below
  // the field's prime, so r or r plus the order.
  Verdict compare_x(const EC_POINT* point, const BIGNUM* r, Frame& frame) const noexcept {
    BN_CTX* const scratch = frame.context();
    BN_MONT_CTX* const modulo_field = field_montgomery.get();
    BIGNUM *const x = frame.number(), *const y = frame.number(), *const z = frame.number();
    BIGNUM *const product = frame.number(), *const other = frame.number();
    if (other == nullptr || !get_jacobian(curve.get(), point, x, y, z, scratch)) return Verdict::unknown;
    // Each Montgomery multiplication divides by 2^256: both sides twice.
    if (BN_mod_mul_montgomery(z, z, z, modulo_field, scratch) != 1 ||
        BN_from_montgomery(x, x, modulo_field, scratch) != 1 || BN_from_montgomery(x, x, modulo_field, scratch) != 1 ||
        BN_mod_mul_montgomery(product, r, z, modulo_field, scratch) != 1 || BN_add(other, r, order()) != 1) {
      return Verdict::unknown;
    }
    if (BN_cmp(product, x) == 0) return Verdict::good;
    if (BN_cmp(other, field()) >= 0) return Verdict::bad;
    if (BN_mod_mul_montgomery(product, other, z, modulo_field, scratch) != 1) return Verdict::unknown;
    return BN_cmp(product, x) == 0 ? Verdict::good : Verdict::bad;
  }

  // u1 · generator + u2 · key
  bool add_products(EC_POINT* sum, const BIGNUM* u1, const BIGNUM* u2, BN_CTX* scratch) const noexcept {
    if (!keyed) return EC_POINT_mul(curve.get(), sum, u1, key.get(), u2, scratch) == 1;
    const PointPtr of_key(EC_POINT_new(curve.get()));
    return of_key && EC_POINT_mul(curve.get(), sum, u1, nullptr, nullptr, scratch) == 1 &&
           EC_POINT_mul(keyed.get(), of_key.get(), u2, nullptr, nullptr, scratch) == 1 &&
           EC_POINT_add(curve.get(), sum, sum, of_key.get(), scratch) == 1;
  }
};

P256Verifier::P256Verifier(std::unique_ptr<const Numbers> numbers) noexcept : numbers_(std::move(numbers)) {}
P256Verifier::~P256Verifier() = default;

std::shared_ptr<const P256Verifier> P256Verifier::plain(const EcPublic& key) {
  const ErrorQueueGuard guard;
  const Frame frame;
  auto numbers = Numbers::of(key, frame.context());
  if (!numbers) return nullptr;
  return std::shared_ptr<const P256Verifier>(new P256Verifier(std::move(numbers)));
}

std::shared_ptr<const P256Verifier> P256Verifier::with_table(const EcPublic& key) {
  const ErrorQueueGuard guard;
  Frame frame;
  auto numbers = Numbers::of(key, frame.context());
  if (!numbers || !numbers->add_table(frame)) return nullptr;
  return std::shared_ptr<const P256Verifier>(new P256Verifier(std::move(numbers)));
}

bool P256Verifier::has_table() const noexcept { return numbers_->keyed != nullptr; }

P256Verifier::Verdict P256Verifier::verify(std::span<const std::byte, 32> digest, std::span<const std::byte, 32> r,
                                           std::span<const std::byte, 32> s) const noexcept {
  const ErrorQueueGuard guard;
  const EC_GROUP* const curve = numbers_->curve.get();
  const BIGNUM* const order = numbers_->order();
  Frame frame;
  BN_CTX* const scratch = frame.context();
  const PointPtr sum(EC_POINT_new(curve));
  if (scratch == nullptr || !sum) return Verdict::unknown;

  BIGNUM* const z = frame.number(digest);
  const BIGNUM* const wanted = frame.number(r);
  const BIGNUM* const divisor = frame.number(s);
  const BIGNUM* const inverse = numbers_->scaled_inverse(s, frame);
  BIGNUM* const u1 = frame.number();
  BIGNUM* const u2 = frame.number();
  if (z == nullptr || wanted == nullptr || divisor == nullptr || inverse == nullptr || u2 == nullptr ||
      !numbers_->is_scaled_inverse(inverse, divisor, frame)) {
    return Verdict::unknown;
  }
  BN_MONT_CTX* const montgomery = numbers_->montgomery.get();
  if (BN_nnmod(z, z, order, scratch) != 1 || BN_mod_mul_montgomery(u1, z, inverse, montgomery, scratch) != 1 ||
      BN_mod_mul_montgomery(u2, wanted, inverse, montgomery, scratch) != 1 ||
      !numbers_->add_products(sum.get(), u1, u2, scratch)) {
    return Verdict::unknown;
  }
  if (EC_POINT_is_at_infinity(curve, sum.get()) == 1) return Verdict::bad;
  return numbers_->compare_x(sum.get(), wanted, frame);
}

}  // namespace jeton::crypto
