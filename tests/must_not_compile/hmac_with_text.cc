// Text (a PEM file, a password) does not become a secret by itself.
// refused: from_secret|SecretBytes
#include <jeton/key.h>

#include <string>

auto good(const std::string& text) {
  return jeton::SigningKey::from_secret(jeton::SecretBytes::from_text(text), jeton::Algorithm::hs256);
}

#if MUST_NOT_COMPILE
auto confused(const std::string& pem) { return jeton::SigningKey::from_secret(pem, jeton::Algorithm::hs256); }
#endif
