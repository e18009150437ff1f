#include "guard/feed/entry.h"

#include "jose/base64url.h"

#include <cstddef>
#include <vector>

namespace jeton::feed {
namespace {

constexpr std::size_t fixed_bytes = 29;

std::uint64_t number_at(const std::vector<std::byte>& bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}

}  // namespace

std::string entry_text(std::uint64_t number, const Revocation& revocation) {
  return jose::base64url::encode(canonical_bytes(number, revocation));
}

std::optional<Entry> parse_entry(std::string_view text) {
  if (text.size() > entry_text_bytes_max) return std::nullopt;
  const auto bytes = jose::base64url::decode(text);
  if (!bytes || bytes->size() < fixed_bytes) return std::nullopt;
  const auto expires_at = number_at(*bytes, 10, 8);
  const auto has_least = number_at(*bytes, 18, 1);
  const auto least = number_at(*bytes, 19, 8);
  Entry entry;
  entry.number = number_at(*bytes, 2, 8);
  if (entry.number == 0 || entry.number > number_max || expires_at > number_max || least > number_max) {
    return std::nullopt;
  }
  if (has_least > 1 || (has_least == 0 && least != 0)) return std::nullopt;
  if (number_at(*bytes, 27, 2) != bytes->size() - fixed_bytes) return std::nullopt;
  entry.revocation.kind = static_cast<RevocationKind>(number_at(*bytes, 0, 1));
  entry.revocation.reason = static_cast<RevocationReason>(number_at(*bytes, 1, 1));
  entry.revocation.subject = {reinterpret_cast<const char*>(bytes->data()) + fixed_bytes, bytes->size() - fixed_bytes};
  if (has_least == 1) entry.revocation.least = static_cast<std::int64_t>(least);
  entry.revocation.expires_at = static_cast<std::int64_t>(expires_at);
  if (!is_well_formed(entry.revocation)) return std::nullopt;
  return entry;
}

}  // namespace jeton::feed
