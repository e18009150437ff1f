// base64url without padding (RFC 4648 section 5, RFC 7515 section 2), strictly: one byte string has one spelling.
//
// Decoding refuses every byte outside the alphabet (also `=`, white space and NUL), a length of 1 modulo 4, and unused
// bits that are not zero.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::jose::base64url {

constexpr std::size_t encoded_size(std::size_t bytes) noexcept { return (bytes * 4 + 2) / 3; }
// The size of what `characters` decode to; meaningless if no text has that length.
constexpr std::size_t decoded_size(std::size_t characters) noexcept { return characters * 3 / 4; }
constexpr bool is_possible_length(std::size_t characters) noexcept { return characters % 4 != 1; }

// Writes exactly decoded_size(text.size()) bytes to `out`. False if the text is refused; `out` then holds rubbish.
[[nodiscard]] bool decode(std::string_view text, std::byte* out) noexcept;
std::optional<std::vector<std::byte>> decode(std::string_view text);
// True if decode would accept it; writes nothing.
bool is_canonical(std::string_view text) noexcept;

// Writes exactly encoded_size(bytes.size()) characters to `out`.
void encode(std::span<const std::byte> bytes, char* out) noexcept;
std::string encode(std::span<const std::byte> bytes);
std::string encode(std::string_view bytes);

}  // namespace jeton::jose::base64url
