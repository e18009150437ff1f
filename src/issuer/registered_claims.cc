#include "issuer/registered_claims.h"

#include <algorithm>
#include <array>

namespace jeton::issuer {

bool is_registered_claim(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 20> registered{
      "iss", "sub", "aud", "exp", "nbf", "iat",     "jti",   "client_id", "scope", "auth_time",
      "sid", "gen", "ver", "cnf", "act", "may_act", "nonce", "acr",       "amr",   "azp"};
  return std::ranges::find(registered, name) != registered.end();
}

}  // namespace jeton::issuer
