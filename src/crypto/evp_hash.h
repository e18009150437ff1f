// OpenSSL's name for a hash, for the contexts of RSA and ECDSA.
#pragma once

#include "crypto/sha2.h"

#include <openssl/evp.h>

namespace jeton::crypto {

inline const EVP_MD* evp_hash(HashKind hash) noexcept {
  return hash == HashKind::sha256 ? EVP_sha256() : hash == HashKind::sha384 ? EVP_sha384() : EVP_sha512();
}

}  // namespace jeton::crypto
