// The ids of the store: fixed-size public ids, and times in milliseconds as the database keeps them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace jeton::store {

// A session's public id: SHA-256 of its handle, the first 16 bytes.
using Sid = std::array<std::byte, 16>;
using Digest = std::array<std::byte, 32>;
// What a client says of its device, hashed with a key that the database does not have.
using Fingerprint = std::array<std::byte, 16>;

// Who does something, for the audit: "client:backend request:4f1c…", "cli:root". Empty: the user that it concerns, or
// the issuer by itself.
struct Actor {
  std::string text{};
};

// Wall-clock time in milliseconds since the Unix epoch, by the database's clock.
using StoreTime = std::chrono::sys_time<std::chrono::milliseconds>;

// The clock of an embedded database. A server's store (PostgreSQL) has its own and takes none.
struct Clock {
  virtual StoreTime now() const = 0;
  virtual ~Clock() = default;
};

}  // namespace jeton::store
