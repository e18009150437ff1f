#include <jeton/revocation.h>

#include "crypto/digest.h"

#include <span>

namespace jeton {
namespace {

template <class Number>
void append(std::string& out, Number value) {
  for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFF);
  }
}

bool fits(RevocationKind kind, std::size_t subject_bytes) noexcept {
  constexpr std::size_t sid_bytes = 16;
  if (kind == RevocationKind::session) return subject_bytes == sid_bytes;
  return subject_bytes > 0 && subject_bytes <= revocation_subject_bytes_max;
}

bool has_place_for_least(RevocationKind kind) noexcept {
  return kind == RevocationKind::subject || kind == RevocationKind::session;
}

}  // namespace

bool is_well_formed(const Revocation& revocation) noexcept {
  const auto kind = static_cast<std::uint8_t>(revocation.kind);
  const auto reason = static_cast<std::uint8_t>(revocation.reason);
  if (kind < 1 || kind > 4 || reason < 1 || reason > 2) return false;
  if (!fits(revocation.kind, revocation.subject.size()) || revocation.expires_at < 0) return false;
  if (!revocation.least.has_value()) return true;
  return has_place_for_least(revocation.kind) && *revocation.least >= 0;
}

std::string canonical_bytes(std::uint64_t number, const Revocation& revocation) {
  std::string out;
  out.reserve(29 + revocation.subject.size());
  append(out, static_cast<std::uint8_t>(revocation.kind));
  append(out, static_cast<std::uint8_t>(revocation.reason));
  append(out, number);
  append(out, static_cast<std::uint64_t>(revocation.expires_at));
  append(out, static_cast<std::uint8_t>(revocation.least.has_value() ? 1 : 0));
  append(out, static_cast<std::uint64_t>(revocation.least.value_or(0)));
  append(out, static_cast<std::uint16_t>(revocation.subject.size()));
  return out + revocation.subject;
}

FeedHash chained(const FeedHash& before, std::uint64_t number, const Revocation& revocation) {
  std::string input(reinterpret_cast<const char*>(before.data()), before.size());
  input += canonical_bytes(number, revocation);
  return crypto::sha256(std::as_bytes(std::span(input)));
}

}  // namespace jeton
