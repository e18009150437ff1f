// For this room's tests: bytes from the hexadecimal text in which RFCs print their vectors, and the PEM files of
// tests/vectors/pem.
#pragma once

#include "crypto/key_material.h"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace jeton::crypto {

inline Bytes from_hex(std::string_view text) {
  Bytes bytes;
  unsigned value = 0;
  bool half = false;
  for (const char c : text) {
    if (c == ' ') continue;
    const unsigned digit = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    value = value << 4 | digit;
    if (half) bytes.push_back(std::byte(value & 0xff));
    half = !half;
  }
  return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

inline std::string to_hex(const SecretBytes& secret) { return to_hex(secret.reveal(InsecureSecretAccess::get())); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline SecretBytes secret_from_hex(std::string_view text) { return SecretBytes(from_hex(text)); }

inline std::string pem_file(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream("tests/vectors/pem/" + name).rdbuf();
  return text.str();
}

}  // namespace jeton::crypto
