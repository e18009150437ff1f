// SingleUse: admits a token once. For tokens that are not bearer credentials but statements made for one occasion
// (client assertions, one-time links), where a second sight of the same `jti` is a replay (RFC 7519 section 4.1.7). An
// access token is meant to be shown again and again: do not ask this of one.
//
// It remembers `iss` and `jti` until the token's `exp` has passed, with `leeway` on top, and is bounded: while it is
// full of tokens that are still good it admits none, because a forgotten one could come again. It knows only what this
// object has seen: several processes need one store between them.
// Threads: may be called from any number of threads; one short lock.
#pragma once

#include <jeton/error.h>
#include <jeton/time.h>
#include <jeton/verified_token.h>

#include <chrono>
#include <cstddef>
#include <memory>

namespace jeton {

struct SingleUseOptions {
  std::size_t entries_max = 100'000;
  std::chrono::seconds leeway{0};  // that of the verifier, so that nothing is forgotten while it is still accepted
};

class SingleUse {
 public:
  explicit SingleUse(SingleUseOptions options = {});
  ~SingleUse();
  SingleUse(const SingleUse&) = delete;
  SingleUse& operator=(const SingleUse&) = delete;

  // The first time for a token: nothing. Errors: invalid_claim with the claim "jti" when it was seen before,
  // missing_claim without `jti` or `exp`, verifier_unavailable while full.
  [[nodiscard]] Result<void> admit(const VerifiedToken& token, UnixTime now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jeton
