// edge_tokens DIRECTORY COUNT: keys and distinct live tokens for tools/bench edge.
//
//   rs256.tokens, rs256.cold, rs256.forged   one compact token a line: COUNT, and 40,000 each of never seen and forged
//   hs256.tokens                             10,000
//   jwks.json, rs256.pem, hs256.secret       what verifies them
#include "material.h"
#include "measure.h"

#include <jeton/key_set.h>
#include <jeton/secret.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace jeton::bench {
namespace {

constexpr std::size_t others = 40'000;
constexpr std::size_t hs256_tokens = 10'000;

std::string token_of(const Signer& signer, std::size_t number, UnixTime now) {
  const std::string name = "dev_" + std::to_string(100'000 + number);
  auto token = signer.sign(Claims{name}
                               .with("client_id", "web")
                               .with("email", name + "@engineering.example.com")
                               .with("roles", {"developer", "team_lead"})
                               .with("plan", "pro"),
                           now);
  expect(token.has_value(), "a token that is refused");
  return *std::move(token);
}

// The tokens numbered [begin, begin + count), made by all cores.
std::vector<std::string> make_tokens(const Signer& signer, std::size_t begin, std::size_t count, UnixTime now) {
  std::vector<std::string> tokens(count);
  const std::size_t threads = std::max(std::thread::hardware_concurrency(), 1U);
  std::vector<std::jthread> workers;
  for (std::size_t first = 0; first < threads; ++first) {
    workers.emplace_back([&, first] {
      for (std::size_t i = first; i < count; i += threads) tokens[i] = token_of(signer, begin + i, now);
    });
  }
  workers.clear();
  return tokens;
}

void write_lines(const std::filesystem::path& path, const std::vector<std::string>& lines) {
  std::ofstream file(path, std::ios::binary);
  for (const std::string& line : lines) file << line << '\n';
  expect(file.good(), "cannot write tokens");
}

// The same token with another signature of the right length.
void forge(std::string& token) {
  const std::size_t signature = token.rfind('.') + 1;
  for (std::size_t i = 0; i < 8; ++i) {
    char& c = token[signature + 40 + i];
    c = c == 'A' ? 'B' : 'A';
  }
}

void make(const std::filesystem::path& directory, std::size_t count) {
  const UnixTime now = wall_clock();
  const SignerOptions options{
      .issuer = "https://id.example.com", .audiences = {"api"}, .lifetime = std::chrono::hours{24}};
  const Material rs256 = make_material(Algorithm::rs256);
  // Printable, since HAProxy reads it from its configuration.
  const std::string secret = random_id(48);
  const auto hs256 = SigningKey::from_secret(SecretBytes::from_text(secret), Algorithm::hs256, "bench-HS256");
  expect(hs256.has_value(), "no secret");
  const Signer signer(*rs256.key, options);
  write_lines(directory / "rs256.tokens", make_tokens(signer, 0, count, now));
  write_lines(directory / "rs256.cold", make_tokens(signer, count, others, now));
  auto forged = make_tokens(signer, count + others, others, now);
  std::ranges::for_each(forged, forge);
  write_lines(directory / "rs256.forged", forged);
  write_lines(directory / "hs256.tokens", make_tokens(Signer(*hs256, options), 0, hs256_tokens, now));
  std::ofstream(directory / "jwks.json") << KeySet({rs256.key->verification_key()}).to_jwks() << '\n';
  std::ofstream(directory / "rs256.pem") << rs256.public_pem;
  std::ofstream(directory / "hs256.secret") << secret;
}

}  // namespace
}  // namespace jeton::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "edge_tokens DIRECTORY COUNT\n";
    return 2;
  }
  jeton::bench::make(argv[1], std::strtoul(argv[2], nullptr, 10));
}
