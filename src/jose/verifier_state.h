// What is behind a Verifier.
#pragma once

#include "jose/key_index.h"

#include <jeton/verifier.h>

#include <cstdint>
#include <vector>

namespace jeton {

struct Verifier::State {
  State(std::vector<TrustedIssuer> trusted, Limits given);

  std::vector<TrustedIssuer> issuers;
  Limits limits;
  jose::KeyIndex keys;
  std::uint64_t generation;
};

}  // namespace jeton
