// JSON Web Keys (RFC 7517, 7518 section 6, 8037): text to key material and back, and the thumbprint (RFC 7638).
//
// Reading a JWK checks its form; whether the numbers make a good key is crypto's to say.
#pragma once

#include "crypto/key.h"
#include "jose/json.h"

#include <jeton/algorithm.h>
#include <jeton/error.h>
#include <jeton/limits.h>
#include <jeton/secret.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace jeton::jose {

enum class Purpose : std::uint8_t { sign, verify };
struct Purposes {
  bool sign = false, verify = false;
};

struct Jwk {
  std::string kty, kid, alg;  // as written; kid and alg empty if absent
  bool has_kid = false;
  Purposes purposes{};  // what `use` and `key_ops` say
  std::variant<crypto::PublicMaterial, crypto::PrivateMaterial> material;

  const crypto::PrivateMaterial* private_material() const { return std::get_if<crypto::PrivateMaterial>(&material); }
  // What verifies: the public part, or null for a shared secret.
  std::optional<crypto::PublicMaterial> public_material() const;
};

// The members that tell keys of a set apart even when the rest of one must be refused.
struct JwkName {
  std::string kty, kid, alg;
};
JwkName name_of_jwk(JsonView object);

// Errors: malformed_key, unsupported_key.
Result<Jwk> read_jwk(JsonView object, const Limits& limits);
// The same from text, which must be one object; the parser's copy is wiped.
Result<Jwk> read_jwk(std::string_view json, const Limits& limits);

// The algorithm a key is bound to: its `alg`, its curve, or the one asked for; they must agree.
// Errors: key_without_alg, algorithm_not_allowed, unsupported_algorithm, key_not_for_signatures.
Result<Algorithm> bound_algorithm(const Jwk& jwk, Purpose purpose, std::optional<Algorithm> asked);

std::string write_public_jwk(const crypto::PublicMaterial&, Algorithm, std::string_view kid);
SecretBytes write_private_jwk(const crypto::PrivateMaterial&, Algorithm, std::string_view kid);

std::string thumbprint_of(const crypto::PublicMaterial&);
std::string thumbprint_of(const crypto::SharedSecret&);

}  // namespace jeton::jose
