// Password hashes that other systems made: verified as they stand, so that an imported user signs in with the password
// they have, and made anew as Argon2id at that login.
//
//   bcrypt    $2a$ $2b$ $2y$, cost 4 to 14
//   scrypt    $scrypt$ln=14,r=8,p=1$SALT$HASH                (passlib, PHC)
//   PBKDF2    $pbkdf2-sha256$i=600000$SALT$HASH              (PHC)
//             $pbkdf2$ITERATIONS$SALT$HASH, $pbkdf2-sha256$…, $pbkdf2-sha512$…   (passlib; $pbkdf2$ is SHA-1)
//             pbkdf2_sha1$ITERATIONS$SALT$HASH, pbkdf2_sha256$…, pbkdf2_sha512$… (Django)
//   Argon2    $argon2i$v=19$m=…,t=…,p=…$SALT$HASH, $argon2id$…                   (PHC)
//
// What a hash asks for is capped, so that an imported one cannot be used to exhaust the server: 256 MiB, and about the
// work of some seconds at most. bcrypt looks at the first 72 bytes of a password, here as where the hash was made.
//
// Slow by design, as password_hash.h: for a pool of threads, never for an event loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::crypto {

inline constexpr std::size_t foreign_hash_bytes_max = 512;
inline constexpr std::uint64_t foreign_hash_memory_bytes_max = 256ULL << 20;
inline constexpr std::uint32_t bcrypt_cost_max = 14;
inline constexpr std::uint32_t pbkdf2_iterations_max = 2'000'000;

// Why a text can be no stored password hash here: "bcrypt: cost 17 is above 14". Empty if it can, Jeton's own Argon2id
// included. Computes no hash.
std::string objection_to_hash(std::string_view stored);

// True if `stored` is a hash of any of these formats, or of Jeton's own, and of this password.
bool verify_any_password(std::string_view password, const std::string& stored);

}  // namespace jeton::crypto
