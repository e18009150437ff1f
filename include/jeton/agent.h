// Agent: keeps a verifying service fresh, on a thread of its own: the keys of its issuers, and what they have revoked.
//
//   jeton::AgentOptions options{.state_directory = "/var/lib/tracks/jeton"};
//   options.issuers.push_back({.trust = {.issuer = "https://id.example.com",
//                                        .audience = jeton::AudienceRule::must_include("api")}});
//   auto agent = jeton::Agent::start(std::move(options));
//   …
//   auto verifier = agent.value()->verifier();   // keep it until generation() has changed
//
// It is the library's only part that does input and output; link jeton::agent. It is not needed to verify: a Verifier
// with the keys of yesterday works without it, and goes on working when the agent cannot reach anybody.
//
// Keys come from the issuer's metadata (RFC 8414, else OpenID Connect Discovery; `issuer` in it must be the configured
// one), from an address, or from a file. They are fetched again before they are stale by Cache-Control, within bounds;
// an answer that is wrong, late, too large or a redirect changes nothing, and the last good set serves until
// keys_stale_max. A changed set makes another Verifier, so that a TokenCache forgets what the old one verified.
//
// Revocations come by the issuer's feed (docs/revocation-feed.md), by a pinned key; nothing of it is believed unsigned.
//
// With a state directory the last good keys and the feed are there after a restart, whoever cannot be reached. What
// lies there is read as if anybody had written it: the feed is proved anew by its signatures, the keys are parsed anew,
// and neither is taken for another issuer's.
//
// https only, but for this machine (127.0.0.0/8, [::1], localhost).
// Threads: all members may be called from any thread; none waits for the network but wait_until_ready.
#pragma once

#include <jeton/key_set.h>
#include <jeton/revocation_table.h>
#include <jeton/secret.h>
#include <jeton/verifier.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton {

// Where the keys of an issuer are.
class KeysFrom {
 public:
  enum class Kind : std::uint8_t { discovery, url, file };
  static KeysFrom discovery() { return KeysFrom(Kind::discovery, {}); }
  static KeysFrom url(std::string jwks_url) { return KeysFrom(Kind::url, std::move(jwks_url)); }
  // A JWK Set that somebody else keeps up to date; it is looked at every few seconds. Secret keys count too.
  static KeysFrom file(std::string path) { return KeysFrom(Kind::file, std::move(path)); }

  Kind kind() const noexcept { return kind_; }
  const std::string& place() const noexcept { return place_; }

 private:
  KeysFrom(Kind kind, std::string place) : kind_(kind), place_(std::move(place)) {}
  Kind kind_;
  std::string place_;
};

// The revocation feed of an issuer, and who follows it: a client of the issuer's that may have the scope feed:read.
struct AgentFeed {
  KeySet pinned;  // the feed keys, as `jeton feed key` prints them
  std::string client_id;
  SecretBytes client_secret;
  std::string url{};             // empty: ISSUER/api/feed
  std::string token_endpoint{};  // empty: ISSUER/oauth2/token
  RevocationNumbers numbers = RevocationNumbers::versions;
};

struct AgentIssuer {
  TrustedIssuer trust;  // one issuer, by name; its `keys` are the agent's to fill
  KeysFrom keys = KeysFrom::discovery();
  std::optional<AgentFeed> feed{};  // none: tokens of this issuer live until their `exp`
};

