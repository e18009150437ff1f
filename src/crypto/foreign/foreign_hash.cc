#include "crypto/foreign/foreign_hash.h"

#include "crypto/foreign/hash_text.h"
#include "crypto/mac.h"
#include "crypto/password_hash.h"
#include "crypto/random.h"
#include "crypto/sodium_start.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <memory>
#include <new>
#include <span>
#include <vector>

namespace jeton::crypto {
namespace {

using Digest = std::vector<std::byte>;

bool same(const Digest& computed, const Digest& stored) { return !computed.empty() && ct_equal(computed, stored); }

bool verify_bcrypt(std::string_view password, const std::string& stored) {
  const auto data = std::make_unique<crypt_data>();
  const std::string terminated(password);  // NUL is refused before; nothing is cut but by bcrypt itself
  const char* made = crypt_rn(terminated.c_str(), stored.c_str(), data.get(), static_cast<int>(sizeof(crypt_data)));
  const bool good = made != nullptr && ct_equal(std::as_bytes(std::span(std::string_view(made))),
                                                std::as_bytes(std::span(std::string_view(stored))));
  wipe(std::as_writable_bytes(std::span(data.get(), 1)));
  wipe(std::as_writable_bytes(std::span(const_cast<char*>(terminated.data()), terminated.size())));
  return good;
}

unsigned char* bytes_of(Digest& digest) { return reinterpret_cast<unsigned char*>(digest.data()); }

bool verify_scrypt(std::string_view password, const ScryptText& text) {
  Digest made(text.hash.size());
  const auto* salt = reinterpret_cast<const unsigned char*>(text.salt.data());
  if (EVP_PBE_scrypt(password.data(), password.size(), salt, text.salt.size(), 1ULL << text.log_n, text.r, text.p,
                     foreign_hash_memory_bytes_max + (1 << 20), bytes_of(made), made.size()) != 1) {
    throw std::bad_alloc();  // its costs have been looked at: nothing else can be missing
  }
  return same(made, text.hash);
}

const EVP_MD* evp_of(Pbkdf2Text::Hash hash) {
  switch (hash) {
    case Pbkdf2Text::Hash::sha1: return EVP_sha1();
    case Pbkdf2Text::Hash::sha256: return EVP_sha256();
    case Pbkdf2Text::Hash::sha512: return EVP_sha512();
  }
  return nullptr;
}

bool verify_pbkdf2(std::string_view password, const Pbkdf2Text& text) {
  Digest made(text.hash.size());
  const auto* salt = reinterpret_cast<const unsigned char*>(text.salt.data());
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt, static_cast<int>(text.salt.size()),
                        static_cast<int>(text.iterations), evp_of(text.digest), static_cast<int>(made.size()),
                        bytes_of(made)) != 1) {
    throw std::bad_alloc();
  }
  return same(made, text.hash);
}

bool verify_argon2(std::string_view password, const std::string& stored) {
  // A hash of another length than ours may be longer than verify_password takes.
  if (stored.starts_with("$argon2id$") && stored.size() < crypto_pwhash_STRBYTES)
    return verify_password(password, stored);
  start_sodium();
  return crypto_pwhash_str_verify(stored.c_str(), password.empty() ? "" : password.data(), password.size()) == 0;
}

}  // namespace

std::string objection_to_hash(std::string_view stored) {
  const auto text = read_hash_text(stored);
  return text.has_value() ? std::string() : text.error();
}

bool verify_any_password(std::string_view password, const std::string& stored) {
  const auto text = read_hash_text(stored);
  if (!text.has_value()) return false;
  if (std::holds_alternative<BcryptText>(*text)) return verify_bcrypt(password, stored);
  if (const auto* scrypt = std::get_if<ScryptText>(&*text)) return verify_scrypt(password, *scrypt);
  if (const auto* pbkdf2 = std::get_if<Pbkdf2Text>(&*text)) return verify_pbkdf2(password, *pbkdf2);
  return verify_argon2(password, stored);
}

}  // namespace jeton::crypto
