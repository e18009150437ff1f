// `now` is a point in time; a bare number (of seconds? milliseconds?) does not convert.
// refused: no viable conversion|could not convert|cannot convert|no matching (member )?function
#include <jeton/verifier.h>

auto check(const jeton::Verifier& verifier, std::string_view token) {
#if MUST_NOT_COMPILE
  return verifier.verify(token, 1'700'000'000);
#else
  return verifier.verify(token, jeton::from_unix_seconds(1'700'000'000));
#endif
}
