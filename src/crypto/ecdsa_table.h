// EcdsaTable: multiples of one P-256 public key, worked out once, with which its signatures verify in half the time.
//
// Everything it computes with is public, so nothing here is secret or constant in time. A table costs some 25 ms and
// 156 KB. Immutable; shared by any number of threads.
#pragma once

#include "crypto/key_material.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace jeton::crypto {

class EcdsaTable {
 public:
  // Null if OpenSSL cannot build one for this key, or if a product read from it is not what the plain multiplication
  // gives: every entry is read for that. `key` is of P-256 and has been checked.
  static std::shared_ptr<const EcdsaTable> build(const EcPublic& key);

  EcdsaTable(const EcdsaTable&) = delete;
  EcdsaTable& operator=(const EcdsaTable&) = delete;
  ~EcdsaTable();

  enum class Verdict : std::uint8_t {
    good,
    bad,
    unknown,  // memory has ended: ask the plain path
  };
  // FIPS 186-5 section 6.4.2 from its third step on. `digest` is the 32 bytes of SHA-256; `r` and `s` are 32 bytes each
  // and have been found to lie between 1 and the order, less one.
  Verdict verify(std::span<const std::byte> digest, std::span<const std::byte> r,
                 std::span<const std::byte> s) const noexcept;

 private:
  struct Groups;
  explicit EcdsaTable(std::unique_ptr<const Groups> groups) noexcept;
  std::unique_ptr<const Groups> groups_;
};

}  // namespace jeton::crypto
