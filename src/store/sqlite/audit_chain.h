// The hashes of the audit's chain.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/ids.h"

namespace jeton::store::sqlite {

inline constexpr std::size_t audit_salt_bytes = 16;
using AuditSalt = std::array<std::byte, audit_salt_bytes>;

// What an entry tells, and can be erased.
struct AuditFacts {
  std::string sub;
  std::optional<Sid> sid;
  std::string detail, actor, address, user_agent;
};

// What stays.
struct AuditLink {
  std::int64_t number;
  std::int64_t at;
  std::string_view kind;
  const Digest& commitment;
};

AuditSalt random_salt();
// Says nothing about the facts to whoever lacks the salt.
Digest commitment_to(const AuditSalt& salt, const AuditFacts& facts);
// The hash of an entry, over it and the hash before.
Digest chained(const Digest& before, const AuditLink& link);

}  // namespace jeton::store::sqlite
