// The texts in which password hashes are kept, taken apart and held to their caps. No hash is computed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jeton::crypto {

struct BcryptText {};
struct ScryptText {
  std::uint32_t log_n = 0, r = 0, p = 0;
  std::vector<std::byte> salt, hash;
};
struct Pbkdf2Text {
  enum class Hash : std::uint8_t { sha1, sha256, sha512 };
  Hash digest = Hash::sha1;
  std::uint32_t iterations = 0;
  std::vector<std::byte> salt, hash;
};
struct Argon2Text {};
using HashText = std::variant<BcryptText, ScryptText, Pbkdf2Text, Argon2Text>;

// The error is for a person: "scrypt: the salt is no base64".
std::expected<HashText, std::string> read_hash_text(std::string_view stored);

}  // namespace jeton::crypto
