// RevocationTable: what the verifying side knows of revoked tokens, per issuer, and how old that knowledge is.
//
//   if (const auto reason = table.find(token)) …          // after every verification, cache hits included
//   if (table.staleness(token.issuer(), monotonic) > 10s) …  // as the route says
//
// It is filled from proved statements of an issuer's revocation feed (docs/revocation-feed.md), by jeton::Agent. It is
// not a feed client: no I/O, no clock, no thread.
//
// A token is revoked if its `kid` is gone, its `ver` is below the least of its `sub`, its `gen` below the least of its
// `sid`, or its `jti` is named; only entries of the token's own issuer count. A token that lacks the number it is
// measured by is revoked. After the first snapshot a `kid` is good only if that snapshot named it, or admit_keys did
// since.
//
// Entries are kept as 128-bit fingerprints under a key of this process: 34 to 36 bytes an entry, whatever the length
// of what it names. They go when the issuer's feed time has passed their end, and by that clock alone.
//
// Limits: entries_max over all issuers. What does not fit is not forgotten silently: from then on every token of that
// issuer that was made up to five seconds after that moment counts as stale_claims, so that its client refreshes, which
// one that was revoked cannot; until a snapshot fits. Keys that are gone have a reserve of their own; past that, too,
// every token of the issuer is revoked.
//
// Threads: find, staleness and counts from any number of threads, wait-free; all others from one at a time.
#pragma once

#include <jeton/revocation.h>
#include <jeton/secret.h>
#include <jeton/verified_token.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {

namespace feed {
struct Entry;
struct Proved;
}  // namespace feed

// What the least numbers of an issuer's entries are compared with.
enum class RevocationNumbers : std::uint8_t {
  versions,   // Jeton's own: `ver` of a subject, `gen` of a session
  issued_at,  // an issuer without versions: `iat` of both; the least is the first second whose tokens are good
};

struct RevocationIssuer {
  std::string issuer;  // `iss`
  RevocationNumbers numbers = RevocationNumbers::versions;
};

struct RevocationTableOptions {
  std::vector<RevocationIssuer> issuers{};  // those that have a feed
  // Of the fingerprints: random, of this process, never stored.
  SecretBytes key = SecretBytes::random(16);
  std::size_t entries_max = 4'000'000;
};

class RevocationTable {
 public:
  // A statement whose time is further ahead of the verifier's clock than this says nothing about freshness.
  static constexpr std::chrono::seconds clock_ahead_max{30};

  explicit RevocationTable(RevocationTableOptions options);
  ~RevocationTable();
  RevocationTable(const RevocationTable&) = delete;
  RevocationTable& operator=(const RevocationTable&) = delete;

  // Why `token` is not to be accepted, or nothing. `revoked` outweighs `stale_claims`.
  std::optional<RevocationReason> find(const VerifiedToken& token) const noexcept;

  // How long ago the feed of `issuer` was known to be complete, by the caller's monotonic clock. Nothing: that issuer
  // has no feed here. max(): it was never heard, or its clock is ahead.
  std::optional<std::chrono::nanoseconds> staleness(std::string_view issuer,
                                                    std::chrono::nanoseconds monotonic) const noexcept;

  // Takes in what a statement of the feed has proved. `wall` and `monotonic` are the moment at which it was received.
  // An issuer that was not given to the constructor is ignored.
  void apply(std::string_view issuer, const feed::Proved& proved, std::chrono::sys_time<std::chrono::milliseconds> wall,
             std::chrono::nanoseconds monotonic);
  // The entries of a snapshot as they come, unproved: kept beside what is known, in 32 bytes each, and seen by no find
  // until apply takes a statement that says is_staged. begin_staging forgets them.
  void begin_staging(std::string_view issuer);
  void stage(std::string_view issuer, const feed::Entry& entry);
  // The issuer has published these keys, in an answer that was asked for after the last apply of a snapshot. They
  // replace those of the call before.
  void admit_keys(std::string_view issuer, std::span<const std::string> kids);

  struct Counts {
    std::uint64_t entries, bytes;       // kept now
    std::uint64_t left_out;             // entries that did not fit, ever
    std::uint64_t clock_ahead;          // statements from a clock that is ahead, ever
    std::uint64_t purged;               // entries that have ended, ever
    std::uint64_t waiting_for_readers;  // old versions that could not be given back yet
  };
  Counts counts() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jeton
