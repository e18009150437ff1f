// Finds what a JSON string cannot simply go on over, many bytes at a time: control characters, U+007F, the quote, the
// backslash, and all beyond ASCII.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jeton::jose {

inline constexpr std::size_t marked_bytes = 64;

// One bit for each of marked_bytes bytes, that of the first lowest.
using Marks = std::uint64_t (*)(const char* block) noexcept;

// The best of those below; chosen once.
Marks best_marks() noexcept;

std::uint64_t marks_bytewise(const char* block) noexcept;
// Null where this processor cannot go that way: for tests that compare them.
Marks marks_sse2() noexcept;
Marks marks_avx2() noexcept;

}  // namespace jeton::jose
