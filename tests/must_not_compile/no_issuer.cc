// A verifier that forgets to say whose tokens it believes does not compile.
// refused: IssuerRule
#include <jeton/verifier.h>

jeton::Verifier make(jeton::KeySet keys) {
  return jeton::Verifier{jeton::TrustedIssuer{
#if MUST_NOT_COMPILE
#else
      .issuer = "https://id.example.com",
#endif
      .audience = jeton::AudienceRule::must_include("api"),
      .keys = std::move(keys),
  }};
}
