// There is no `none`.
// refused: no member named 'none'|'none' is not a member
#include <jeton/algorithm.h>

#if MUST_NOT_COMPILE
constexpr auto algorithm = jeton::Algorithm::none;
#else
constexpr auto algorithm = jeton::Algorithm::es256;
#endif
