// Keyring: the issuer's signing keys as this process uses them: the one that signs, the guard that verifies, and the
// JWKS text that others fetch. The keys themselves are in the store, sealed; every process reads them from there.
//
// Readers take a snapshot and keep it for their request. Reloading replaces the whole snapshot; one that fails leaves
// the old one in place. The life cycle of keys (design 4.4) acts on the store; here it shows as a reload. Threads:
// every member may be called from any thread.
#pragma once

#include "issuer/foundation.h"
#include "issuer/rules.h"
#include "platform/fault.h"
#include "store/store.h"

#include <jeton/algorithm.h>
#include <jeton/guard.h>
#include <jeton/signer.h>
#include <jeton/time.h>
#include <jeton/token_cache.h>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace jeton::issuer {

// How old a snapshot may be when the JWKS is asked for, and how often an unknown `kid` may cause a reload.
inline constexpr std::chrono::seconds keys_reload_interval{5};

class Keyring {
 public:
  struct Keys {
    Signer signer;
    Guard guard;       // for the issuer's own endpoints: Profile::jeton, no HS256
    std::string jwks;  // {"keys":[…]}
    std::string etag;  // of jwks, quotes included
    UnixTime read_at;
  };

  // Only asymmetric algorithms: who could verify with HS256 could also sign (design 4.1).
  static bool may_sign(Algorithm algorithm) noexcept { return !is_symmetric(algorithm); }

  // Makes the first key of `algorithm` if the store has none. Waits for the store: not for an event loop's thread.
  static platform::Outcome<std::unique_ptr<Keyring>> open(store::Store& store, const Foundation& foundation,
                                                          Algorithm algorithm, TokenCache& cache, UnixTime now);

  std::shared_ptr<const Keys> current() const { return keys_.get(); }
  // Reads the keys anew if they were read longer ago than keys_reload_interval; one reload at a time.
  boost::asio::awaitable<void> reload_if_old(UnixTime now);

 private:
  Keyring(store::Store& store, const Foundation& foundation, Algorithm algorithm, TokenCache& cache, Keys keys);

  store::Store& store_;
  const Foundation& foundation_;
  Algorithm algorithm_;
  TokenCache& cache_;
  Replaceable<Keys> keys_;
  std::atomic<bool> reloading_ = false;
};

}  // namespace jeton::issuer
