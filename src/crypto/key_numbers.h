// From the numbers of a key to an EVP_PKEY and back, leaving no copy of a private number behind unwiped.
#pragma once

#include "crypto/key_material.h"
#include "crypto/openssl_ptr.h"

#include <openssl/core.h>

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace jeton::crypto {

// An OSSL_PARAM array whose values it keeps, and wipes. (OSSL_PARAM_BLD frees private numbers without wiping them.)
class KeyParameters {
 public:
  KeyParameters() = default;
  KeyParameters(const KeyParameters&) = delete;
  KeyParameters& operator=(const KeyParameters&) = delete;
  ~KeyParameters();

  void number(const char* name, std::span<const std::byte> big_endian);
  void octets(const char* name, std::span<const std::byte> bytes);
  void text(const char* name, std::string_view value);

  // A key of that type ("RSA", "EC"), or null if OpenSSL does not take the numbers.
  PkeyPtr make(const char* type, int selection);

 private:
  Bytes& keep(std::span<const std::byte> bytes);

  std::deque<Bytes> kept_;
  std::vector<OSSL_PARAM> params_;
};

// A parameter of the key as big-endian bytes: the minimal number of them, or exactly `width` if that is not 0. Empty if
// the key has no such parameter, or it does not fit.
Bytes public_number(const EVP_PKEY* key, const char* name, std::size_t width = 0);
SecretBytes private_number(const EVP_PKEY* key, const char* name, std::size_t width = 0);

NumberPtr to_number(std::span<const std::byte> big_endian);

// The form that RFC 7518 prescribes: at least one byte, the first of them not zero.
bool is_minimal(std::span<const std::byte> big_endian) noexcept;
std::size_t bit_length(std::span<const std::byte> big_endian) noexcept;

}  // namespace jeton::crypto
