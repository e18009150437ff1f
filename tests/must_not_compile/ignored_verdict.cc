// The answer of verify cannot be dropped by accident.
// refused: nodiscard|ignoring return
#include <jeton/verifier.h>

#pragma GCC diagnostic error "-Wunused-result"

void check(const jeton::Verifier& verifier, std::string_view token, jeton::UnixTime now) {
#if MUST_NOT_COMPILE
  verifier.verify(token, now);
#else
  if (!verifier.verify(token, now)) return;
#endif
}
