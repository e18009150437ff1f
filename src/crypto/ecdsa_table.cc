#include "crypto/ecdsa_table.h"

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
// there is no table, and keys verify the plain way.

namespace jeton::crypto {
namespace {

using GroupPtr = std::unique_ptr<EC_GROUP, Release<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Release<EC_POINT_free>>;

constexpr std::size_t scalar_bytes = 32;
using Scalar = std::array<std::byte, scalar_bytes>;

bool precompute(EC_GROUP* group, BN_CTX* scratch) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return EC_GROUP_precompute_mult(group, scratch) == 1 && EC_GROUP_have_precompute_mult(group) == 1;
#pragma GCC diagnostic pop
}

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
  if (!point || EC_POINT_oct2point(curve, point.get(), as_octets(std::span<const std::byte>(octets)), octets.size(), scratch) != 1) return nullptr;
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

struct EcdsaTable::Groups {
  GroupPtr curve;  // the generator is the curve's
  GroupPtr keyed;  // the generator is the public key, with its table
  NumberPtr order;

  // Every product that is tried is the same by the table and by the plain multiplication.
  bool agree(const EC_POINT* key, Frame& frame) const {
    const PointPtr by_table(EC_POINT_new(curve.get())), plain(EC_POINT_new(curve.get()));
    BN_CTX* const scratch = frame.context();
    BIGNUM* const k = frame.number();
    if (!by_table || !plain || k == nullptr) return false;
    return std::ranges::all_of(scalars_to_try(), [&](const Scalar& scalar) {
      return BN_bin2bn(as_octets(std::span<const std::byte>(scalar)), scalar_bytes, k) != nullptr &&
             EC_POINT_mul(keyed.get(), by_table.get(), k, nullptr, nullptr, scratch) == 1 &&
             EC_POINT_mul(curve.get(), plain.get(), nullptr, key, k, scratch) == 1 &&
             EC_POINT_cmp(curve.get(), by_table.get(), plain.get(), scratch) == 0;
    });
  }
};

EcdsaTable::EcdsaTable(std::unique_ptr<const Groups> groups) noexcept : groups_(std::move(groups)) {}
EcdsaTable::~EcdsaTable() = default;

std::shared_ptr<const EcdsaTable> EcdsaTable::build(const EcPublic& key) {
  const ErrorQueueGuard guard;
  Frame frame;
  auto groups = std::make_unique<Groups>();
  groups->curve.reset(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  groups->keyed.reset(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  if (!groups->curve || !groups->keyed || frame.context() == nullptr) return nullptr;
  groups->order.reset(BN_dup(EC_GROUP_get0_order(groups->curve.get())));
  const PointPtr point = point_of(groups->curve.get(), key, frame.context());
  if (!groups->order || !point ||
      EC_GROUP_set_generator(groups->keyed.get(), point.get(), groups->order.get(), BN_value_one()) != 1 ||
      !precompute(groups->keyed.get(), frame.context()) || !groups->agree(point.get(), frame)) {
    return nullptr;
  }
  return std::shared_ptr<const EcdsaTable>(new EcdsaTable(std::move(groups)));
}

EcdsaTable::Verdict EcdsaTable::verify(std::span<const std::byte> digest, std::span<const std::byte> r,
                                       std::span<const std::byte> s) const noexcept {
  const EC_GROUP* const curve = groups_->curve.get();
  const BIGNUM* const order = groups_->order.get();
  Frame frame;
  BN_CTX* const scratch = frame.context();
  const PointPtr of_digest(EC_POINT_new(curve)), of_key(EC_POINT_new(curve));
  if (scratch == nullptr || !of_digest || !of_key) return Verdict::unknown;

  const BIGNUM* const z = frame.number(digest);
  const BIGNUM* const wanted = frame.number(r);
  BIGNUM* const inverse = frame.number(s);
  BIGNUM* const u1 = frame.number();
  BIGNUM* const u2 = frame.number();
  BIGNUM* const x = frame.number();
  if (z == nullptr || wanted == nullptr || inverse == nullptr || x == nullptr) return Verdict::unknown;
  if (BN_mod_inverse(inverse, inverse, order, scratch) == nullptr || BN_mod_mul(u1, z, inverse, order, scratch) != 1 ||
      BN_mod_mul(u2, wanted, inverse, order, scratch) != 1 ||
      EC_POINT_mul(curve, of_digest.get(), u1, nullptr, nullptr, scratch) != 1 ||
      EC_POINT_mul(groups_->keyed.get(), of_key.get(), u2, nullptr, nullptr, scratch) != 1 ||
      EC_POINT_add(curve, of_key.get(), of_digest.get(), of_key.get(), scratch) != 1) {
    return Verdict::unknown;
  }
  if (EC_POINT_is_at_infinity(curve, of_key.get()) == 1) return Verdict::bad;
  if (EC_POINT_get_affine_coordinates(curve, of_key.get(), x, nullptr, scratch) != 1 ||
      BN_nnmod(x, x, order, scratch) != 1) {
    return Verdict::unknown;
  }
  return BN_cmp(x, wanted) == 0 ? Verdict::good : Verdict::bad;
}

}  // namespace jeton::crypto
