// Argon2id password hashes in the PHC string format ("$argon2id$v=19$m=…,t=…,p=1$…"). Slow by design: call from a pool
// of threads made for it, never from an event loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::crypto {

struct Argon2Cost {
  std::uint64_t memory_bytes = 19 * 1024 * 1024;  // OWASP's minimum: 19 MiB, two passes
  std::uint32_t passes = 2;
};

// Empty if memory could not be had.
std::string hash_password(std::string_view password, Argon2Cost cost);
bool verify_password(std::string_view password, const std::string& phc) noexcept;
// True if the hash was made with another cost and should be made anew at the next good login.
bool needs_rehash(const std::string& phc, Argon2Cost cost) noexcept;

}  // namespace jeton::crypto
