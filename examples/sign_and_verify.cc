// Sign and verify in ten lines. Everything that matters is said: for whom the token is, how long, by which key.
#include <jeton/signer.h>
#include <jeton/verifier.h>

#include <iostream>

int main() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto key = jeton::SigningKey::generate(jeton::Algorithm::es256);
  const jeton::Signer signer{key, {.issuer = "https://id.example.com", .audiences = {"api"}}};
  const auto token = signer.sign(jeton::Claims{"dev_12847"}.with("plan", "pro"), now);

  const jeton::Verifier verifier{{.issuer = "https://id.example.com",
                                  .audience = jeton::AudienceRule::must_include("api"),
                                  .keys = jeton::KeySet{{key.verification_key()}}}};
  const auto verified = verifier.verify(token.value(), now);
  if (!verified) return std::cerr << describe(verified.error()) << '\n', 1;
  std::cout << verified->subject() << " has plan " << verified->get<std::string>("plan").value() << '\n';
}
