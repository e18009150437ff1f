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
// Throws std::bad_alloc if memory could not be had: a hash that was not made says nothing about the password. (Of a
// hash of another shape than hash_password gives, that cannot be told: then false.)
bool verify_password(std::string_view password, const std::string& phc);
// True if the hash was made with another cost and should be made anew at the next good login.
bool needs_rehash(const std::string& phc, Argon2Cost cost) noexcept;

}  // namespace jeton::crypto
