#include "crypto/password_hash.h"

#include "crypto/sodium_start.h"

#include <sodium.h>

#include <array>

namespace jeton::crypto {
namespace {

// What libsodium can parse: Argon2id, a terminated string of bounded length without a zero byte inside.
bool is_argon2id(const std::string& phc) noexcept {
  return phc.starts_with(crypto_pwhash_argon2id_STRPREFIX) && phc.size() < crypto_pwhash_STRBYTES &&
         !phc.contains('\0');
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

bool verify_password(std::string_view password, const std::string& phc) noexcept {
  start_sodium();
  return is_argon2id(phc) && crypto_pwhash_str_verify(phc.c_str(), text_of(password), password.size()) == 0;
}

bool needs_rehash(const std::string& phc, Argon2Cost cost) noexcept {
  start_sodium();
  return !is_argon2id(phc) || crypto_pwhash_str_needs_rehash(phc.c_str(), cost.passes, cost.memory_bytes) != 0;
}

}  // namespace jeton::crypto
