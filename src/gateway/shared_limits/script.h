// What the server runs for a batch of counts: all of it or nothing, and once, however often the batch is sent.
#pragma once

#include <string_view>

namespace jeton::gateway {

// KEYS: the batch's mark, then one key for each caller. ARGV: the batch's number, for how many seconds the mark is
// kept, then five for each caller:
//   "r", cost, ahead, age, window   in microseconds: what the requests cost, how far ahead the caller was known to be
//                                   without them, how long ago the first of them was, and the rate's window
//   "q", count, counted, ttl, 0     requests, how many were known without them, and seconds
// Answers for each caller how many microseconds it is ahead, or how many were counted; -1 if what lies at its key is
// nobody's count.
//
// The time is the server's. Numbers of Lua are doubles, so a time counts from June 2025: microseconds with a fraction
// stay exact for centuries. What is owed is at most 16 windows more than one, and nothing if it is told late: who went
// on alone, because the server was away, is forgiven.
inline constexpr std::string_view exchange_script = R"lua(
local clock = redis.call('TIME')
local now = (clock[1] - 1750000000) * 1000000 + clock[2]
local again = redis.call('GET', KEYS[1]) == ARGV[1]
if not again then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
local out = {}
for i = 2, #KEYS do
  local at = i * 5 - 7
  local a, b, c, d = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local found = redis.pcall('GET', KEYS[i])
  local have = 0
  if type(found) == 'string' then have = tonumber(found) elseif found then have = nil end
  if have == nil or have ~= have then
    out[i - 1] = -1
  elseif ARGV[at] == 'r' then
    local full = math.max(math.min(have, now + 17 * d), now + b)
    if not again then
      local most = now + d
      if c < 1000000 then most = now + 17 * d end
      full = math.max(full, math.min(math.max(full, now - c) + a, most))
    end
    if full > now then
      redis.call('SET', KEYS[i], string.format('%.3f', full), 'PX', string.format('%d', (full - now) / 1000 + 1000))
    end
    out[i - 1] = math.floor(math.max(full - now, 0))
  else
    local total = math.max(math.min(math.floor(have), 1e12), b)
    if not again then total = total + a end
    if total ~= have then redis.call('SET', KEYS[i], string.format('%.0f', total), 'EX', ARGV[at + 3]) end
    out[i - 1] = total
  end
end
return out
)lua";

}  // namespace jeton::gateway
