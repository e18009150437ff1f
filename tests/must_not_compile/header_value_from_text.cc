// Nothing reaches a header but through the encoding: a text is no HeaderValue.
// refused: no matching (constructor|function)|is private|calling a private constructor|within this context
#include <jeton/policy.h>

#include <string>

std::string passed_on(const std::string& claim) { return jeton::HeaderValue::of(claim).text(); }

#if MUST_NOT_COMPILE
jeton::HeaderValue injected{std::string("u1\r\nX-Role: admin")};
#endif
