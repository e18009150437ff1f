// Field25519: numbers modulo p = 2^255 - 19, for verifying Ed25519 signatures. Fast and not constant in time by design
// of its users: never for secrets.
//
// Five digits to the base 2^51. A product's digits are below 2^51 + 2^14 ("tight"). Additions do not carry, so each
// function says how large the digits that it takes may be, and how large those that it gives are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace jeton::crypto {

class Field25519 {
 public:
  constexpr Field25519() noexcept = default;
  explicit constexpr Field25519(std::uint64_t small) noexcept : digits_{small} {}  // below 2^51
  // Little-endian; the top bit is not read, and the number may be p or more.
  explicit Field25519(std::span<const std::byte, 32> bytes) noexcept;

  // The one spelling: below p, little-endian.
  std::array<std::byte, 32> bytes() const noexcept;
  bool is_odd() const noexcept { return (bytes()[0] & std::byte{1}) != std::byte{0}; }
  friend bool operator==(const Field25519& a, const Field25519& b) noexcept { return a.bytes() == b.bytes(); }

  // Digits add up.
  friend Field25519 operator+(const Field25519& a, const Field25519& b) noexcept {
    Field25519 sum;
    for (std::size_t i = 0; i < 5; ++i) sum.digits_[i] = a.digits_[i] + b.digits_[i];
    return sum;
  }
  // a - b for tight b; below the digits of a plus 2^52.
  friend Field25519 operator-(const Field25519& a, const Field25519& b) noexcept { return a.minus(b, 2); }
  // a - b for digits of b up to 2^53 - 76; below the digits of a plus 2^53.
  Field25519 minus_large(const Field25519& b) const noexcept { return minus(b, 4); }

  // Digits up to 2^54 in, tight ones out.
  friend Field25519 operator*(const Field25519& a, const Field25519& b) noexcept {
    const auto& x = a.digits_;
    const auto& y = b.digits_;
    const std::uint64_t y1 = 19 * y[1], y2 = 19 * y[2], y3 = 19 * y[3], y4 = 19 * y[4];
    return carried(wide(x[0], y[0]) + wide(x[1], y4) + wide(x[2], y3) + wide(x[3], y2) + wide(x[4], y1),
                   wide(x[0], y[1]) + wide(x[1], y[0]) + wide(x[2], y4) + wide(x[3], y3) + wide(x[4], y2),
                   wide(x[0], y[2]) + wide(x[1], y[1]) + wide(x[2], y[0]) + wide(x[3], y4) + wide(x[4], y3),
                   wide(x[0], y[3]) + wide(x[1], y[2]) + wide(x[2], y[1]) + wide(x[3], y[0]) + wide(x[4], y4),
                   wide(x[0], y[4]) + wide(x[1], y[3]) + wide(x[2], y[2]) + wide(x[3], y[1]) + wide(x[4], y[0]));
  }
  Field25519 square() const noexcept {
    const auto& x = digits_;
    const std::uint64_t x0 = 2 * x[0], x1 = 2 * x[1], x3 = 19 * x[3], x4 = 19 * x[4];
    return carried(wide(x[0], x[0]) + wide(x1, x4) + wide(2 * x[2], x3),
                   wide(x0, x[1]) + wide(2 * x[2], x4) + wide(x[3], x3),
                   wide(x0, x[2]) + wide(x[1], x[1]) + wide(2 * x[3], x4),
                   wide(x0, x[3]) + wide(x1, x[2]) + wide(x[4], x4),
                   wide(x0, x[4]) + wide(x1, x[3]) + wide(x[2], x[2]));
  }
  Field25519 square_times(int times) const noexcept {
    Field25519 power = square();
    while (--times > 0) power = power.square();
    return power;
  }
  // 1 / this; 0 for 0.
  Field25519 inverse() const noexcept;
  // To the power of (p - 5) / 8 = 2^252 - 3.
  Field25519 power_for_root() const noexcept;

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t mask = (std::uint64_t{1} << 51) - 1;

  static Wide wide(std::uint64_t a, std::uint64_t b) noexcept { return static_cast<Wide>(a) * b; }
  // Each sum is below 2^115, and the last, which has no factor of 19, below 2^111.
  static Field25519 carried(Wide r0, Wide r1, Wide r2, Wide r3, Wide r4) noexcept {
    Field25519 made;
    auto& d = made.digits_;
    r1 += static_cast<std::uint64_t>(r0 >> 51);
    r2 += static_cast<std::uint64_t>(r1 >> 51);
    r3 += static_cast<std::uint64_t>(r2 >> 51);
    r4 += static_cast<std::uint64_t>(r3 >> 51);
    d[0] = (static_cast<std::uint64_t>(r0) & mask) + 19 * static_cast<std::uint64_t>(r4 >> 51);
    d[1] = (static_cast<std::uint64_t>(r1) & mask) + (d[0] >> 51);
    d[0] &= mask;
    d[2] = static_cast<std::uint64_t>(r2) & mask;
    d[3] = static_cast<std::uint64_t>(r3) & mask;
    d[4] = static_cast<std::uint64_t>(r4) & mask;
    return made;
  }
  // Adds that many times p, whose digits are then large enough for the difference not to be negative.
  Field25519 minus(const Field25519& b, std::uint64_t times) const noexcept {
    Field25519 difference;
    difference.digits_[0] = digits_[0] + times * (mask - 18) - b.digits_[0];
    for (std::size_t i = 1; i < 5; ++i) difference.digits_[i] = digits_[i] + times * mask - b.digits_[i];
    return difference;
  }

  std::array<std::uint64_t, 5> digits_{};
};

}  // namespace jeton::crypto
