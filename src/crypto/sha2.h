// Sha256State, Sha384State, Sha512State: running SHA-2 states that are plain values, copied by assignment.
//
// They wrap OpenSSL's low-level contexts, which 3.0 deprecates in favour of EVP. EVP contexts live on the heap and a
// copy of one costs as much as hashing a short token; an HMAC kept as two plain states is four times faster than the
// one-shot HMAC(). The functions run the same assembly. So the warning is silenced, here and nowhere else.
#pragma once

#include <jeton/algorithm.h>

#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace jeton::crypto {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

template <class Context, std::size_t digest_size, std::size_t block_size, int (*init)(Context*),
          int (*update)(Context*, const void*, std::size_t), int (*final)(unsigned char*, Context*)>
class Sha2State {
 public:
  static constexpr std::size_t digest_bytes = digest_size;
  static constexpr std::size_t block_bytes = block_size;

  Sha2State() noexcept { init(&context_); }
  void add(std::span<const std::byte> data) noexcept { update(&context_, data.data(), data.size()); }
  // Writes digest_bytes to `out`; the state is then spent.
  void finish(std::byte* out) noexcept { final(reinterpret_cast<unsigned char*>(out), &context_); }

 private:
  Context context_;
};

using Sha256State = Sha2State<SHA256_CTX, 32, 64, SHA256_Init, SHA256_Update, SHA256_Final>;
using Sha384State = Sha2State<SHA512_CTX, 48, 128, SHA384_Init, SHA384_Update, SHA384_Final>;
using Sha512State = Sha2State<SHA512_CTX, 64, 128, SHA512_Init, SHA512_Update, SHA512_Final>;

#pragma GCC diagnostic pop

// The hash that a signature algorithm uses.
enum class HashKind : std::uint8_t { sha256, sha384, sha512 };

// Must not be called with eddsa, which takes the message itself.
constexpr HashKind hash_of(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::hs256:
    case Algorithm::rs256:
    case Algorithm::ps256:
    case Algorithm::es256: return HashKind::sha256;
    case Algorithm::hs384:
    case Algorithm::rs384:
    case Algorithm::ps384:
    case Algorithm::es384: return HashKind::sha384;
    case Algorithm::hs512:
    case Algorithm::rs512:
    case Algorithm::ps512:
    case Algorithm::es512:
    case Algorithm::eddsa: break;
  }
  return HashKind::sha512;
}

constexpr std::size_t hash_bytes(HashKind hash) noexcept {
  return hash == HashKind::sha256 ? 32 : hash == HashKind::sha384 ? 48 : 64;
}

inline constexpr std::size_t hash_bytes_max = 64;

// A digest of up to hash_bytes_max bytes, with the length that its hash gives it.
struct Digest {
  std::array<std::byte, hash_bytes_max> bytes;
  std::size_t size;

  std::span<const std::byte> view() const noexcept { return {bytes.data(), size}; }
};

Digest digest_of(HashKind hash, std::string_view input) noexcept;

}  // namespace jeton::crypto
