// Bytes from the system's secure random generator. Aborts rather than return weak ones.
#pragma once

#include <cstddef>
#include <span>

namespace jeton::crypto {

void random_bytes(std::span<std::byte> out) noexcept;

// Overwrites in a way that the compiler does not remove.
void wipe(std::span<std::byte> bytes) noexcept;

}  // namespace jeton::crypto
