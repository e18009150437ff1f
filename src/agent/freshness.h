// How long an answer may be kept (RFC 9111 section 5.2.2), within the bounds of the agent. Pure.
#pragma once

#include "http/message.h"

#include <jeton/agent.h>

#include <chrono>
#include <cstdint>

namespace jeton::agent {

// From max-age, less Age. An issuer may sign with a key as soon as every copy that max-age allows has ended, so a short
// one is kept to; no-store, no-cache, nothing left of it and nonsense promise nothing and count as keys_refresh_unkept,
// no Cache-Control at all as keys_refresh_default.
std::chrono::milliseconds fresh_for(const http::Headers& headers, const AgentLimits& limits);

// When to ask again: before that is over, so that nobody waits, and not when all others do. `chance` is any number.
std::chrono::milliseconds refresh_after(std::chrono::milliseconds fresh, std::uint64_t chance);

// After `failures` in a row: 1 s, 2 s, 4 s, … up to keys_retry_max, each halved at random.
std::chrono::milliseconds retry_after(unsigned failures, std::uint64_t chance, const AgentLimits& limits);

// At random between 0 and `least` doubled `failures` times, but no more than `most`.
std::chrono::milliseconds spread(std::chrono::milliseconds least, std::chrono::milliseconds most, unsigned failures,
                                 std::uint64_t chance);

}  // namespace jeton::agent
