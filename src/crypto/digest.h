// SHA-2 digests of short inputs.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace jeton::crypto {

using Sha256 = std::array<std::byte, 32>;

Sha256 sha256(std::span<const std::byte> data) noexcept;
Sha256 sha256(std::string_view data) noexcept;

}  // namespace jeton::crypto
