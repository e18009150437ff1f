// The permission to read a secret comes from InsecureSecretAccess::get() alone, which can be searched for.
// refused: SecretAccess
#include <jeton/secret.h>

#if MUST_NOT_COMPILE
auto access = jeton::SecretAccess{};
#else
auto access = jeton::InsecureSecretAccess::get();
#endif
