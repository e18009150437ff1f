// Only a Verifier makes a VerifiedToken; nobody can declare one, fill one or derive one.
// refused: no matching (constructor|function)|is private|calling a private constructor|within this context
#include <jeton/verified_token.h>

#include <type_traits>

// Copies are free, so that functions can take and keep one.
static_assert(std::is_copy_constructible_v<jeton::VerifiedToken>);
static_assert(!std::is_default_constructible_v<jeton::VerifiedToken>);

#if MUST_NOT_COMPILE
jeton::VerifiedToken forged{nullptr};
#endif
