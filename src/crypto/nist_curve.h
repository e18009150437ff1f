// What is fixed about P-256, P-384 and P-521 (FIPS 186-5, SEC 2).
#pragma once

#include "crypto/key_material.h"

#include <jeton/algorithm.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace jeton::crypto {

struct NistCurve {
  Curve curve;
  Algorithm algorithm;  // the only one (RFC 7518 section 3.4)
  const char* openssl_name;
  std::size_t bytes;  // of a coordinate and of a scalar
  std::string_view order_octets;

  std::span<const std::byte> order() const noexcept { return std::as_bytes(std::span(order_octets)); }
};

// Null for ed25519.
const NistCurve* nist_curve(Curve curve) noexcept;
// The curve that OpenSSL calls so; null for all others.
const NistCurve* nist_curve_named(std::string_view openssl_name) noexcept;

// True if `value` has a scalar's exact length and lies between 1 and the order, less one.
bool is_scalar(const NistCurve& curve, std::span<const std::byte> value) noexcept;

}  // namespace jeton::crypto
