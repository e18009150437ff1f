// Secrets have no ==, which would take as long as they are alike.
// refused: invalid operands to binary expression|no match for 'operator=='
#include <jeton/secret.h>

bool same(const jeton::SecretBytes& a, const jeton::SecretBytes& b) {
#if MUST_NOT_COMPILE
  return a == b;
#else
  return a.size() == b.size();
#endif
}
