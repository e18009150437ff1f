#include "crypto/ed25519_verifier.h"

#include "crypto/sha2.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

namespace jeton::crypto {
namespace {

using Encoded = std::array<std::byte, 32>;

constexpr unsigned key_width = 5;   // 64 points, 8 KB a key
constexpr unsigned base_width = 7;  // 256 points, 31 KB in all

// L = 2^252 + 27742317777372353535851937790883648493, the order of the main subgroup.
constexpr Words25519 order{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

unsigned char* octets(std::byte* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* octets(const std::byte* bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes); }

Words25519 words_of(std::span<const std::byte, 32> little_endian) noexcept {
  Words25519 words{};
  for (std::size_t i = 0; i < 32; ++i) words[i / 8] |= std::to_integer<std::uint64_t>(little_endian[i]) << i % 8 * 8;
  return words;
}
Encoded bytes_of(const Words25519& words) noexcept {
  Encoded bytes;
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(words[i / 8] >> i % 8 * 8 & 0xff);
  return bytes;
}

bool is_below_order(const Words25519& number) noexcept {
  return std::ranges::lexicographical_compare(number.rbegin(), number.rend(), order.rbegin(), order.rend());
}

// y = 4/5, x even (RFC 8032 section 5.1).
Encoded base_point() noexcept {
  Encoded encoded;
  encoded.fill(std::byte{0x66});
  encoded[0] = std::byte{0x58};
  return encoded;
}

// Numbers whose signed digits of width + 1 bits read every entry of a table, then some with negative digits.
std::vector<Words25519> numbers_to_try(unsigned width) {
  std::vector<Words25519> numbers;
  for (unsigned digit = 1; digit < 1u << width;) {
    std::uint64_t word = 0;
    for (unsigned at = 0; at + width + 1 < 61 && digit < 1u << width; at += width + 1, digit += 2)
      word |= std::uint64_t{digit} << at;
    numbers.push_back({word, word, word, word});
  }
  Words25519 largest = order;
  --largest[0];
  numbers.push_back(largest);
  return numbers;
}

// Every product that is tried is libsodium's. `product` is its function: product(out, number).
template <class Product>
bool agrees(const MultiplesTable& table, bool negated, Product product) {
  static constexpr Words25519 zero{};
  return std::ranges::all_of(numbers_to_try(table.width()), [&](const Words25519& number) {
    Encoded expected;
    const Encoded scalar = bytes_of(number);
    if (product(octets(expected.data()), octets(scalar.data())) != 0) return false;
    if (negated) expected[31] ^= std::byte{0x80};
    return sum_of_products(number, table, zero, table).encoded() == expected;
  });
}

// Null if it is not as it should be.
const MultiplesTable* base_table() {
  static const std::optional<MultiplesTable> table = [] {
    auto made = MultiplesTable::of(base_point(), false, base_width);
    if (made && !agrees(*made, false, crypto_scalarmult_ed25519_base_noclamp)) made.reset();
    return made;
  }();
  return table ? &*table : nullptr;
}

}  // namespace

Ed25519Verifier::Ed25519Verifier(std::span<const std::byte, 32> key, MultiplesTable negative) noexcept
    : negative_(std::move(negative)) {
  std::ranges::copy(key, key_.begin());
}

std::unique_ptr<const Ed25519Verifier> Ed25519Verifier::of(std::span<const std::byte, 32> key) {
  if (base_table() == nullptr) return nullptr;
  auto negative = MultiplesTable::of(key, true, key_width);
  const auto product = [&](unsigned char* out, const unsigned char* number) {
    return crypto_scalarmult_ed25519_noclamp(out, number, octets(key.data()));
  };
  if (!negative || !agrees(*negative, true, product)) return nullptr;
  return std::unique_ptr<const Ed25519Verifier>(new Ed25519Verifier(key, *std::move(negative)));
}

bool Ed25519Verifier::verify(std::string_view input, std::span<const std::byte, 64> signature) const noexcept {
  const auto r = signature.first<32>();
  const Words25519 s = words_of(signature.last<32>());
  if (!is_below_order(s)) return false;
  Sha512State hash;
  hash.add(r);
  hash.add(key_);
  hash.add(std::as_bytes(std::span(input)));
  std::array<std::byte, 64> digest;
  hash.finish(digest.data());
  Encoded h;
  crypto_core_ed25519_scalar_reduce(octets(h.data()), octets(digest.data()));
  const Encoded expected = sum_of_products(words_of(h), negative_, s, *base_table()).encoded();
  // The neutral point is the one of small order that there can be here; libsodium refuses it too.
  static constexpr Encoded neutral{std::byte{1}};
  return std::ranges::equal(expected, r) && expected != neutral;
}

}  // namespace jeton::crypto
