// An error is never true or false: `if (error)` could be read either way at a gate.
// refused: not contextually convertible to 'bool'|could not convert|contextually
#include <jeton/error.h>

bool refused(const jeton::Error& error) {
#if MUST_NOT_COMPILE
  if (error) return true;
  return false;
#else
  return error.code == jeton::Errc::expired;
#endif
}
