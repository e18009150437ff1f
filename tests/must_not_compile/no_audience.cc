// A verifier that forgets to say which audience it is for does not compile.
// refused: AudienceRule
#include <jeton/verifier.h>

jeton::Verifier make(jeton::KeySet keys) {
  return jeton::Verifier{jeton::TrustedIssuer{
      .issuer = "https://id.example.com",
#if MUST_NOT_COMPILE
#else
      .audience = jeton::AudienceRule::must_include("api"),
#endif
      .keys = std::move(keys),
  }};
}
