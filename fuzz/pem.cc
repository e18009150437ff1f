// A PEM that is read gives a key that can be written as a JWK and read again; a private one never passes as public.
// Parts: crypto/pem crypto/key crypto/rsa_checks crypto/secret_checks
#include "target.h"

#include <jeton/key.h>

namespace jeton::fuzz {
JETON_FUZZ_TARGET(pem) {
  for (const auto algorithm :
       {std::optional<Algorithm>{}, std::optional{Algorithm::rs256}, std::optional{Algorithm::ps512}}) {
    const auto verifying = VerificationKey::from_pem(input, algorithm);
    const auto signing = SigningKey::from_pem(input, algorithm);
    JETON_PROPERTY(!(verifying && signing));
    if (verifying) {
      const auto again = VerificationKey::from_jwk(verifying->to_jwk());
      JETON_PROPERTY(again.has_value() && again->to_jwk() == verifying->to_jwk());
      JETON_PROPERTY(!is_symmetric(verifying->algorithm()));
    }
    if (signing) {
      const auto again = VerificationKey::from_jwk(signing->verification_key().to_jwk());
      JETON_PROPERTY(again.has_value() && again->algorithm() == signing->algorithm());
    }
  }
}
}  // namespace jeton::fuzz
