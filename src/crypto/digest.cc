#include "crypto/digest.h"

#include "crypto/sha2.h"

#include <utility>

namespace jeton::crypto {

Sha256 sha256(std::span<const std::byte> data) noexcept {
  Sha256 out;
  Sha256State state;
  state.add(data);
  state.finish(out.data());
  return out;
}

Sha256 sha256(std::string_view data) noexcept { return sha256(std::as_bytes(std::span(data))); }

namespace {

template <class State>
Digest run(std::string_view input) noexcept {
  Digest digest;
  State state;
  state.add(std::as_bytes(std::span(input)));
  state.finish(digest.bytes.data());
  digest.size = State::digest_bytes;
  return digest;
}

}  // namespace

Digest digest_of(HashKind hash, std::string_view input) noexcept {
  switch (hash) {
    case HashKind::sha256: return run<Sha256State>(input);
    case HashKind::sha384: return run<Sha384State>(input);
    case HashKind::sha512: return run<Sha512State>(input);
  }
  std::unreachable();
}

}  // namespace jeton::crypto
