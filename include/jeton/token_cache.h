// TokenCache: remembers verified tokens, so that a token seen before costs a look-up and no cryptography.
//
// It holds only tokens that a Verifier has verified. A token is found by a keyed hash and confirmed by comparing all
// its bytes; an entry belongs to the one Verifier that made it (a new Verifier after a change of keys or policy starts
// afresh), and on every hit its times are compared with `now` again. Revocation, confirmation and rate are the
// caller's, after every hit. It is bounded, and admits a token only when it is seen a second time while full, so that a
// flood of distinct tokens cannot flush it.
// Threads: all members may be called from any number of threads; a short lock for every six places, and who does not
// get it soon verifies the token as if it were not here.
#pragma once

#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/verified_token.h>
#include <jeton/verifier.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace jeton {

struct TokenCacheOptions {
  // Six places share a set, so of N tokens in use 99 in a hundred stay if there is room for twice as many, and nearly
  // all if for three times as many. A free place costs thirteen bytes.
  std::size_t entries_max = 100'000;
  std::size_t token_bytes_max = 4 * 1024;  // longer ones are verified each time
};

class TokenCache {
 public:
  explicit TokenCache(TokenCacheOptions options = {});
  ~TokenCache();
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  // The same answer that verifier.verify(compact, now) would give.
  [[nodiscard]] Result<VerifiedToken> verify(const Verifier& verifier, std::string_view compact, UnixTime now);

  // As verify, of a token that is remembered; nothing of any other, which is not counted as a miss.
  [[nodiscard]] std::optional<Result<VerifiedToken>> recall(const Verifier& verifier, std::string_view compact,
                                                            UnixTime now);

  // Says that this token will soon be asked for, so that the wait for memory has begun by then. Worth it where there is
  // other work to do in between; changes nothing else.
  void expect(std::string_view compact) const noexcept;

  struct Counts {
    std::uint64_t hits, misses, entries, evictions;
  };
  Counts counts() const noexcept;
  // The memory stays with the cache, for the next tokens, until the cache and the last token of it are gone.
  void clear() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jeton
