// A decision of the guard can be looked at; a caller cannot make one up that allows.
// refused: no matching constructor|could not convert
#include <jeton/guard.h>

const jeton::VerifiedToken* token_of(const jeton::Decision& decision) { return decision.allowed(); }

#if MUST_NOT_COMPILE
jeton::Allowed forged{};
#endif
