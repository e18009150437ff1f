#include "crypto/field25519.h"

#include <cstring>

namespace jeton::crypto {

Field25519::Field25519(std::span<const std::byte, 32> bytes) noexcept {
  std::array<std::uint64_t, 4> words{};
  for (std::size_t i = 0; i < 32; ++i) words[i / 8] |= std::to_integer<std::uint64_t>(bytes[i]) << i % 8 * 8;
  digits_ = {words[0] & mask, (words[0] >> 51 | words[1] << 13) & mask, (words[1] >> 38 | words[2] << 26) & mask,
             (words[2] >> 25 | words[3] << 39) & mask, words[3] >> 12 & mask};
}

std::array<std::byte, 32> Field25519::bytes() const noexcept {
  auto d = digits_;
  // Twice around, and every digit is below 2^51 but for the first, which is less than 19 above.
  for (int turn = 0; turn < 2; ++turn) {
    for (std::size_t i = 0; i < 4; ++i) {
      d[i + 1] += d[i] >> 51;
      d[i] &= mask;
    }
    d[0] += 19 * (d[4] >> 51);
    d[4] &= mask;
  }
  // 1 if the number is p or more: then adding 19 carries out of the top.
  std::uint64_t carry = (d[0] + 19) >> 51;
  for (std::size_t i = 1; i < 5; ++i) carry = (d[i] + carry) >> 51;
  d[0] += 19 * carry;
  for (std::size_t i = 0; i < 4; ++i) {
    d[i + 1] += d[i] >> 51;
    d[i] &= mask;
  }
  d[4] &= mask;
  const std::array<std::uint64_t, 4> words{d[0] | d[1] << 51, d[1] >> 13 | d[2] << 38, d[2] >> 26 | d[3] << 25,
                                           d[3] >> 39 | d[4] << 12};
  std::array<std::byte, 32> bytes;
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(words[i / 8] >> i % 8 * 8 & 0xff);
  return bytes;
}

namespace {

struct Powers {
  Field25519 to_250;  // x to the power of 2^250 - 1
  Field25519 to_11;
};

Powers powers_of(const Field25519& x) noexcept {
  const Field25519 x2 = x.square();
  const Field25519 x9 = x2.square_times(2) * x;
  const Field25519 x11 = x9 * x2;
  const Field25519 to_5 = x11.square() * x9;  // 2^5 - 1 = 31
  const Field25519 to_10 = to_5.square_times(5) * to_5;
  const Field25519 to_20 = to_10.square_times(10) * to_10;
  const Field25519 to_40 = to_20.square_times(20) * to_20;
  const Field25519 to_50 = to_40.square_times(10) * to_10;
  const Field25519 to_100 = to_50.square_times(50) * to_50;
  const Field25519 to_200 = to_100.square_times(100) * to_100;
  return {to_200.square_times(50) * to_50, x11};
}

}  // namespace

// p - 2 = 2^255 - 21 = (2^250 - 1) · 2^5 + 11
Field25519 Field25519::inverse() const noexcept {
  const Powers powers = powers_of(*this);
  return powers.to_250.square_times(5) * powers.to_11;
}

// 2^252 - 3 = (2^250 - 1) · 2^2 + 1
Field25519 Field25519::power_for_root() const noexcept { return powers_of(*this).to_250.square_times(2) * *this; }

}  // namespace jeton::crypto
