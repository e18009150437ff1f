#include "crypto/half_inverse.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace jeton::crypto {
namespace {

__extension__ using Wide = unsigned __int128;

// a - b, and whether it is negative; then it has wrapped around.
bool subtract(Words& out, const Words& a, const Words& b) noexcept {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Wide difference = static_cast<Wide>(a[i]) - b[i] - borrow;
    out[i] = static_cast<std::uint64_t>(difference);
    borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
  }
  return borrow != 0;
}

void add(Words& a, const Words& b) noexcept {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Wide sum = static_cast<Wide>(a[i]) + b[i] + carry;
    a[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
}

// By 0 to 63 places; in two steps, since a shift by 64 means nothing.
void shift_right(Words& a, unsigned places) noexcept {
  for (std::size_t i = 0; i < 3; ++i) a[i] = a[i] >> places | a[i + 1] << 1 << (63 - places);
  a[3] >>= places;
}
void shift_left(Words& a, unsigned places) noexcept {
  for (std::size_t i = 3; i > 0; --i) a[i] = a[i] << places | a[i - 1] >> 1 >> (63 - places);
  a[0] <<= places;
}

// Halves `number` until it is odd and doubles `other` as often; says how often.
unsigned make_odd(Words& number, Words& other) noexcept {
  unsigned places = 0;
  while ((number[0] & 1) == 0) {
    const auto zeros = static_cast<unsigned>(std::min(std::countr_zero(number[0]), 63));
    shift_right(number, zeros);
    shift_left(other, zeros);
    places += zeros;
  }
  return places;
}

}  // namespace

Words words_of(std::span<const std::byte, 32> big_endian) noexcept {
  Words words{};
  for (std::size_t i = 0; i < 32; ++i) {
    words[3 - i / 8] = words[3 - i / 8] << 8 | std::to_integer<std::uint64_t>(big_endian[i]);
  }
  return words;
}

std::array<std::byte, 32> octets_of(const Words& words) noexcept {
  std::array<std::byte, 32> octets;
  for (std::size_t i = 0; i < 32; ++i) octets[i] = std::byte(words[3 - i / 8] >> (56 - i % 8 * 8) & 0xff);
  return octets;
}

// All along, number · r ≡ -u · 2^power and number · s ≡ v · 2^power modulo the modulus, and u · s + v · r is the
// modulus, so that neither r nor s outgrows it. Each doubling halves u · v, which begins below 2^512 and never comes
// to 0 before the end.
HalfInverse half_inverse(const Words& number, const Words& modulus) noexcept {
  assert(number != Words{} && (modulus[0] & 1) == 1);
  Words u = modulus, v = number, r{}, s{1};
  unsigned power = make_odd(v, r);
  for (;;) {
    Words difference;
    if (subtract(difference, v, u)) {
      subtract(u, u, v);
      add(r, s);
      power += make_odd(u, s);
    } else {
      if (difference == Words{}) return {r, power};  // both are 1, their greatest common divisor
      v = difference;
      add(s, r);
      power += make_odd(v, r);
    }
  }
}

}  // namespace jeton::crypto
