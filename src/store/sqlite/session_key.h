// session_key: the number under which a session's row is kept.
#pragma once

#include <cstdint>

#include "store/ids.h"

namespace jeton::store::sqlite {

// Both halves of the sid, laid over each other. As the sid is a hash these numbers are spread evenly; two sessions of
// ten million share one once in 300,000 such databases, and the later sign-in of the two then fails: so a row is found
// by its key and confirmed by its sid, and no second sid needs a place. Also `jeton_session_key(sid)` in SQL.
constexpr std::int64_t session_key(const Sid& sid) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = key << 8 | std::to_integer<std::uint64_t>(sid[i] ^ sid[i + 8]);
  return static_cast<std::int64_t>(key);
}

}  // namespace jeton::store::sqlite
