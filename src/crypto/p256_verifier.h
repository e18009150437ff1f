// P256Verifier: verifies ECDSA signatures by one P-256 public key, plainly or with a table of the key's multiples.
//
// It does what ECDSA_do_verify does by OpenSSL's own arithmetic on the curve, but for three things: the inverse modulo
// the order is worked out faster (and tried before it is used), the result is compared without dividing, and the table,
// which OpenSSL has for the generator alone, halves the rest. Everything it computes with is public, so nothing here is
// secret or constant in time. Immutable; shared by any number of threads.
#pragma once

#include "crypto/key_material.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace jeton::crypto {

class P256Verifier {
 public:
  // `key` is of P-256 and has been checked. Null if OpenSSL does not take it.
  static std::shared_ptr<const P256Verifier> plain(const EcPublic& key);
  // Costs some 25 ms and 156 KB. Null also if OpenSSL cannot build a table, or if a product read from it is not what
  // the plain multiplication gives: every entry is read for that.
  static std::shared_ptr<const P256Verifier> with_table(const EcPublic& key);

  P256Verifier(const P256Verifier&) = delete;
  P256Verifier& operator=(const P256Verifier&) = delete;
  ~P256Verifier();

  enum class Verdict : std::uint8_t {
    good,
    bad,
    unknown,  // memory has ended, or a number was not what it should be: ask somebody else
  };
  // FIPS 186-5 section 6.4.2 from its third step on. `digest` is the 32 bytes of SHA-256; `r` and `s` are 32 bytes each
  // and have been found to lie between 1 and the order, less one.
  Verdict verify(std::span<const std::byte, 32> digest, std::span<const std::byte, 32> r,
                 std::span<const std::byte, 32> s) const noexcept;

  bool has_table() const noexcept;

 private:
  struct Numbers;
  explicit P256Verifier(std::unique_ptr<const Numbers> numbers) noexcept;
  std::unique_ptr<const Numbers> numbers_;
};

}  // namespace jeton::crypto
