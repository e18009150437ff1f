// make_tokens DIRECTORY: a key pair, its JWKS, and the four tokens that the examples are asked with.
#include <jeton/key_set.h>
#include <jeton/signer.h>

#include <fstream>
#include <iostream>
#include <string>

namespace {

constexpr auto lifetime = std::chrono::minutes{15};

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const std::string directory = argv[1];
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto key = jeton::SigningKey::generate(jeton::Algorithm::es256);
  const auto other_key = jeton::SigningKey::generate(jeton::Algorithm::es256);
  const jeton::SignerOptions options{.issuer = "https://id.example.com", .audiences = {"api"}, .lifetime = lifetime};
  const jeton::Signer signer{key, options}, stranger{other_key, options};
  const jeton::Claims claims{"dev_12847"};

  write(directory + "/jwks.json", jeton::KeySet{{key.verification_key()}}.to_jwks());
  write(directory + "/good", signer.sign(claims, now).value());
  write(directory + "/expired", signer.sign(claims, now - lifetime).value());  // good until this very second
  write(directory + "/of_a_stranger", stranger.sign(claims, now).value());
  std::string changed = signer.sign(claims, now).value();
  const auto payload = changed.find('.') + 1;
  changed[payload + 20] = changed[payload + 20] == 'A' ? 'B' : 'A';
  write(directory + "/changed", changed);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "make_tokens: " << error.what() << '\n';
  return 1;
}
