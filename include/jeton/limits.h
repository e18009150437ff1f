// Limits: how much a token, a header, a key or a key set may be. Everything has a limit; the unit is the last word.
#pragma once

#include <cstdint>

namespace jeton {

struct Limits {
  std::uint32_t token_bytes_max = 8 * 1024;   // the compact serialization, tested before any other work
  std::uint32_t header_bytes_max = 2 * 1024;  // the decoded header
  std::uint32_t json_depth_max = 16;          // the top-level object is depth 1
  std::uint32_t json_members_max = 512;       // members and array elements of one document, together
  std::uint32_t kid_bytes_max = 256;
  std::uint32_t jwks_bytes_max = 512 * 1024;
  std::uint32_t jwks_keys_max = 100;
  std::uint32_t rsa_bits_min = 2048;
  std::uint32_t rsa_bits_max = 8192;
  std::uint32_t key_candidates_max = 4;     // keys of different issuers that share one `kid`
  std::uint32_t precomputed_keys_max = 16;  // tables in one set: KeySet::precompute()
};
static_assert(Limits{}.header_bytes_max < Limits{}.token_bytes_max);
static_assert(Limits{}.rsa_bits_min < Limits{}.rsa_bits_max);

inline constexpr Limits default_limits{};

}  // namespace jeton
