#include "crypto/edwards25519.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace jeton::crypto {
namespace {

// d = -121665 / 121666
const Field25519& curve_d() {
  static const Field25519 d = (Field25519(0) - Field25519(121665)) * Field25519(121666).inverse();
  return d;
}

// 2^((p - 1) / 4): (p - 1) / 4 = 2^253 - 5 = 2 · (2^252 - 3) + 1
const Field25519& root_of_minus_one() {
  static const Field25519 root = Field25519(2).power_for_root().square() * Field25519(2);
  return root;
}

// RFC 8032 section 5.1.3, but that a y of p or more and -0 are not refused: keys have been checked before.
std::optional<ExtendedPoint> decode(std::span<const std::byte, 32> encoded) {
  const Field25519 one(1), y(encoded);
  const Field25519 yy = y.square();
  const Field25519 u = (yy - one) * one, v = yy * curve_d() + one;
  const Field25519 v3 = v.square() * v;
  Field25519 x = (u * v3 * v3 * v).power_for_root() * u * v3;
  const Field25519 tried = x.square() * v;
  if (tried != u) {
    if (tried != Field25519(0) - u) return std::nullopt;
    x = x * root_of_minus_one();
  }
  const bool wants_odd = (encoded[31] & std::byte{0x80}) != std::byte{0};
  if (x.is_odd() != wants_odd) x = (Field25519(0) - x) * one;
  return ExtendedPoint{x, y * one, one, x * y};
}

ExtendedPoint negated(const ExtendedPoint& p) noexcept {
  const Field25519 zero(0), one(1);
  return {(zero - p.x) * one, p.y, p.z, (zero - p.t) * one};
}

ProjectivePoint projective(const ExtendedPoint& p) noexcept { return {p.x, p.y, p.z}; }

AddendPoint addend(const ExtendedPoint& p, const Field25519& inverse_z) noexcept {
  const Field25519 one(1), x = p.x * inverse_z, y = p.y * inverse_z;
  return {(y + x) * one, (y - x) * one, x * y * (curve_d() + curve_d())};
}

// All at the price of one inverse: that of the product of all, from which each is taken out again.
std::vector<AddendPoint> addends(const std::vector<ExtendedPoint>& points) {
  std::vector<Field25519> before;  // the product of all z before this one
  Field25519 product(1);
  for (const ExtendedPoint& p : points) {
    before.push_back(product);
    product = product * p.z;
  }
  Field25519 inverse = product.inverse();
  std::vector<AddendPoint> made(points.size());
  for (std::size_t i = points.size(); i-- > 0;) {
    made[i] = addend(points[i], inverse * before[i]);
    inverse = inverse * points[i].z;
  }
  return made;
}

constexpr std::size_t digits_max = 65;  // of a word: the last carries
using Digits = std::array<std::int8_t, digits_max>;

// Signed digits of `word`, at most one in width + 1 of them not 0; those are odd and below 2^width in size.
void recode(std::uint64_t word, unsigned width, Digits& digits) noexcept {
  digits.fill(0);
  std::uint64_t carry = 0;
  std::size_t at = 0;
  // What is left is (word + carry) · 2^at; the carry is 0 or 1.
  while (word != 0 || carry != 0) {
    if (((word ^ carry) & 1) == 0) {  // the digit is 0, and the carry goes on if both are 1
      const auto zeros = static_cast<unsigned>(carry == 0 ? std::countr_zero(word) : std::countr_one(word));
      at += zeros;
      word = zeros >= 64 ? 0 : word >> zeros;
      continue;
    }
    const std::uint64_t mask = (std::uint64_t{2} << width) - 1;
    const auto low = static_cast<std::int64_t>((word & mask) + carry);
    const bool high = low > std::int64_t{1} << width;
    digits[at] = static_cast<std::int8_t>(high ? low - (std::int64_t{2} << width) : low);
    carry = high ? 1 : 0;
    word >>= width + 1;
    at += width + 1;
  }
}

}  // namespace

std::array<std::byte, 32> ProjectivePoint::encoded() const noexcept {
  const Field25519 inverse = z.inverse();
  auto bytes = (y * inverse).bytes();
  if ((x * inverse).is_odd()) bytes[31] |= std::byte{0x80};
  return bytes;
}

std::optional<MultiplesTable> MultiplesTable::of(std::span<const std::byte, 32> encoded, bool negate, unsigned width) {
  const auto decoded = decode(encoded);
  if (!decoded) return std::nullopt;
  ExtendedPoint base = negate ? negated(*decoded) : *decoded;
  std::vector<ExtendedPoint> points;
  for (std::size_t part = 0; part < parts; ++part) {
    const AddendPoint twice = addends({doubled(projective(base)).extended()}).front();
    points.push_back(base);
    for (unsigned multiple = 3; multiple < 1u << width; multiple += 2)
      points.push_back(added(points.back(), twice).extended());
    for (int i = 0; i < 64; ++i) base = doubled(projective(base)).extended();
  }
  return MultiplesTable(addends(points), width);
}

ProjectivePoint sum_of_products(const Words25519& a, const MultiplesTable& of_a, const Words25519& b,
                                const MultiplesTable& of_b) noexcept {
  constexpr std::size_t parts = MultiplesTable::parts;
  std::array<Digits, 2 * parts> digits;
  for (std::size_t part = 0; part < parts; ++part) {
    recode(a[part], of_a.width(), digits[part]);
    recode(b[part], of_b.width(), digits[parts + part]);
  }
  ProjectivePoint sum{Field25519(0), Field25519(1), Field25519(1)};
  for (std::size_t at = digits_max; at-- > 0;) {
    CompletedPoint next = doubled(sum);
    for (std::size_t i = 0; i < digits.size(); ++i) {
      const int digit = digits[i][at];
      if (digit == 0) continue;
      const auto& addend = (i < parts ? of_a : of_b).at(i % parts, static_cast<unsigned>(digit < 0 ? -digit : digit));
      next = digit > 0 ? added(next.extended(), addend) : subtracted(next.extended(), addend);
    }
    sum = next.projective();
  }
  return sum;
}

}  // namespace jeton::crypto
