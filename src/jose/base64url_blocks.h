// Decoding base64url many characters at a time, with the widest instructions that this processor has.
#pragma once

#include <cstddef>
#include <string_view>

namespace jeton::jose::base64url {

// Decodes the first characters of `text`, in whole groups of four, and writes three bytes for each group to `out`,
// which must have room for just these. Returns how many characters were done: `size` minus at most 63 that are left to
// the caller, or refused_character if one of them is outside the alphabet.
using DecodeBlocks = std::size_t (*)(const char* text, std::size_t size, std::byte* out) noexcept;
inline constexpr std::size_t refused_character = static_cast<std::size_t>(-1);

// The best of those below; chosen once.
std::size_t decode_blocks(const char* text, std::size_t size, std::byte* out) noexcept;

// Whole texts, a group at a time: what decode_blocks has left, or everything where it can do nothing. As decode().
[[nodiscard]] bool decode_plain(std::string_view text, std::byte* out) noexcept;

// Each way by name, null where this processor cannot go it: for tests that compare them.
DecodeBlocks decode_blocks_avx2() noexcept;
DecodeBlocks decode_blocks_vbmi() noexcept;

}  // namespace jeton::jose::base64url
