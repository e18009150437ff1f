#include "oauth/refresh_token.h"

#include "crypto/digest.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "jose/base64url.h"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

namespace jeton::oauth {
namespace {

namespace base64url = jose::base64url;

constexpr std::string_view mac_label = "jeton refresh token v1";
constexpr std::size_t body_bytes = refresh_token_bytes - 16;
static_assert(refresh_token_text_bytes == refresh_token_prefix.size() + base64url::encoded_size(refresh_token_bytes));

void write_u32(std::span<std::byte, 4> out, std::uint32_t number) noexcept {
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::byte>(number >> (24 - 8 * i));
}

std::uint32_t read_u32(std::span<const std::byte, 4> in) noexcept {
  std::uint32_t number = 0;
  for (const std::byte byte : in) number = number << 8 | std::to_integer<std::uint32_t>(byte);
  return number;
}

// Its length goes before the text, so that moving a character from one text to the next changes the input of the MAC.
void append_sized(std::vector<std::byte>& out, std::string_view text) {
  std::array<std::byte, 4> size{};
  write_u32(size, static_cast<std::uint32_t>(text.size()));
  out.insert(out.end(), size.begin(), size.end());
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

SessionId sid_of(const Handle& handle) noexcept {
  const crypto::Sha256 digest = crypto::sha256(std::span<const std::byte>(handle));
  SessionId sid{};
  std::copy_n(digest.begin(), sid.size(), sid.begin());
  return sid;
}

Handle random_handle() noexcept {
  Handle handle{};
  crypto::random_bytes(handle);
  return handle;
}

std::string sid_text(const SessionId& sid) { return base64url::encode(std::span<const std::byte>(sid)); }

std::optional<SessionId> sid_from_text(std::string_view text) {
  SessionId sid{};
  if (text.size() != base64url::encoded_size(sid.size()) || !base64url::decode(text, sid.data())) return std::nullopt;
  return sid;
}

std::string_view name_of(RefreshTokenFault fault) noexcept {
  switch (fault) {
    case RefreshTokenFault::malformed: return "malformed";
    case RefreshTokenFault::unknown_key: return "unknown_key";
    case RefreshTokenFault::bad_mac: return "bad_mac";
  }
  std::unreachable();
}

RefreshTokenCodec::RefreshTokenCodec(std::string issuer, std::string store_epoch, std::vector<RefreshTokenKey> keys)
    : keys_(std::move(keys)) {
  assert(!keys_.empty());
  append_sized(preamble_, mac_label);
  append_sized(preamble_, issuer);
  append_sized(preamble_, store_epoch);
}

const RefreshTokenKey* RefreshTokenCodec::find_key(std::uint32_t id) const noexcept {
  const auto found = std::ranges::find(keys_, id, &RefreshTokenKey::id);
  return found == keys_.end() ? nullptr : &*found;
}

RefreshTokenCodec::Mac RefreshTokenCodec::mac_of(const RefreshTokenKey& key,
                                                 const std::array<std::byte, body_bytes>& body) const noexcept {
  const crypto::Sha256 full = crypto::hmac_sha256(key.key, {preamble_, body});
  Mac mac{};
  std::copy_n(full.begin(), mac.size(), mac.begin());
  return mac;
}

std::string RefreshTokenCodec::encode(const RefreshToken& token) const {
  const RefreshTokenKey* key = find_key(token.key_id);
  assert(key != nullptr);
  std::array<std::byte, body_bytes> body{};
  write_u32(std::span(body).first<4>(), token.key_id);
  std::ranges::copy(token.handle, body.begin() + 4);
  write_u32(std::span(body).last<4>(), token.generation);
  const Mac mac = mac_of(*key, body);

  std::array<std::byte, refresh_token_bytes> bytes{};
  std::ranges::copy(body, bytes.begin());
  std::ranges::copy(mac, bytes.begin() + body_bytes);
  std::string text(refresh_token_text_bytes, '\0');
  std::ranges::copy(refresh_token_prefix, text.begin());
  base64url::encode(bytes, text.data() + refresh_token_prefix.size());
  return text;
}

std::expected<RefreshToken, RefreshTokenFault> RefreshTokenCodec::decode(std::string_view text) const {
  if (text.size() != refresh_token_text_bytes || !text.starts_with(refresh_token_prefix)) {
    return std::unexpected(RefreshTokenFault::malformed);
  }
  std::array<std::byte, refresh_token_bytes> bytes{};
  if (!base64url::decode(text.substr(refresh_token_prefix.size()), bytes.data())) {
    return std::unexpected(RefreshTokenFault::malformed);
  }
  std::array<std::byte, body_bytes> body{};
  std::copy_n(bytes.begin(), body_bytes, body.begin());

  RefreshToken token;
  token.key_id = read_u32(std::span(body).first<4>());
  std::copy_n(body.begin() + 4, token.handle.size(), token.handle.begin());
  token.generation = read_u32(std::span(body).last<4>());

  const RefreshTokenKey* key = find_key(token.key_id);
  if (key == nullptr) return std::unexpected(RefreshTokenFault::unknown_key);
  if (!crypto::ct_equal(mac_of(*key, body), std::span(bytes).last<16>())) {
    return std::unexpected(RefreshTokenFault::bad_mac);
  }
  return token;
}

}  // namespace jeton::oauth
