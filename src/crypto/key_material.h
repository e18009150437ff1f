// The numbers of which keys are made, as JWK members and PEM files carry them: big-endian, exactly as received.
// Plain data between jose (JWK text) and crypto (keys); nothing here has been checked.
#pragma once

#include <jeton/secret.h>

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace jeton::crypto {

using Bytes = std::vector<std::byte>;

enum class Curve : std::uint8_t { p256, p384, p521, ed25519 };

struct RsaPublic {
  Bytes n, e;
};
struct EcPublic {
  Curve curve;
  Bytes x, y;
};  // NIST curves; coordinates at full length
struct OkpPublic {
  Bytes x;
};  // Ed25519

struct RsaPrivate {
  RsaPublic pub;
  SecretBytes d, p, q, dp, dq, qi;
};  // p to qi all present or all empty
struct EcPrivate {
  EcPublic pub;
  SecretBytes d;
};
struct OkpPrivate {
  OkpPublic pub;
  SecretBytes d;
};  // d is the 32-byte seed
struct SharedSecret {
  SecretBytes k;
};

using PublicMaterial = std::variant<RsaPublic, EcPublic, OkpPublic>;
using PrivateMaterial = std::variant<RsaPrivate, EcPrivate, OkpPrivate, SharedSecret>;

}  // namespace jeton::crypto
