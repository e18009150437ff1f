// Keyring: the issuer's signing keys as this process uses them: those that sign, the guard that verifies, and the JWKS
// text that others fetch. The keys themselves are in the store, sealed; every process reads them from there.
//
// Readers take a snapshot and keep it for their request. Loading replaces the whole snapshot; a load that fails leaves
// the old one in place. What happens to keys is decided by the life cycle (issuer/keys/life_cycle.h) and carried out in
// the store by the KeyTender; here it shows when the set is loaded.
//
// A snapshot is trusted for node_trust after the report with which it was confirmed; after that nothing is signed with
// it until the store has been asked again. So a process that was held up for minutes signs nothing with a key that has
// been retired meanwhile. Threads: every member may be called from any thread.
#pragma once

#include "issuer/foundation.h"
#include "issuer/keys/life_cycle.h"
#include "issuer/rules.h"
#include "platform/clock.h"
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
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::issuer {

class Keyring {
 public:
  struct Keys {
    std::int64_t version = 0;  // of the set
    std::string default_algorithm;
    std::map<std::string, Signer, std::less<>> signers;  // by algorithm: "ES256"
    std::map<std::string, Signer, std::less<>> secrets;  // HS256, by audience
    Guard guard;                                         // for the issuer's own endpoints: Profile::jeton, no HS256
    std::string jwks;                                    // {"keys":[…]}
    std::string etag;                                    // of jwks, quotes included

    // The signer of that algorithm, for the issuer's default audience; null while no key of it has matured. Never HMAC.
    const Signer* signer(Algorithm algorithm) const;
    // HS256 for that one audience, whose service holds the same secret; null if it has none.
    const Signer* secret_for(std::string_view audience) const;
    // The configured algorithm's or, until it has a key that is known everywhere, another's. Null if nothing can sign.
    const Signer* default_signer() const;
  };
  struct Parts {
    store::Store& store;
    const platform::ClockSource& clock;
    const platform::MonotonicSource& monotonic;
    const Replaceable<Rules>& rules;
    const Foundation& foundation;
    TokenCache& cache;
  };

  // Only asymmetric algorithms: who could verify with HS256 could also sign (design 4.1).
  static bool may_sign(Algorithm algorithm) noexcept { return !is_symmetric(algorithm); }

  // `algorithms`: the first is the default; all have keys of their own, side by side.
  Keyring(Parts parts, std::vector<Algorithm> algorithms);

  std::shared_ptr<const Keys> current() const { return keys_.get(); }

  // The keys to sign a token with that lives that long: the current ones, after asking the store if they are no longer
  // trusted. Null: the store cannot be asked now, and nothing may be signed.
  boost::asio::awaitable<std::shared_ptr<const Keys>> to_sign(std::chrono::seconds lifetime);
  // Asks the store if the keys are no longer trusted. True if they are, now.
  boost::asio::awaitable<bool> freshen();

  // The max-age that this node has told the others it publishes with.
  std::chrono::seconds published_max_age() const { return std::chrono::seconds(max_age_.load()); }

  // For the tender: what is reported to the store, and what came back.
  struct Asking {
    store::NodeReport report;
    std::chrono::seconds lifetime;  // of the longest token that the report covers
    Ticks began;
  };
  Asking ask() const;
  platform::Outcome<void> take(const store::KeySetView& view, const Asking& asked);
  const std::string& node_id() const noexcept { return node_id_; }
  const std::vector<Algorithm>& algorithms() const noexcept { return algorithms_; }
  Ticks now() const { return parts_.monotonic.ticks(); }
  const Parts& parts() const noexcept { return parts_; }

 private:
  bool is_trusted() const;
  boost::asio::awaitable<bool> ask_the_store();
  platform::Outcome<Keys> load(const store::KeySetView& view, const Keys& before) const;

  Parts parts_;
  std::vector<Algorithm> algorithms_;
  std::string node_id_;
  Replaceable<Keys> keys_;
  std::mutex taking_;
  std::atomic<std::int64_t> confirmed_at_;        // ticks
  std::atomic<std::int64_t> failed_at_;           // ticks: a store that is away is not asked every time
  std::atomic<std::int64_t> lifetime_wanted_{0};  // seconds: the longest of any token it was asked for
  std::atomic<std::int64_t> lifetime_told_{0};    // seconds: that the store knows of
  std::atomic<std::int64_t> max_age_{0};          // seconds: that the store knows of
};

}  // namespace jeton::issuer
