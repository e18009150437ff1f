#include "key_ring.h"

#include "crypto/key.h"

#include <jeton/limits.h>

#include <stdexcept>

namespace jeton::hostile {
namespace {

std::string upper_case(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

KeyRing::KeyRing() {
  for (const char* name : {"EC1", "ATT"}) keys_.emplace(name, crypto::PrivateKey::generate(Algorithm::es256, 0));
  for (const char* name : {"RSA1", "RSA-NOALG", "RSA-ATT"}) {
    keys_.emplace(name, crypto::PrivateKey::generate(Algorithm::ps256, 2048));
  }
  keys_.emplace("EC384", crypto::PrivateKey::generate(Algorithm::es384, 0));
  keys_.emplace("EC521", crypto::PrivateKey::generate(Algorithm::es512, 0));
  keys_.emplace("ED1", crypto::PrivateKey::generate(Algorithm::eddsa, 0));
}

const KeyRing& KeyRing::shared() {
  static const KeyRing ring;
  return ring;
}

const crypto::PrivateMaterial& KeyRing::key(std::string_view name) const {
  const auto found = keys_.find(upper_case(name));
  if (found == keys_.end()) throw std::runtime_error("no key " + std::string(name));
  return found->second;
}

std::string KeyRing::sign(std::string_view name, Algorithm algorithm, std::string_view input) const {
  const auto signer = crypto::PrivateKey::create(crypto::duplicate(key(name)), algorithm, default_limits);
  if (!signer) throw std::runtime_error(std::string(name) + " cannot sign " + std::string(name_of(algorithm)));
  std::string signature((*signer)->signature_bytes(), '\0');
  if (!(*signer)->sign(input, std::as_writable_bytes(std::span(signature)))) throw std::runtime_error("signing failed");
  return signature;
}

}  // namespace jeton::hostile
