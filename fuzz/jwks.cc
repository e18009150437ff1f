// A published set holds nothing secret, and what is written of it reads back as the same keys.
// Parts: jose/jwk jose/key jose/key_set crypto/key_numbers crypto/rsa_checks
#include "target.h"

#include <jeton/key.h>
#include <jeton/key_set.h>

namespace {

std::size_t usable(const jeton::KeySet& keys) {
  std::size_t count = 0;
  for (const auto& entry : keys.entries()) count += entry.refusal.empty();
  return count;
}

}  // namespace

JETON_FUZZ_TARGET(jwks) {
  using jeton::KeySet;
  const auto published = KeySet::parse(input);
  if (published) {
    for (const auto& entry : published->entries()) {
      JETON_PROPERTY(entry.keys.empty() != entry.refusal.empty());
      for (const auto& key : entry.keys) {
        JETON_PROPERTY(!is_symmetric(key.algorithm()));
        const auto again = jeton::VerificationKey::from_jwk(key.to_jwk());
        JETON_PROPERTY(again.has_value() && again->to_jwk() == key.to_jwk() && again->algorithm() == key.algorithm());
      }
    }
    const auto again = KeySet::parse(published->to_jwks());
    JETON_PROPERTY(again.has_value() && usable(*again) == usable(*published));
    JETON_PROPERTY(again->to_jwks() == published->to_jwks());
  }
  // An operator's own file may hold more, never less.
  const auto local = KeySet::parse(input, {.origin = jeton::KeyOrigin::local, .any_fitting = true});
  JETON_PROPERTY(local.has_value() == published.has_value());
  if (local) JETON_PROPERTY(usable(*local) >= usable(*published));

  if (const auto key = jeton::VerificationKey::from_jwk(input)) {
    JETON_PROPERTY(jeton::thumbprint(input) == jeton::thumbprint(key->to_jwk()));
  }
}
