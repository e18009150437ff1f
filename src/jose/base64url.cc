#include "jose/base64url.h"

#include "jose/base64url_blocks.h"

#include <array>
#include <cstdint>

namespace jeton::jose::base64url {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t refused = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(refused);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> values = make_values();

std::uint32_t value_at(std::string_view text, std::size_t i) noexcept {
  return values[static_cast<unsigned char>(text[i])];
}

// The last two or three characters; `sink` takes the bytes.
template <class Sink>
bool decode_tail(std::string_view text, std::size_t at, Sink sink) noexcept {
  const std::size_t left = text.size() - at;
  if (left == 0) return true;
  if (left == 1) return false;
  const std::uint32_t a = value_at(text, at), b = value_at(text, at + 1);
  if ((a | b) > 63) return false;
  if (left == 2) {
    sink(static_cast<std::byte>((a << 2) | (b >> 4)));
    return (b & 0x0f) == 0;
  }
  const std::uint32_t c = value_at(text, at + 2);
  if (c > 63) return false;
  sink(static_cast<std::byte>((a << 2) | (b >> 4)));
  sink(static_cast<std::byte>((b << 4) | (c >> 2)));
  return (c & 0x03) == 0;
}

}  // namespace

bool decode(std::string_view text, std::byte* out) noexcept {
  const std::size_t done = decode_blocks(text.data(), text.size(), out);
  if (done == refused_character) return false;
  return decode_plain(text.substr(done), out + done / 4 * 3);
}

bool decode_plain(std::string_view text, std::byte* out) noexcept {
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    const std::uint32_t a = value_at(text, at), b = value_at(text, at + 1);
    const std::uint32_t c = value_at(text, at + 2), d = value_at(text, at + 3);
    if ((a | b | c | d) > 63) return false;
    const std::uint32_t bits = (a << 18) | (b << 12) | (c << 6) | d;
    *out++ = static_cast<std::byte>(bits >> 16);
    *out++ = static_cast<std::byte>(bits >> 8);
    *out++ = static_cast<std::byte>(bits);
  }
  return decode_tail(text, at, [&](std::byte byte) { *out++ = byte; });
}

std::optional<std::vector<std::byte>> decode(std::string_view text) {
  std::vector<std::byte> bytes(decoded_size(text.size()));
  if (!decode(text, bytes.data())) return std::nullopt;
  return bytes;
}

bool is_canonical(std::string_view text) noexcept {
  const std::size_t whole = text.size() / 4 * 4;
  std::uint32_t seen = 0;
  for (std::size_t at = 0; at < whole; ++at) seen |= value_at(text, at);
  return seen <= 63 && decode_tail(text, whole, [](std::byte) {});
}

void encode(std::span<const std::byte> bytes, char* out) noexcept {
  std::size_t at = 0;
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint32_t>(bytes[i]); };
  for (; at + 3 <= bytes.size(); at += 3) {
    const std::uint32_t bits = (byte_at(at) << 16) | (byte_at(at + 1) << 8) | byte_at(at + 2);
    *out++ = alphabet[bits >> 18];
    *out++ = alphabet[(bits >> 12) & 63];
    *out++ = alphabet[(bits >> 6) & 63];
    *out++ = alphabet[bits & 63];
  }
  const std::size_t left = bytes.size() - at;
  if (left == 0) return;
  const std::uint32_t bits = (byte_at(at) << 16) | (left == 2 ? byte_at(at + 1) << 8 : 0);
  *out++ = alphabet[bits >> 18];
  *out++ = alphabet[(bits >> 12) & 63];
  if (left == 2) *out++ = alphabet[(bits >> 6) & 63];
}

std::string encode(std::span<const std::byte> bytes) {
  std::string text(encoded_size(bytes.size()), '\0');
  encode(bytes, text.data());
  return text;
}

std::string encode(std::string_view bytes) { return encode(std::as_bytes(std::span(bytes))); }

}  // namespace jeton::jose::base64url
