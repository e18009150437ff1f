// Empty braces are no permission.
// refused: SecretAccess|reveal
#include <jeton/secret.h>

auto read(const jeton::SecretBytes& secret) {
#if MUST_NOT_COMPILE
  return secret.reveal({});
#else
  return secret.reveal(jeton::InsecureSecretAccess::get());
#endif
}
