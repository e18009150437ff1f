// The life cycle of signing keys (design 4.4), as a pure function: rows, nodes, settings and now in, steps out. No
// store, no clock, no thread; every node works it out for itself, and the store lets one of them have its way.
//
//   pending ──► standby ──► active ──► draining ──► retired ──► removed
//   published,  every       signs      nodes let    verifies    the last token it
//   not signing verifier               go of it     only        signed has ended
//               knows it
//
// What it promises: a verifier that keeps the published keys no longer than their Cache-Control allows never meets a
// token whose key it lacks. For that a key signs only after every node that serves has published it, and for twice as
// long after that as anybody may hold an older set. Exempt are the very first key of an issuer, which nobody can hold
// an older set than, and one that has to stand in: where every key of an algorithm that could sign was revoked, or
// every key at all, nobody could sign in until another has matured (twice max-age), and so the next signs at once.
// What that costs: a verifier that keeps an older set and does not fetch it anew when it meets an unknown kid refuses
// tokens until its copy has ended.
//
// The keys of an algorithm that was taken out of the settings drain and retire in order, once the default algorithm has
// a key that signs: until then they sign in its place. They do so only after twice max-age in their state: nodes whose
// settings differ for a while do not undo each other's work all the time.
//
// Clocks: those of different nodes are never compared for anything that a wrong clock could break. How long something
// has lasted is what this node has watched by its own monotonic clock (KeyWatch); the times in the rows only shorten
// the wait of a node that has just started, and count with a margin of node_skew_max. A time in the future counts as
// now.
#pragma once

#include "store/revocations.h"
#include "store/signing_keys.h"

#include <jeton/algorithm.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jeton::issuer {

// Time that only goes on: milliseconds since some moment, by one process's clock.
using Ticks = std::chrono::milliseconds;

// A node that was not seen to report for this long is taken for dead.
inline constexpr Ticks node_lease{10'000};
// For this long after it began to send a report a node relies on what it was answered: it signs and publishes. Half the
// lease, so that it has stopped long before others take it for dead.
inline constexpr Ticks node_trust{5'000};
inline constexpr std::chrono::seconds node_skew_max{30};
// Removed keys are of no token that any verifier accepts.
using store::verifier_leeway_max;
// Keys published at once. Verifiers read sets of 100 keys at most, and an operator may import some.
inline constexpr std::size_t published_keys_max = 64;
// Keys of one algorithm that wait to sign, where the period is short against the time that a key needs to be known.
inline constexpr std::int64_t waiting_keys_max = 8;

struct KeySettings {
  std::vector<Algorithm> algorithms{Algorithm::es256};  // for each there is to be a key; none symmetric
  std::chrono::milliseconds rotation_period{std::chrono::days{30}};
  std::chrono::seconds max_age{std::chrono::minutes{5}};  // of the set that this node publishes
};

// What one node has seen with its own eyes, and since when.
class KeyWatch {
 public:
  void look(const store::KeySetView& view, Ticks now);

  // For how long it has been seen so; nothing if it is not.
  std::optional<Ticks> published_for(const std::string& kid, Ticks now) const { return since(published_, kid, now); }
  std::optional<Ticks> active_for(const std::string& kid, Ticks now) const { return since(active_, kid, now); }
  // Since the node's last report was seen to arrive; 0 for one never seen.
  Ticks silent_for(const store::KeyNode& node, Ticks now) const;
  bool is_live(const store::KeyNode& node, Ticks now) const { return silent_for(node, now) < node_lease; }
  // For how long no live node has published for as long as the set's max_age says.
  Ticks shorter_for(Ticks now) const { return shorter_since_ ? now - *shorter_since_ : Ticks{0}; }

 private:
  using Since = std::map<std::string, Ticks>;
  static std::optional<Ticks> since(const Since& seen, const std::string& what, Ticks now);
  struct Reports {
    std::int64_t count = 0;
    Ticks seen_at{};
  };
  Since published_, active_;
  std::map<std::string, Reports> nodes_;
  std::optional<Ticks> shorter_since_;
};

struct NewKey {
  Algorithm algorithm;
  store::KeyState state;  // pending, or active for the very first
};

struct KeyPlan {
  std::vector<store::KeyStep> steps;
  std::vector<NewKey> new_keys;  // to be made, and added in the same change
  bool is_held_up = false;       // published_keys_max stands in the way of a new key

  bool is_empty() const { return steps.empty() && new_keys.empty(); }
};

// `now` is this node's wall clock, `ticks` its monotonic one; `watch` has looked at this view.
KeyPlan plan_keys(const store::KeySetView& view, const KeyWatch& watch, const KeySettings& settings,
                  store::StoreTime now, Ticks ticks);

// In which states a key is published, and believed by the issuer's own endpoints.
constexpr bool is_published(store::KeyState state) { return state != store::KeyState::revoked; }

}  // namespace jeton::issuer
