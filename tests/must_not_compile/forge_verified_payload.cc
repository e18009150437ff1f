// refused: is private|within this context|calling a private constructor
#include <jeton/jws.h>

std::string bytes_of(const jeton::VerifiedPayload& payload) { return payload.bytes(); }

#if MUST_NOT_COMPILE
jeton::VerifiedPayload forged{"bytes", jeton::Algorithm::es256, "kid"};
#endif
