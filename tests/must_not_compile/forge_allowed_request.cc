// A decision of the guard can be looked at; a caller cannot make one up that allows.
// refused: private
#include <jeton/guard.h>

const jeton::VerifiedToken* token_of(const jeton::Decision& decision) { return decision.token(); }

#if MUST_NOT_COMPILE
jeton::Allowed forged{nullptr};
#endif
