// Entropy: random bytes from the kernel, for names and ids in the rooms that do not know crypto/.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace jeton::platform {

// Fills `out` by getrandom(2). Ends the process when the kernel has none to give: nothing may go on with guessable
// bytes.
void random_bytes(std::span<std::byte> out) noexcept;

// Random bytes in lower-case hexadecimal, two digits a byte.
std::string random_hex(std::size_t bytes);

}  // namespace jeton::platform
