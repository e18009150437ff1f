// Owners for OpenSSL's objects, and the guard that keeps its error queue as the caller left it.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <span>

namespace jeton::crypto {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};

using PkeyPtr = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using CipherContextPtr = std::unique_ptr<EVP_CIPHER_CTX, Release<EVP_CIPHER_CTX_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Release<BN_clear_free>>;
using NumberContextPtr = std::unique_ptr<BN_CTX, Release<BN_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Release<BIO_free_all>>;

// While it lives, errors may pile up in the thread's queue; when it ends they are gone and older ones are still there.
// A host that uses OpenSSL itself must not find our failed signatures when it asks why its TLS read failed.
class ErrorQueueGuard {
 public:
  ErrorQueueGuard() noexcept { ERR_set_mark(); }
  ~ErrorQueueGuard() { ERR_pop_to_mark(); }
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
};

inline const unsigned char* as_octets(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* as_octets(std::span<std::byte> bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace jeton::crypto
