// A secret cannot be written to a stream.
// refused: invalid operands to binary expression|no match for 'operator<<'
#include <jeton/secret.h>

#include <ostream>

void print(std::ostream& out, const jeton::SecretBytes& secret) {
#if MUST_NOT_COMPILE
  out << secret;
#else
  out << secret.size();
#endif
}
