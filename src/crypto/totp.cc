#include "crypto/totp.h"

#include "crypto/mac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace jeton::crypto {
namespace {

const EVP_MD* evp_of(TotpHash hash) {
  switch (hash) {
    case TotpHash::sha1: return EVP_sha1();
    case TotpHash::sha256: return EVP_sha256();
    case TotpHash::sha512: return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

std::string totp_code(const SecretBytes& secret, std::int64_t step, TotpShape shape) {
  std::array<unsigned char, 8> counter{};
  for (std::size_t i = 0; i < counter.size(); ++i)
    counter[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(step) >> (56 - 8 * i));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  const auto key = secret.reveal(InsecureSecretAccess::get());
  if (HMAC(evp_of(shape.hash), key.data(), static_cast<int>(key.size()), counter.data(), counter.size(), mac.data(),
           &size) == nullptr) {
    return {};
  }
  // RFC 4226 section 5.3: dynamic truncation to 31 bits.
  const std::size_t offset = mac[size - 1] & 0x0FU;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits = bits << 8 | mac[offset + i];
  bits &= 0x7FFFFFFFU;
  std::string code(shape.digits, '0');
  for (std::size_t i = code.size(); i > 0; --i) {
    code[i - 1] = static_cast<char>('0' + bits % 10);
    bits /= 10;
  }
  return code;
}

std::optional<std::int64_t> totp_step_of(const SecretBytes& secret, std::string_view code, std::int64_t now_step,
                                         TotpShape shape) {
  std::optional<std::int64_t> found;
  for (std::int64_t step = now_step - 1; step <= now_step + 1; ++step) {
    const std::string expected = totp_code(secret, step, shape);
    if (!expected.empty() && ct_equal(std::as_bytes(std::span(expected)), std::as_bytes(std::span(code)))) found = step;
  }
  return found;
}

std::string base32(std::span<const std::byte> bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : bytes) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
    for (count += 8; count >= 5; count -= 5) text += alphabet[bits >> (count - 5) & 0x1F];
    bits &= 0xFFU;
  }
  if (count > 0) text += alphabet[bits << (5 - count) & 0x1F];
  return text;
}

}  // namespace jeton::crypto
