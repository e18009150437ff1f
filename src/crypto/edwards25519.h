// Points of the curve edwards25519 (RFC 8032 section 5.1), for verifying signatures: nothing here is constant in time.
//
// Formulas: Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", 2008, sections 3.1 to 3.3, for a = -1.
#pragma once

#include "crypto/field25519.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace jeton::crypto {

// (x, y) as (X / Z, Y / Z). What doubling takes.
struct ProjectivePoint {
  Field25519 x, y, z;  // tight

  // RFC 8032 section 5.1.2.
  std::array<std::byte, 32> encoded() const noexcept;
};

// The same with T = X · Y / Z. What addition takes.
struct ExtendedPoint {
  Field25519 x, y, z, t;  // tight
};

// What doubling and addition give: x = X / Z, y = Y / T. Their digits are below 2^54.
struct CompletedPoint {
  Field25519 x, y, z, t;

  ProjectivePoint projective() const noexcept { return {x * t, y * z, z * t}; }
  ExtendedPoint extended() const noexcept { return {x * t, y * z, z * t, x * y}; }
};

// A point that is added often: y + x, y - x and 2dxy of its affine coordinates.
struct AddendPoint {
  Field25519 sum, difference, product;  // tight
};

inline CompletedPoint doubled(const ProjectivePoint& p) noexcept {
  const Field25519 xx = p.x.square(), yy = p.y.square(), zz = p.z.square();
  const Field25519 sum = yy + xx, difference = yy - xx;
  return {(p.x + p.y).square().minus_large(sum), sum, difference, (zz + zz).minus_large(difference)};
}

inline CompletedPoint added(const ExtendedPoint& p, const AddendPoint& q) noexcept {
  const Field25519 a = (p.y + p.x) * q.sum, b = (p.y - p.x) * q.difference, c = p.t * q.product, d = p.z + p.z;
  return {a - b, a + b, d + c, d - c};
}

inline CompletedPoint subtracted(const ExtendedPoint& p, const AddendPoint& q) noexcept {
  const Field25519 a = (p.y + p.x) * q.difference, b = (p.y - p.x) * q.sum, c = p.t * q.product, d = p.z + p.z;
  return {a - b, a + b, d - c, d + c};
}

// A table of the odd multiples of a point times 1, 2^64, 2^128 and 2^192: then a product with a number of four words
// of 64 bits is one of four short products, which share their doublings.
class MultiplesTable {
 public:
  static constexpr std::size_t parts = 4;

  // Of 1 to 2^width - 1, so for signed digits of width + 1 bits. Empty if `encoded` is no point of the curve.
  static std::optional<MultiplesTable> of(std::span<const std::byte, 32> encoded, bool negated, unsigned width);

  unsigned width() const noexcept { return width_; }
  // part below four; multiple odd and below 2^width.
  const AddendPoint& at(std::size_t part, unsigned multiple) const noexcept {
    return points_[part << (width_ - 1) | multiple >> 1];
  }

 private:
  MultiplesTable(std::vector<AddendPoint> points, unsigned width) : points_(std::move(points)), width_(width) {}
  std::vector<AddendPoint> points_;
  unsigned width_;
};

using Words25519 = std::array<std::uint64_t, MultiplesTable::parts>;  // below 2^253, the least significant first

// a · the point of table `of_a` + b · that of `of_b`.
ProjectivePoint sum_of_products(const Words25519& a, const MultiplesTable& of_a, const Words25519& b,
                                const MultiplesTable& of_b) noexcept;

}  // namespace jeton::crypto
