// SipHash-2-4 with 128 bits of output: a keyed hash of short texts, for tables whose contents others choose. Without
// the key nobody finds two texts of one hash; it is no signature, and its key is for this process alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace jeton::crypto {

using ShortHashKey = std::array<std::byte, 16>;

struct ShortHash {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const ShortHash&, const ShortHash&) = default;
};

ShortHash short_hash(const ShortHashKey& key, std::string_view text) noexcept;

}  // namespace jeton::crypto
