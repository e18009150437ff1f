#include <jeton/algorithm.h>

#include <array>

namespace jeton {
namespace {

constexpr std::array<std::string_view, algorithm_count> names = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                                                 "RS512", "PS256", "PS384", "PS512", "ES256",
                                                                 "ES384", "ES512", "EdDSA"};

}  // namespace

std::string_view name_of(Algorithm algorithm) noexcept { return names[static_cast<std::size_t>(algorithm)]; }

std::optional<Algorithm> algorithm_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Algorithm>(i);
  }
  if (name == "Ed25519") return Algorithm::eddsa;  // RFC 9864, section 2.2
  return std::nullopt;
}

}  // namespace jeton
