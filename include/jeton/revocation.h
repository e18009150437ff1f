// Revocation: one thing that ends access tokens before their `exp`, as the issuer writes it and a verifier keeps it.
//
// It names tokens by number, never by seconds, so that a token made in the same second as the revocation is told apart
// from those before it; and never by a token's bytes, because an ECDSA signature has a twin. It says nothing of the
// issuer: a feed is of one issuer, and its signed head names it.
//
// canonical_bytes is the one spelling of a numbered entry, and `chained` joins it to all entries before: the hash after
// n entries stands for the whole history, so that the same number with another hash is a database gone back in time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace jeton {

// Part of the bytes that are hashed: only ever append.
enum class RevocationKind : std::uint8_t {
  key = 1,      // all tokens signed with the key of this `kid`
  subject = 2,  // those of this `sub` with a `ver` below `least`, or all
  session = 3,  // those of this `sid` with a `gen` below `least`, or all
  token = 4,    // the one with this `jti`
};

// What a client is told: that its token was revoked, or that its claims have changed and it should refresh.
enum class RevocationReason : std::uint8_t { revoked = 1, stale_claims = 2 };

// `sub`, `jti` and `kid` are never longer in an entry; a `sid` is exactly 16.
inline constexpr std::size_t revocation_subject_bytes_max = 1024;

struct Revocation {
  RevocationKind kind = RevocationKind::token;
  RevocationReason reason = RevocationReason::revoked;
  std::string subject;                  // `kid`, `sub` or `jti` as text; of a session the 16 bytes that `sid` spells
  std::optional<std::int64_t> least{};  // not negative; none: all. Only of a subject or a session
  std::int64_t expires_at = 0;          // Unix seconds: no token that it concerns is accepted anywhere after this

  friend bool operator==(const Revocation&, const Revocation&) = default;
};

// Whether it can be written at all: a known kind and reason, a subject of fitting length, `least` where it has a place.
bool is_well_formed(const Revocation& revocation) noexcept;

// kind ‖ reason ‖ number(8) ‖ expires_at(8) ‖ has least(1) ‖ least(8, 0 if none) ‖ length(2) ‖ subject, all big-endian.
// `revocation` must be well-formed.
std::string canonical_bytes(std::uint64_t number, const Revocation& revocation);

using FeedHash = std::array<std::byte, 32>;

// The hash after entry `number`: SHA-256(before ‖ canonical_bytes). Before the first entry it is all zero.
FeedHash chained(const FeedHash& before, std::uint64_t number, const Revocation& revocation);

}  // namespace jeton
