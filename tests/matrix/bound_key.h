// BoundKey: a key and the one algorithm it is bound to, for all thirteen algorithms. The six of RSA share one key of
// 2048 bits, the three of HMAC one secret of 64 bytes, so that nothing but the binding keeps them apart.
#pragma once

#include "crypto/key_material.h"

#include <jeton/algorithm.h>
#include <jeton/key.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::matrix {

struct BoundKey {
  Algorithm algorithm;
  SigningKey signing;
  VerificationKey verifying;
  const crypto::PrivateMaterial* material;

  std::string name() const { return std::string(name_of(algorithm)); }
  // The raw signature over `input`, by this key's own algorithm.
  std::string sign(std::string_view input) const;
};

// One for each algorithm, in the order of the enumeration, with the kid "k".
const std::vector<BoundKey>& bound_keys();
const BoundKey& bound_key(Algorithm algorithm);

// header "." payload "." signature, each as base64url.
std::string compact(std::string_view header, std::string_view payload, const BoundKey& signer);
std::string with_signature(std::string_view token, std::string_view signature_bytes);
std::string signature_of(std::string_view token);

}  // namespace jeton::matrix
