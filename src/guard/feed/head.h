// The signed statements of the feed, as JWS in compact form with a feed key of its own and a `typ` of their own, so
// that no other token of the issuer can be taken for one.
//
//   head      {"iss":…,"epoch":…,"n":…,"h":…,"t":…}: in this history of the database, at time t, the newest entry was
//             n, and h chains all of them. Sent each second as heartbeat, and after new entries.
//   snapshot  the same with "digest", "entries" and "kids": the entries that were sent since the last reset are all
//             that still matter at n, and these are the keys of the issuer that are live.
//
// t is the database's clock in milliseconds since 1970, taken by the query that found nothing beyond n. Members stand
// in this order and are written in one way; a payload in another spelling is refused. No clock and no I/O.
#pragma once

#include <jeton/key.h>
#include <jeton/key_set.h>
#include <jeton/revocation.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::feed {

inline constexpr std::string_view head_typ = "jeton-feed-head+jws";
inline constexpr std::string_view snapshot_typ = "jeton-feed-snapshot+jws";
inline constexpr Algorithm feed_algorithm = Algorithm::eddsa;
inline constexpr std::size_t snapshot_kids_max = 64;

struct Head {
  std::string issuer, epoch;
  std::uint64_t number = 0;
  FeedHash hash{};
  std::int64_t time = 0;  // milliseconds since 1970, not negative
  friend bool operator==(const Head&, const Head&) = default;
};

struct Snapshot {
  Head head;
  FeedHash digest{};          // `chained` over the entries that were sent, from zero on
  std::uint64_t entries = 0;  // how many these are
  std::vector<std::string> kids;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

std::string payload_of(const Head& head);
std::string payload_of(const Snapshot& snapshot);
// Strict inverses.
std::optional<Head> parse_head(std::string_view payload);
std::optional<Snapshot> parse_snapshot(std::string_view payload);

// `key` is the feed key. Its issuer, epoch and kids must be UTF-8, else nothing.
std::optional<std::string> sign(const SigningKey& key, const Head& head);
std::optional<std::string> sign(const SigningKey& key, const Snapshot& snapshot);

// Only with a signature of one of the pinned keys, and of the right `typ`.
std::optional<Head> open_head(std::string_view compact, const KeySet& pinned);
std::optional<Snapshot> open_snapshot(std::string_view compact, const KeySet& pinned);

// "EPOCH.12.h" with h in base64url: a place in a feed, as event id and for asking to go on from there.
struct Place {
  std::string epoch;  // as the store names it: base64url
  std::uint64_t number = 0;
  FeedHash hash{};
  friend bool operator==(const Place&, const Place&) = default;
};
std::string place_text(const Place& place);
std::optional<Place> parse_place(std::string_view text);

}  // namespace jeton::feed
