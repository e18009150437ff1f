#include "crypto/password_hash.h"

#include "crypto/sodium_start.h"

#include <sodium.h>

#include <array>
#include <charconv>
#include <new>
#include <optional>

namespace jeton::crypto {
namespace {

// What libsodium can parse: Argon2id, a terminated string of bounded length without a zero byte inside.
bool is_argon2id(const std::string& phc) noexcept {
  return phc.starts_with(crypto_pwhash_argon2id_STRPREFIX) && phc.size() < crypto_pwhash_STRBYTES &&
         !phc.contains('\0');
}

struct Parts {
  std::uint32_t memory_kib = 0, passes = 0;
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, 32> hash{};
};

bool take(std::string_view& text, std::string_view expected) noexcept {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool take(std::string_view& text, std::uint32_t& number) noexcept {
  if (text.starts_with('0')) return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

template <std::size_t Size>
bool take(std::string_view& text, std::array<unsigned char, Size>& bytes) noexcept {
  const auto length = sodium_base64_encoded_len(Size, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) - 1;
  std::size_t decoded = 0;
  if (text.size() < length || sodium_base642bin(bytes.data(), Size, text.data(), length, nullptr, &decoded, nullptr,
                                                sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0) {
    return false;
  }
  text.remove_prefix(length);
  return decoded == Size;
}

// Of a hash as hash_password makes it.
std::optional<Parts> parts_of(std::string_view phc) noexcept {
  Parts parts;
  const bool whole = take(phc, "$argon2id$v=19$m=") && take(phc, parts.memory_kib) && take(phc, ",t=") &&
                     take(phc, parts.passes) && take(phc, ",p=1$") && take(phc, parts.salt) && take(phc, "$") &&
                     take(phc, parts.hash) && phc.empty() && parts.memory_kib >= crypto_pwhash_MEMLIMIT_MIN / 1024;
  if (!whole) return std::nullopt;
  return parts;
}

// An empty view may be null, which libsodium forbids.
const char* text_of(std::string_view password) noexcept { return password.empty() ? "" : password.data(); }

}  // namespace

std::string hash_password(std::string_view password, Argon2Cost cost) {
  start_sodium();
  std::array<char, crypto_pwhash_STRBYTES> phc{};
  if (crypto_pwhash_str_alg(phc.data(), text_of(password), password.size(), cost.passes, cost.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {};
  }
  return phc.data();
}

// Not by crypto_pwhash_str_verify, which tells of too little memory as of a wrong password.
bool verify_password(std::string_view password, const std::string& phc) {
  start_sodium();
  if (!is_argon2id(phc)) return false;
  const auto parts = parts_of(phc);
  if (!parts) return crypto_pwhash_str_verify(phc.c_str(), text_of(password), password.size()) == 0;
  std::array<unsigned char, std::tuple_size_v<decltype(Parts::hash)>> made{};
  if (crypto_pwhash(made.data(), made.size(), text_of(password), password.size(), parts->salt.data(), parts->passes,
                    std::size_t{parts->memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::bad_alloc();
  }
  const bool good = sodium_memcmp(made.data(), parts->hash.data(), made.size()) == 0;
  sodium_memzero(made.data(), made.size());
  return good;
}

bool needs_rehash(const std::string& phc, Argon2Cost cost) noexcept {
  start_sodium();
  return !is_argon2id(phc) || crypto_pwhash_str_needs_rehash(phc.c_str(), cost.passes, cost.memory_bytes) != 0;
}

}  // namespace jeton::crypto
