// A public key is no secret: it cannot become the key of an HMAC (RFC 8725 section 2.1, CVE-2015-9235).
// refused: from_secret|SecretBytes
#include <jeton/key.h>

auto good(jeton::SecretBytes secret) {
  return jeton::SigningKey::from_secret(std::move(secret), jeton::Algorithm::hs256);
}

#if MUST_NOT_COMPILE
auto confused(jeton::VerificationKey key) { return jeton::SigningKey::from_secret(key, jeton::Algorithm::hs256); }
#endif
