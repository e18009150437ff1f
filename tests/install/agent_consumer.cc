// A stranger's service that is kept fresh: knows only what is installed. Its keys are in a file.
#include <jeton/agent.h>
#include <jeton/signer.h>

#include <chrono>
#include <cstdio>
#include <fstream>

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::string path = arguments[1];
  const auto key = jeton::SigningKey::generate(jeton::Algorithm::eddsa);
  std::ofstream(path) << jeton::KeySet{{key.verification_key()}}.to_jwks();
  jeton::AgentOptions options;
  options.issuers.push_back({.trust = {.issuer = "https://id.example.com",
                                       .audience = jeton::AudienceRule::must_include("api")},
                             .keys = jeton::KeysFrom::file(path)});
  const auto agent = jeton::Agent::start(std::move(options));
  if (!agent || !agent.value()->wait_until_ready(std::chrono::minutes{1})) return 1;
  const auto now = jeton::from_unix_seconds(1'700'000'000);
  const jeton::Signer signer{key, {.issuer = "https://id.example.com", .audiences = {"api"}}};
  const auto token = signer.sign(jeton::Claims{"dev_12847"}.with("plan", "pro"), now);
  const auto verified = agent.value()->verifier()->verify(token.value(), now);
  if (!verified || agent.value()->revocations().find(*verified)) return 1;
  std::printf("%s, kept fresh\n", verified->get<std::string>("plan")->c_str());
}
