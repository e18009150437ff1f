#include "crypto/random.h"

#include "crypto/sodium_start.h"

#include <sodium.h>

#include <cstdlib>

namespace jeton::crypto {

void start_sodium() noexcept {
  static const bool started = sodium_init() >= 0;
  if (!started) std::abort();
}

void random_bytes(std::span<std::byte> out) noexcept {
  start_sodium();
  if (!out.empty()) randombytes_buf(out.data(), out.size());  // an empty span may be null, which libsodium forbids
}

void wipe(std::span<std::byte> bytes) noexcept {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace jeton::crypto
