// Rulebook: what requests are decided by, of one generation: the guard (keys and routes) and the counters of its
// routes. Immutable; a change of keys or of the policy file makes a new one, which CurrentRulebook hands to the event
// loops.
#pragma once

#include "gateway/cors.h"
#include "gateway/decision_counters.h"
#include "gateway/introspection/introspector.h"

#include <jeton/guard.h>
#include <jeton/token_cache.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace jeton {
class Agent;
namespace http {
class Upstream;
}
}  // namespace jeton

namespace jeton::gateway {

// Where a route's requests go, and what of them may go there.
struct Destination {
  Destination(std::shared_ptr<http::Upstream> where) : upstream(std::move(where)) {}
  std::shared_ptr<http::Upstream> upstream;
  bool passes_authorization = true;
  bool passes_refresh_cookies = false;
};

struct Rulebook {
  Guard guard;
  Verifier verifier;  // the guard's own
  DecisionCounters counters;
  TokenCache* cache = nullptr;
  std::shared_ptr<const Agent> agent{};  // whose revocations the guard looks at
  // By the name that routes give: where the reverse proxy passes requests on.
  std::map<std::string, Destination, std::less<>> upstreams{};
  RouteCors cors{};                      // of the guard's routes
  Introspector* introspector = nullptr;  // null: the guard leaves nothing undecided
  std::optional<Routes> shadow{};        // a policy that is tried out: what it would refuse is logged, and nothing else

  // The token of a request that the guard has refused although it is good, so that it can be said what it lacks.
  // Where there is a cache nothing is verified a second time: a log must not cost what the failure budget saves.
  std::optional<VerifiedToken> token_of(const RequestFacts& facts, Moment now) const;
};

// The rulebook in force. A reader looks at one number, and at a pointer of its thread's own: no lock, no shared count
// that threads would fight over. (std::atomic<std::shared_ptr> draws race reports on libstdc++ 12.) A thread keeps the
// rulebook that it saw last alive until it asks again.
// Threads: any.
class CurrentRulebook {
 public:
  CurrentRulebook();
  CurrentRulebook(const CurrentRulebook&) = delete;
  CurrentRulebook& operator=(const CurrentRulebook&) = delete;

  // Null until the first replace(): nothing can be decided yet. Good until this thread asks this object again; whoever
  // waits in between keeps it by share().
  const Rulebook* get() const { return slot().book.get(); }
  std::shared_ptr<const Rulebook> share() const { return slot().book; }
  // The one that get() has given this thread last.
  std::shared_ptr<const Rulebook> keep() const { return slot_of_thread().book; }
  void replace(std::shared_ptr<const Rulebook> book);

 private:
  struct Slot {
    std::uint64_t owner = 0, generation = 0;
    std::shared_ptr<const Rulebook> book{};
  };
  static Slot& slot_of_thread();
  const Slot& slot() const;

  const std::uint64_t owner_;  // no two objects of a process share it
  std::atomic<std::uint64_t> generation_ = 1;
  mutable std::mutex mutex_;
  std::shared_ptr<const Rulebook> book_;
};

}  // namespace jeton::gateway
