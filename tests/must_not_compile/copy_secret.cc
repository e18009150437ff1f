// A second copy of a secret is made by saying so, not by passing it on.
// refused: deleted
#include <jeton/secret.h>

jeton::SecretBytes keep(const jeton::SecretBytes& secret) {
#if MUST_NOT_COMPILE
  return secret;
#else
  return secret.duplicate();
#endif
}
