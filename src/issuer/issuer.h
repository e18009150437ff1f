// Issuer: the endpoints of `jeton serve`, and what they need, put together.
//
//   Issuer issuer(clock, options);
//   issuer.add_routes(router);                        // then the server listens, and its port is known
//   issuer.start(store, master_key, foundation);      // then it may serve
//   server->run();
//
// Ownership: the clock and the store outlive the Issuer's last request, the Issuer outlives the server whose routes
// call it. Threads: add_routes and start before serving; the rest at any time from any thread.
#pragma once

#include "http/router.h"
#include "http/server.h"
#include "issuer/courier/outgoing.h"
#include "issuer/feed/feed_hub.h"
#include "issuer/foundation.h"
#include "issuer/password_pool.h"
#include "issuer/rules.h"
#include "platform/clock.h"
#include "platform/fault.h"
#include "platform/place_file.h"
#include "store/store.h"

#include <jeton/algorithm.h>
#include <jeton/secret.h>
#include <jeton/token_cache.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jeton::issuer {

struct IssuerOptions {
  Rules rules{};
  Algorithm algorithm = Algorithm::es256;                // of access tokens; never HMAC
  std::vector<Algorithm> further_algorithms{};           // kept ready beside it, for clients that choose them
  const platform::MonotonicSource* monotonic = nullptr;  // null: the system's. Outlives the Issuer
  PasswordPoolOptions password_pool{};
  // Where the links of mails lead: LINK_BASE/verify-email#SECRET. Nothing: no mail is sent; empty: the issuer's URL.
  std::optional<std::string> mail_link_base{};
  TokenCacheOptions token_cache{.entries_max = 10'000};
  std::shared_ptr<const platform::PlaceFile> places{};
  FeedLimits feed{};
};

class Issuer {
 public:
  Issuer(const platform::ClockSource& clock, IssuerOptions options);
  ~Issuer();
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;

  // Requests that come before start() has succeeded are answered 503.
  void add_routes(http::Router& router);

  // Settles what the first start settles, opens the signing keys, makes the first. Waits for the store.
  platform::Outcome<void> start(store::Store& store, const SecretBytes& master_key, const FoundationOptions& options);

  // Where mail and events leave to. After start(); waits for the store.
  platform::Outcome<void> prepare_outgoing(OutgoingOptions options);
  // Brings them there in the background from now on.
  void start_outgoing();
  // Before the store goes.
  void stop_outgoing();
  // One round on this thread, for whoever wants no other: how many messages there were.
  std::size_t run_outgoing_once();
  // Serves the revocation feed from now on, and calls `now_and_then` about once a minute on a thread that may wait for
  // the store. After start().
  void start_feed(std::function<void()> now_and_then = {});
  // Before the store goes.
  void stop_feed();
  // The database was found to have gone back in time: nothing is served any more (design 4.3).
  bool has_gone_back() const noexcept;
  // Tends the keys in the background from now on (design 4.4). After start().
  void tend_keys();
  // Before the store goes.
  void stop_tending_keys();
  // One step of it, for whoever does not want a thread. Waits for the store. True if another should follow at once.
  platform::Outcome<bool> tend_keys_once();

  // After start().
  const Foundation& foundation() const noexcept;

  // Requests that have begun go on with the rules they found. Takes as long as one password hash if its cost has
  // changed.
  void replace_rules(Rules rules);
  std::shared_ptr<const Rules> rules() const;

  // For the server: counts the answer and logs it at level debug.
  void observe(const http::Exchange& exchange) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jeton::issuer
