// HalfInverse: the inverse of a public 256-bit number modulo an odd one, but for a sign and a power of two that the
// caller's next multiplication takes away. In a seventh of the time of BN_mod_inverse, and not constant: never for
// secrets.
//
// It is Kaliski's "almost inverse" (IEEE Transactions on Computers 44(8), 1995).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace jeton::crypto {

using Words = std::array<std::uint64_t, 4>;  // the least significant first

// From 32 bytes, the most significant first, and back.
Words words_of(std::span<const std::byte, 32> big_endian) noexcept;
std::array<std::byte, 32> octets_of(const Words& words) noexcept;

struct HalfInverse {
  Words negative;  // number · negative ≡ -2^power, below the modulus
  unsigned power;  // below 512
};

// `modulus` is odd; `number` lies between 1 and it, and shares no factor with it.
HalfInverse half_inverse(const Words& number, const Words& modulus) noexcept;

}  // namespace jeton::crypto
