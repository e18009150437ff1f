#include "crypto/secret_checks.h"

#include "crypto/openssl_ptr.h"
#include "crypto/random.h"

#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::crypto {
namespace {

constexpr std::string_view white_space{" \t\r\n\v\f\0", 7};

std::string_view without_leading_space(std::string_view text) noexcept {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
  return text;
}

bool reads_as_key(std::string_view text) noexcept {
  // No random secret holds these eleven characters, and PEM allows text before them.
  if (text.contains("---- BEGIN ") || text.contains("-----BEGIN")) return true;
  text = without_leading_space(text);
  constexpr std::array ssh{"ssh-rsa ", "ssh-dss ", "ssh-ed25519", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"};
  if (std::ranges::any_of(ssh, [&](std::string_view name) { return text.starts_with(name); })) return true;
  // The last: a member name written with escapes ("k\u0074y") is the same name to whoever reads it as JSON.
  return text.starts_with('{') && (text.contains("\"kty\"") || text.contains("\"keys\"") || text.contains("\\u00"));
}

// A whole SubjectPublicKeyInfo or certificate, not one byte more.
bool is_public_key_der(std::span<const std::byte> bytes) {
  if (bytes.size() < 32 || bytes.front() != std::byte{0x30}) return false;
  const ErrorQueueGuard guard;
  const unsigned char* const begin = as_octets(bytes);
  const unsigned char* at = begin;
  X509_PUBKEY* info = d2i_X509_PUBKEY(nullptr, &at, static_cast<long>(bytes.size()));
  X509_PUBKEY_free(info);
  if (info != nullptr && at == begin + bytes.size()) return true;
  at = begin;
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(bytes.size()));
  X509_free(certificate);
  return certificate != nullptr && at == begin + bytes.size();
}

// PEM without its first and last line: what several consoles show as "public key".
bool is_public_key_base64(std::string_view text) {
  if (!without_leading_space(text).starts_with('M')) return false;  // base64 of 0x30
  std::vector<unsigned char> packed;
  for (const char c : text) {
    if (!white_space.contains(c)) packed.push_back(static_cast<unsigned char>(c));
  }
  if (packed.size() > 64 * 1024) return false;
  while (packed.size() % 4 != 0) packed.push_back('=');
  std::vector<std::byte> der(packed.size() / 4 * 3);
  const int length = EVP_DecodeBlock(as_octets(std::span(der)), packed.data(), static_cast<int>(packed.size()));
  bool found = false;  // EVP_DecodeBlock counts padding as up to two zero bytes
  for (std::size_t cut = 0; length > 0 && cut <= 2 && !found; ++cut) {
    found = is_public_key_der(std::span(der).first(static_cast<std::size_t>(length) - cut));
  }
  wipe(der);
  wipe(std::as_writable_bytes(std::span(packed)));
  return found;
}

// Secrets that documentation prints and people leave in place, as lower-case letters and digits alone. Public lists
// hold a hundred thousand more; all but a few of them are too short for any hash.
constexpr std::array<std::string_view, 22> printed_secrets{
    "astringsecretatleast256bitslong",
    "avalidstringsecretthatisatleast384bitslong",
    "avalidstringsecretthatisatleast512bitslong",
    "avalidstringsecretthatisatleast512bitslongwhichisverylong",
    "your256bitsecret",
    "your384bitsecret",
    "your512bitsecret",
    "yoursecretkey",
    "yoursecret",
    "yourjwtsecret",
    "mysecretkey",
    "mysecret",
    "supersecretkey",
    "supersecret",
    "jwtsecretkey",
    "jwtsecret",
    "secretkey",
    "secret",
    "changeme",
    "changeit",
    "password",
    "thisisasecretkey",
};

// True if the text is one of them, once or over and over, the last time perhaps cut short.
bool is_printed_secret(std::string_view secret) {
  std::string plain;
  for (const char c : secret) {
    if (c >= 'A' && c <= 'Z') {
      plain.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      plain.push_back(c);
    } else if (c < ' ' || c > '~') {
      plain.clear();  // a byte that no printed secret has
      break;
    }
  }
  const bool known = std::ranges::any_of(printed_secrets, [&](std::string_view word) {
    if (plain.size() < word.size()) return false;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (plain[i] != word[i % word.size()]) return false;
    }
    return true;
  });
  wipe(std::as_writable_bytes(std::span(plain)));
  return known;
}

}  // namespace

std::optional<Error> check_secret(std::span<const std::byte> secret, std::size_t hash_size) {
  const std::string_view text(reinterpret_cast<const char*>(secret.data()), secret.size());
  if (reads_as_key(text) || is_public_key_der(secret) || is_public_key_base64(text)) {
    return Error{Errc::key_text_as_secret, "k", "random bytes that nobody else knows"};
  }
  if (secret.size() < hash_size) {
    return Error{Errc::weak_key, "k", "at least " + std::to_string(hash_size) + " bytes"};
  }
  if (std::ranges::all_of(secret, [](std::byte b) { return b == std::byte{0}; })) {
    return Error{Errc::weak_key, "k", "random bytes, not zeros"};
  }
  if (is_printed_secret(text)) return Error{Errc::weak_key, "k", "random bytes, not a secret from an example"};
  return std::nullopt;
}

}  // namespace jeton::crypto