struct AgentLimits {
  std::chrono::milliseconds fetch_time_max{5'000};          // a whole answer, keys, metadata or token
  std::chrono::milliseconds keys_refresh_min{1'000};        // whatever max-age Cache-Control says
  std::chrono::milliseconds keys_refresh_max{3'600'000};    // the same
  std::chrono::milliseconds keys_refresh_default{300'000};  // without Cache-Control
  std::chrono::milliseconds keys_retry_max{30'000};         // between tries that fail
  std::chrono::seconds keys_stale_max{24 * 3600};           // a set that could not be confirmed for so long is dropped
  std::chrono::milliseconds unknown_key_cooldown{30'000};   // between fetches because of a `kid` that is not known
  std::uint32_t unknown_keys_max = 64;                      // remembered as looked for in vain
  std::uint32_t metadata_bytes_max = 256 * 1024;
  std::chrono::milliseconds feed_silence_max{5'000};     // without a signed statement: another connection
  std::chrono::milliseconds feed_reconnect_min{100};     // at random up to that, then doubled,
  std::chrono::milliseconds feed_reconnect_max{10'000};  // up to this
  std::uint32_t feed_event_bytes_max = 4 * 1024 * 1024;
  std::uint32_t feed_entries_max = 4'000'000;                  // of a snapshot, and in the table
  std::uint64_t feed_state_bytes_max = 1024ULL * 1024 * 1024;  // on disk, for each issuer
  std::chrono::milliseconds keys_refresh_unkept{5'000};  // where Cache-Control lets nobody keep them, or is nonsense
};

struct AgentOptions {
  std::vector<AgentIssuer> issuers{};
  std::string state_directory{};  // is made, mode 0700; empty: nothing is kept
  std::string ca_file{};          // PEM with further authorities for https
  bool precompute = true;         // tables for ES256 keys: KeySet::precompute
  // Takes what there is to tell of, one JSON object a call; of the whole process. Empty: a line on stderr.
  std::function<void(std::string_view line)> log{};
  Limits limits{};  // of tokens and key sets
  AgentLimits agent_limits{};
};

// How it stands with one issuer.
struct AgentStatus {
  std::string issuer;
  bool has_keys = false;
  std::size_t keys = 0;
  std::chrono::seconds keys_age{0};  // since the issuer confirmed them
  std::uint64_t keys_looks = 0;      // how often they were looked for
  std::string keys_problem{};        // why the last time failed; empty if it did not
  bool has_feed = false, feed_connected = false;
  std::string feed_epoch{};                    // of the history that it tells; empty: never heard
  std::uint64_t feed_entry = 0;                // the number of its last entry that is known
  std::chrono::nanoseconds feed_staleness{0};  // max(): not known
  std::string feed_problem{};
};

class Agent {
 public:
  // Reads what is on disk and starts the thread. It does not wait for an issuer. The error is a text for a person.
  static std::expected<std::unique_ptr<Agent>, std::string> start(AgentOptions options);
  ~Agent();  // as stop()
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // The verifier of now, for all issuers whose keys are known; null as long as there is none. generation() is cheap,
  // and changes whenever there is another one.
  std::shared_ptr<const Verifier> verifier() const;
  std::uint64_t generation() const noexcept;
  const RevocationTable& revocations() const noexcept;
  // The clock that staleness goes by: it goes on while the machine sleeps. Pass it to revocations().staleness.
  static std::chrono::nanoseconds monotonic() noexcept;

  // Tell it of each token that failed with unknown_key: the keys are fetched again, at most once in a cool-down and
  // never for a `kid` that was looked for in vain a short while ago. Never waits.
  void saw_unknown_key(std::string_view kid) noexcept;

  // Whether the keys of all issuers are known: each was asked once since the start, and those on disk will do for one
  // that does not answer. While they are not, a token with an unknown key may be a good one: the answer is
  // verifier_unavailable (503), not a refusal.
  bool has_all_keys() const noexcept;
  // Whether there is a set of keys for each issuer, be it from disk, and each feed was heard, within that time.
  bool wait_until_ready(std::chrono::milliseconds time_max) const;

  // Before another agent takes over the same state directory: what was to be written there is, and from now on nothing
  // more; it goes on hearing. Waits for the disk; false: that took longer than `time_max`, and it has left nothing.
  bool leave_state(std::chrono::milliseconds time_max);
  // Undoes leave_state, once the other agent has ended: the keys are written anew, and the feed is asked for the whole,
  // for what was not written meanwhile.
  void take_state();
  // Ends the thread and all connections. What is known stays to be read, and gets older. Idempotent.
  void stop() noexcept;

  std::vector<AgentStatus> status() const;
  // Prometheus text.
  std::string metrics() const;

 private:
  struct State;
  explicit Agent(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jeton
