// KeyRing: the keys of the hostile cases by name, made afresh for each run of the program.
//   EC1, ATT     P-256: the verifier's, and an attacker's, whom it does not know
//   RSA1, RSA-NOALG, RSA-ATT   2048 bits
//   EC384, EC521, ED1
#pragma once

#include "crypto/key_material.h"

#include <jeton/algorithm.h>

#include <map>
#include <string>
#include <string_view>

namespace jeton::hostile {

class KeyRing {
 public:
  static const KeyRing& shared();

  // Case does not count. Throws std::runtime_error if there is no such key.
  const crypto::PrivateMaterial& key(std::string_view name) const;
  // The raw signature, JWS style, of any algorithm that the key's type and size admit.
  std::string sign(std::string_view name, Algorithm algorithm, std::string_view input) const;

 private:
  KeyRing();
  std::map<std::string, crypto::PrivateMaterial, std::less<>> keys_;
};

}  // namespace jeton::hostile
