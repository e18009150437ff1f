// What one caller has cheaply of addresses, and is counted together: an IPv4 address, and a /64 of IPv6. An IPv4
// address mapped into IPv6 is the IPv4 address. Whatever is no address is one block, so that it is no way around.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace jeton::guard {

using AddressBlock = std::array<char, 9>;  // its family, then up to 8 bytes

// Without port, brackets or zone.
AddressBlock block_of(std::string_view address) noexcept;

inline std::string_view text_of(const AddressBlock& block) noexcept { return {block.data(), block.size()}; }

}  // namespace jeton::guard
