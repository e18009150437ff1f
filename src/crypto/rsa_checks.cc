#include "crypto/rsa_checks.h"

#include "crypto/key_numbers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace jeton::crypto {
namespace {

constexpr std::array<std::uint16_t, 38> small_primes{3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                                     47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                                     107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

// Residues[i][r]: r is a power of 65537 modulo the i-th small prime.
constexpr auto residues_of_65537 = [] {
  std::array<std::array<bool, 168>, small_primes.size()> table{};
  for (std::size_t i = 0; i < small_primes.size(); ++i) {
    std::uint32_t power = 1;
    while (!table[i][power]) {
      table[i][power] = true;
      power = power * (65537u % small_primes[i]) % small_primes[i];
    }
  }
  return table;
}();

std::uint32_t remainder(std::span<const std::byte> big_endian, std::uint32_t divisor) noexcept {
  std::uint32_t rest = 0;
  for (const std::byte b : big_endian) rest = (rest * 256 + std::to_integer<std::uint32_t>(b)) % divisor;
  return rest;
}

bool is_even(std::span<const std::byte> big_endian) noexcept {
  return (std::to_integer<unsigned>(big_endian.back()) & 1) == 0;
}

std::span<const std::byte> bytes_of(const SecretBytes& secret) noexcept {
  return secret.reveal(InsecureSecretAccess::get());
}

Error invalid(std::string_view member, std::string expected) {
  return Error{Errc::invalid_key, std::string(member), std::move(expected)};
}

std::optional<Error> check_exponent(std::span<const std::byte> e) {
  if (!is_minimal(e)) return invalid("e", "a number without leading zero bytes");
  if (e.size() > 4) return invalid("e", "at most 32 bits");
  std::uint32_t value = 0;
  for (const std::byte b : e) value = value << 8 | std::to_integer<std::uint32_t>(b);
  if (value % 2 == 0 || value == 1) return invalid("e", "an odd number from 65537");
  if (value < 65537) return Error{Errc::weak_key, "e", "an odd number from 65537"};
  return std::nullopt;
}

// a·b ≡ expected (mod m); with m null, a·b = expected.
bool product_is(const BIGNUM* a, const BIGNUM* b, const BIGNUM* m, const BIGNUM* expected, BN_CTX* scratch) {
  const NumberPtr product(BN_new());
  if (!product || BN_mul(product.get(), a, b, scratch) != 1) return false;
  if (m != nullptr && BN_nnmod(product.get(), product.get(), m, scratch) != 1) return false;
  return BN_cmp(product.get(), expected) == 0;
}

struct PrimeSide {
  const SecretBytes& prime;
  const SecretBytes& exponent;  // d mod (prime - 1)
};

// e·d ≡ e·exponent ≡ 1 (mod prime - 1), and exponent is below it.
bool exponents_fit(const PrimeSide& side, const BIGNUM* d, const BIGNUM* e, BN_CTX* scratch) {
  const NumberPtr order = to_number(bytes_of(side.prime));
  const NumberPtr exponent = to_number(bytes_of(side.exponent));
  if (!order || !exponent || BN_sub_word(order.get(), 1) != 1 || BN_cmp(exponent.get(), order.get()) >= 0) return false;
  return product_is(d, e, order.get(), BN_value_one(), scratch) &&
         product_is(exponent.get(), e, order.get(), BN_value_one(), scratch);
}

}  // namespace

bool has_roca_fingerprint(std::span<const std::byte> modulus) noexcept {
  for (std::size_t i = 0; i < small_primes.size(); ++i) {
    if (!residues_of_65537[i][remainder(modulus, small_primes[i])]) return false;
  }
  return true;
}

std::optional<Error> check_rsa_public(const RsaPublic& key, const Limits& limits) {
  if (!is_minimal(key.n)) return invalid("n", "a number without leading zero bytes");
  const std::size_t bits = bit_length(key.n);
  if (bits > limits.rsa_bits_max) return invalid("n", "at most " + std::to_string(limits.rsa_bits_max) + " bits");
  if (bits < limits.rsa_bits_min) {
    return Error{Errc::weak_key, "n", "at least " + std::to_string(limits.rsa_bits_min) + " bits"};
  }
  if (is_even(key.n)) return invalid("n", "an odd number");
  if (auto error = check_exponent(key.e)) return error;
  if (std::ranges::any_of(small_primes, [&](std::uint16_t prime) { return remainder(key.n, prime) == 0; })) {
    return invalid("n", "the product of two large primes");
  }
  if (has_roca_fingerprint(key.n)) {
    return Error{Errc::weak_key, "n", "a modulus without the fingerprint of CVE-2017-15361 (ROCA)"};
  }
  return std::nullopt;
}

std::optional<Error> check_rsa_private(const RsaPrivate& key) {
  const auto factors = {&key.p, &key.q, &key.dp, &key.dq, &key.qi};
  const bool none = std::ranges::all_of(factors, [](const SecretBytes* part) { return part->empty(); });
  if (!is_minimal(bytes_of(key.d))) return invalid("d", "a number without leading zero bytes");
  if (bytes_of(key.d).size() > key.pub.n.size()) return invalid("d", "a number below n");
  for (const SecretBytes* part : factors) {
    if (none) break;
    if (!is_minimal(bytes_of(*part))) return invalid("p", "all of p, q, dp, dq and qi, or none");
    if (part->size() > key.pub.n.size()) return invalid("p", "numbers below n");
  }
  const NumberContextPtr scratch(BN_CTX_new());
  const NumberPtr n = to_number(key.pub.n);
  const NumberPtr e = to_number(key.pub.e);
  const NumberPtr d = to_number(bytes_of(key.d));
  if (!scratch || !n || !e || !d || BN_cmp(d.get(), n.get()) >= 0) return invalid("d", "a number below n");
  if (none) return std::nullopt;

  const NumberPtr p = to_number(bytes_of(key.p));
  const NumberPtr q = to_number(bytes_of(key.q));
  const NumberPtr qi = to_number(bytes_of(key.qi));
  if (!p || !q || !qi || BN_is_one(p.get()) || BN_is_one(q.get()) ||
      !product_is(p.get(), q.get(), nullptr, n.get(), scratch.get())) {
    return invalid("p", "two primes whose product is n");
  }
  if (!exponents_fit({key.p, key.dp}, d.get(), e.get(), scratch.get()) ||
      !exponents_fit({key.q, key.dq}, d.get(), e.get(), scratch.get())) {
    return invalid("d", "the inverse of e");
  }
  if (BN_cmp(qi.get(), p.get()) >= 0 || !product_is(qi.get(), q.get(), p.get(), BN_value_one(), scratch.get())) {
    return invalid("qi", "the inverse of q modulo p");
  }
  return std::nullopt;
}

}  // namespace jeton::crypto
