// A stranger's program: knows only what is installed.
#include <jeton/guard.h>
#include <jeton/signer.h>
#include <jeton/version.h>

#include <cstdio>

int main() {
  const auto now = jeton::from_unix_seconds(1'700'000'000);
  const auto key = jeton::SigningKey::generate(jeton::Algorithm::eddsa);
  const jeton::Signer signer{key, {.issuer = "https://id.example.com", .audiences = {"api"}}};
  const auto token = signer.sign(jeton::Claims{"dev_12847"}.with("plan", "pro"), now);
  const jeton::Verifier verifier{{.issuer = "https://id.example.com",
                                  .audience = jeton::AudienceRule::must_include("api"),
                                  .keys = jeton::KeySet{{key.verification_key()}}}};
  const auto verified = verifier.verify(token.value(), now);
  const auto later = verifier.verify(token.value(), now + std::chrono::minutes{15});
  if (!verified || later || later.error().code != jeton::Errc::expired) return 1;
  std::printf("%s %s\n", verified->get<std::string>("plan")->c_str(), JETON_VERSION);
}
