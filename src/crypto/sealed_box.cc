#include "crypto/sealed_box.h"

#include "crypto/openssl_ptr.h"
#include "crypto/random.h"

#include <climits>
#include <cstdlib>
#include <new>
#include <vector>

namespace jeton::crypto {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

std::span<const std::byte> bytes_of(const SecretBytes& secret) noexcept {
  return secret.reveal(InsecureSecretAccess::get());
}

// A key of another length, or more than can be sealed at once, is a fault in the calling code.
void demand(bool held) noexcept {
  if (!held) std::abort();
}

}  // namespace

Bytes seal(const SecretBytes& key32, const SecretBytes& plain, std::string_view context) {
  demand(key32.size() == key_bytes && plain.size() < INT_MAX / 2 && context.size() < INT_MAX / 2);
  const ErrorQueueGuard guard;
  Bytes sealed(nonce_bytes + plain.size() + tag_bytes);
  const auto all = std::span(sealed);
  const auto nonce = all.first(nonce_bytes);
  const auto body = all.subspan(nonce_bytes, plain.size());
  const auto tag = all.last(tag_bytes);
  random_bytes(nonce);

  const CipherContextPtr cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool done =
      cipher &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, as_octets(bytes_of(key32)), as_octets(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &written, as_octets(std::as_bytes(std::span(context))),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), as_octets(body), &written, as_octets(bytes_of(plain)),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), as_octets(tag), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag.data()) == 1;
  if (!done) throw std::bad_alloc();  // AES-GCM with a good key fails for no other reason
  return sealed;
}

std::optional<SecretBytes> open(const SecretBytes& key32, std::span<const std::byte> sealed, std::string_view context) {
  demand(key32.size() == key_bytes && context.size() < INT_MAX / 2);
  if (sealed.size() < nonce_bytes + tag_bytes || sealed.size() > INT_MAX / 2) return std::nullopt;
  const ErrorQueueGuard guard;
  const auto nonce = sealed.first(nonce_bytes);
  const auto body = sealed.subspan(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
  Bytes tag(sealed.end() - tag_bytes, sealed.end());  // OpenSSL wants it writable
  std::vector<std::byte> plain(body.size());

  const CipherContextPtr cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  std::byte no_output{};
  const bool good =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, as_octets(bytes_of(key32)), as_octets(nonce)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &written, as_octets(std::as_bytes(std::span(context))),
                        static_cast<int>(context.size())) == 1 &&
      (body.empty() || EVP_DecryptUpdate(cipher.get(), as_octets(std::span(plain)), &written, as_octets(body),
                                         static_cast<int>(body.size())) == 1) &&
      EVP_DecryptFinal_ex(cipher.get(), as_octets(std::span(&no_output, 1)), &written) == 1;
  std::optional<SecretBytes> opened;
  if (good) opened.emplace(plain);
  wipe(plain);
  return opened;
}

}  // namespace jeton::crypto
