// Tokens from cases: header and payload as they stand, signed by whom the case says, then changed.
//
// Before signing: pl_byte_ff puts the byte FF into the payload's `sub`; pl_hex:H puts those bytes there.
// On the finished token, part N being 0 (header), 1 (payload) or 2 (signature):
//   pad:N ins:N:TEXT len1:N       padding; TEXT in the middle; a length of 1 modulo 4
//   trailbits:N drop:N            an unused bit set; nothing left
//   pl_swap sig_flip              another payload; another bit
//   sig_cut:N sig_add:N sig_der   N bytes fewer or more; as DER
//   ecdsa_high_s ecdsa_twin       the twin (r, n - s) if it is the higher one; in any case
//   sig_r:HEX sig_s:HEX           that half of a P-256 signature; `n` is the order of the curve
//   cut_sig_and_dot lead_dot trail_dot double_dot append:TEXT append_a:N prepend:TEXT json
//   token:TEXT                    something else altogether
#pragma once

#include "case_file.h"

#include <string>
#include <string_view>

namespace jeton::hostile {

inline constexpr std::string_view usual_header = R"({"alg":"ES256","typ":"at+jwt","kid":"ec1"})";
inline constexpr std::string_view usual_payload =
    R"({"iss":"https://as.example","sub":"u1","aud":"api","exp":1700000600,)"
    R"("iat":1700000000,"nbf":1700000000,"jti":"a1"})";

// Throws std::runtime_error for a signer or change that is not known.
std::string forge_token(const Case& hostile);

}  // namespace jeton::hostile
