#include "issuer/limits/known_device.h"

#include "crypto/mac.h"
#include "crypto/random.h"
#include "jose/base64url.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace jeton::issuer {
namespace {

namespace base64url = jose::base64url;

constexpr std::size_t head_bytes = 16;  // eight random, eight of time
constexpr std::size_t mac_bytes = 16;
using Value = std::array<std::byte, head_bytes + mac_bytes>;

void seal_with(Value& value, const SecretBytes& key, std::string_view sub) {
  const auto mac =
      crypto::hmac_sha256(key, {std::span<const std::byte>(value).first(head_bytes), std::as_bytes(std::span(sub))});
  for (std::size_t i = 0; i < mac_bytes; ++i) value[head_bytes + i] = mac[i];
}

}  // namespace

std::string make_device_value(const SecretBytes& key, std::string_view sub, UnixTime now) {
  Value value{};
  crypto::random_bytes(std::span(value).first(8));
  const auto seconds = static_cast<std::uint64_t>(to_unix_seconds(now));
  for (std::size_t i = 0; i < 8; ++i) value[8 + i] = static_cast<std::byte>(seconds >> (56 - 8 * i));
  seal_with(value, key, sub);
  return base64url::encode(value);
}

bool is_device_of(const SecretBytes& key, std::string_view text, std::string_view sub, UnixTime now) {
  Value value{};
  if (text.size() != base64url::encoded_size(value.size()) || !base64url::decode(text, value.data())) return false;
  Value expected = value;
  seal_with(expected, key, sub);
  if (!crypto::ct_equal(expected, value)) return false;
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < 8; ++i) seconds = seconds << 8 | std::to_integer<std::uint64_t>(value[8 + i]);
  const UnixTime made{std::chrono::seconds(static_cast<std::int64_t>(seconds))};
  return now < made + known_device_lifetime;
}

}  // namespace jeton::issuer
