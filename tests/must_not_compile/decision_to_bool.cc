// Nor is a decision of the guard.
// refused: not contextually convertible to 'bool'|could not convert|contextually
#include <jeton/guard.h>

bool allowed(const jeton::Decision& decision) {
#if MUST_NOT_COMPILE
  if (decision) return true;
  return false;
#else
  return decision.allowed() != nullptr;
#endif
}
