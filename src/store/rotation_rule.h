// The rule of rotation (design 4.3) as pure functions: what the presented generation means, given the session's row.
//
// A back end rotates by one conditional UPDATE. Only when that has changed no row does it ask `judge`, on the row as
// read in the same transaction; so `judge` never grants a rotation, it explains why there was none. No clock, no I/O:
// `now` is the database's, as seen by the UPDATE.
#pragma once

#include "store/ids.h"
#include "store/sessions.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace jeton::store {

inline constexpr std::chrono::milliseconds grace_max{300'000};
// The token's codec carries 32 bits. A session that has used them all must sign in again; it never wraps.
inline constexpr std::int64_t generation_max = std::numeric_limits<std::uint32_t>::max();

// Why the conditional UPDATE changed nothing, and what follows.
enum class Verdict : std::uint8_t {
  ended,           // not live: no further event
  other_client,    // nothing changes
  other_delivery,  // nothing changes
  wider_scope,     // nothing changes
  key_reused,      // nothing changes
  exhausted,       // the generations are used up: the session ends as expired
  repeat,          // the same current token again
  superseded,      // nothing changes
  reuse,           // the session ends
  went_back,       // the session ends, alarm
  rotate,          // nothing stands against it but, where that was asked, a device that looks otherwise
};

// What the rule looks at. The views live as long as the row they were read into.
struct SessionFacts {
  bool live = false;
  std::int64_t generation = 0;
  std::string_view client_id, scope;
  std::optional<Digest> idempotency_key{};  // of the request that made the current generation
  StoreTime rotated_at{}, previous_rotated_at{};
  Delivery delivery = Delivery::body;
};

// Half open, as all of Jeton's times: at exactly `since + grace` it is over, so a grace of 0 means none at all. A
// negative age (the clock was set back) counts as 0. Beyond 300 s the grace is 300 s.
inline bool within_grace(StoreTime since, StoreTime now, std::chrono::milliseconds grace) {
  const auto allowed = std::clamp(grace, std::chrono::milliseconds::zero(), grace_max);
  const auto age = std::max(now - since, std::chrono::milliseconds::zero());
  return age < allowed;
}

// stored - presented, kept within 64 bits: a presented value no codec can make must not wrap into a good one.
inline std::int64_t generations_behind(std::int64_t stored, std::int64_t presented) {
  std::int64_t d = 0;
  if (__builtin_sub_overflow(stored, presented, &d)) {
    return presented < 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  }
  return d;
}

// Is every scope that is asked for among those granted? Space-separated (RFC 6749 section 3.3); an empty request asks
// for what was granted.
inline bool scope_within(std::string_view asked, std::string_view granted) {
  const auto next = [](std::string_view& list) {
    list.remove_prefix(std::min(list.find_first_not_of(' '), list.size()));
    const auto word = list.substr(0, list.find(' '));
    list.remove_prefix(word.size());
    return word;
  };
  for (auto wanted = next(asked); !wanted.empty(); wanted = next(asked)) {
    auto rest = granted;
    auto have = next(rest);
    while (!have.empty() && have != wanted) have = next(rest);
    if (have.empty()) return false;
  }
  return true;
}

inline bool same_key(const std::optional<Digest>& stored, const std::optional<Digest>& presented) {
  return stored && presented && *stored == *presented;
}

// d = 0: the presented token is the current one.
inline Verdict judge_current(const SessionFacts& row, const RotateRequest& request) {
  if (same_key(row.idempotency_key, request.idempotency_key)) return Verdict::key_reused;
  if (row.generation >= generation_max) return Verdict::exhausted;
  return Verdict::rotate;
}

// d = 1: the reply was lost, another tab was first, or the token was stolen.
inline Verdict judge_one_behind(const SessionFacts& row, const RotateRequest& request, StoreTime now) {
  if (within_grace(row.rotated_at, now, request.grace)) return Verdict::repeat;
  if (same_key(row.idempotency_key, request.idempotency_key)) return Verdict::repeat;
  return Verdict::reuse;
}

// d = 2: a stalled request, overtaken by its own retries, or theft.
inline Verdict judge_two_behind(const SessionFacts& row, const RotateRequest& request, StoreTime now) {
  return within_grace(row.previous_rotated_at, now, request.grace) ? Verdict::superseded : Verdict::reuse;
}

inline Verdict judge(const SessionFacts& row, const RotateRequest& request, StoreTime now) {
  if (!row.live) return Verdict::ended;
  if (row.client_id != request.client_id) return Verdict::other_client;
  if (row.delivery != request.delivery) return Verdict::other_delivery;
  if (!scope_within(request.scope, row.scope)) return Verdict::wider_scope;
  const auto d = generations_behind(row.generation, request.generation);
  if (d < 0) return Verdict::went_back;
  if (d == 0) return judge_current(row, request);
  if (d == 1) return judge_one_behind(row, request, now);
  if (d == 2) return judge_two_behind(row, request, now);
  return Verdict::reuse;
}

}  // namespace jeton::store
