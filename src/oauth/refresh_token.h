// RefreshTokenCodec: writes and reads refresh tokens (design rule 4.3). To a client they are opaque.
//
//   "jrt1." + base64url( key id ‖ handle ‖ generation ‖ HMAC-SHA256(K, label ‖ iss ‖ store epoch ‖ all before)[0:16] )
//
// Key id and generation are 32-bit, big-endian; the handle is 16 random bytes. Inside the MAC's input the label, the
// issuer and the store epoch stand behind their own lengths, so that no two triples give the same bytes. A token has
// exactly one spelling. A token whose MAC is good was made here, for this issuer, in this history of the database:
// what is forged is refused before the database hears of it, and a stolen database makes no tokens, because K is not
// in it.
//
// It is no store and knows no time: whether the session is live, and what generation it has reached, is the store's.
// Threads: const, immutable; share one among any number.
#pragma once

#include <jeton/secret.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::oauth {

// The session's secret, known only to the client and passing through here; never stored, never logged.
using Handle = std::array<std::byte, 16>;

// The public id of a session: the first 16 bytes of SHA-256(handle).
using SessionId = std::array<std::byte, 16>;
SessionId sid_of(const Handle& handle) noexcept;

Handle random_handle() noexcept;

// 16 bytes as base64url, 22 characters: the claim `sid`.
std::string sid_text(const SessionId& sid);
std::optional<SessionId> sid_from_text(std::string_view text);

struct RefreshToken {
  std::uint32_t key_id = 0;
  Handle handle{};
  std::uint32_t generation = 0;
  friend bool operator==(const RefreshToken&, const RefreshToken&) = default;
};

// What 32 bits hold. A session that has come here ends instead of wrapping; the store sees to that.
inline constexpr std::uint32_t generation_max = 0xFFFF'FFFF;

// Key id, handle, generation and MAC, and the text that holds them.
inline constexpr std::size_t refresh_token_bytes = 4 + 16 + 4 + 16;
inline constexpr std::string_view refresh_token_prefix = "jrt1.";
inline constexpr std::size_t refresh_token_text_bytes = refresh_token_prefix.size() + (refresh_token_bytes * 8 + 5) / 6;

// K, under the id that tokens carry.
struct RefreshTokenKey {
  std::uint32_t id = 0;
  SecretBytes key;
};

// Why a text is no token of ours. For the log; a client is told no more than "Invalid refresh token".
enum class RefreshTokenFault : std::uint8_t {
  malformed,    // prefix, length, or base64url in another spelling
  unknown_key,  // no such key id
  bad_mac,      // forged, of another issuer, or of another store epoch
};
std::string_view name_of(RefreshTokenFault fault) noexcept;

class RefreshTokenCodec {
 public:
  // `keys` must not be empty and have ids of their own. Texts up to 4 GiB.
  RefreshTokenCodec(std::string issuer, std::string store_epoch, std::vector<RefreshTokenKey> keys);

  // True if `key_id` is one of the keys'.
  bool knows(std::uint32_t key_id) const noexcept { return find_key(key_id) != nullptr; }

  // `token.key_id` must be known.
  std::string encode(const RefreshToken& token) const;
  std::expected<RefreshToken, RefreshTokenFault> decode(std::string_view text) const;

 private:
  using Mac = std::array<std::byte, 16>;
  const RefreshTokenKey* find_key(std::uint32_t id) const noexcept;
  Mac mac_of(const RefreshTokenKey& key, const std::array<std::byte, refresh_token_bytes - 16>& body) const noexcept;

  std::vector<std::byte> preamble_;  // label, issuer and store epoch, each behind its length
  std::vector<RefreshTokenKey> keys_;
};

}  // namespace jeton::oauth
