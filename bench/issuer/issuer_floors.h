// The least that the issuer's work could cost, each in operations for one second of one core's time.
#pragma once

#include <string>

namespace jeton::bench {

// One conditional UPDATE of a session's generation, a hundred to a durable transaction, on bare SQLite with the
// issuer's table and settings. `data` is a directory whose issuer is stopped; its sessions are advanced.
double grouped_updates_floor(const std::string& data, double seconds);

// ES256 signatures of a token's bytes, by OpenSSL.
double signatures_floor(double seconds);

// Verifications of one Argon2id hash at the issuer's cost, by libsodium, on that many threads at once.
double password_hashes_floor(unsigned threads, double seconds);

// fdatasync of one written page, one after another, in a second of the clock: what the disk itself can.
double syncs_per_second(const std::string& folder, double seconds);

}  // namespace jeton::bench
