// HmacState: HMAC (RFC 2104) with one key, whose two padded blocks have been hashed beforehand. A message then costs
// its own blocks and one more. Immutable; shared by any number of threads. Wiped when it ends: whoever reads the two
// kept states can forge, though not recover the key.
#pragma once

#include "crypto/random.h"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

namespace jeton::crypto {

template <class Hash>
class HmacState {
 public:
  static constexpr std::size_t mac_bytes = Hash::digest_bytes;
  using Mac = std::array<std::byte, mac_bytes>;

  explicit HmacState(std::span<const std::byte> key) noexcept {
    std::array<std::byte, Hash::block_bytes> block{};
    if (key.size() > block.size()) {
      Hash shortened;
      shortened.add(key);
      shortened.finish(block.data());
      wipe_object(shortened);
    } else {
      for (std::size_t i = 0; i < key.size(); ++i) block[i] = key[i];
    }
    for (std::byte& b : block) b ^= std::byte{0x36};
    inner_.add(block);
    for (std::byte& b : block) b ^= std::byte{0x36 ^ 0x5c};
    outer_.add(block);
    wipe(block);
  }
  HmacState(const HmacState&) = delete;
  HmacState& operator=(const HmacState&) = delete;
  ~HmacState() {
    wipe_object(inner_);
    wipe_object(outer_);
  }

  // The MAC over the parts, one after the other. `finish` overwrites the copies' chaining values, so that nothing keyed
  // stays on the stack but the MAC itself.
  Mac compute(std::initializer_list<std::span<const std::byte>> parts) const noexcept {
    Mac mac;
    Hash inner = inner_;
    for (const auto part : parts) inner.add(part);
    inner.finish(mac.data());
    Hash outer = outer_;
    outer.add(mac);
    outer.finish(mac.data());
    return mac;
  }

 private:
  static void wipe_object(Hash& hash) noexcept { wipe(std::as_writable_bytes(std::span(&hash, 1))); }

  Hash inner_;
  Hash outer_;
};

}  // namespace jeton::crypto
