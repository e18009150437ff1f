// Store: the aggregates of one database, together. Back ends: sqlite/ (embedded), postgres/ (later). The same
// conformance suite runs on each.
#pragma once

#include "store/audit.h"
#include "store/clients.h"
#include "store/held_of_user.h"
#include "store/one_time_links.h"
#include "store/history.h"
#include "store/outbox.h"
#include "store/revocations.h"
#include "store/second_factors.h"
#include "store/sessions.h"
#include "store/settings.h"
#include "store/signing_keys.h"
#include "store/users.h"

namespace jeton::store {

class Store {
 public:
  // Waits for the groups that were accepted, then closes. Groups handed in later complete with `unavailable`.
  virtual ~Store() = default;
  virtual Users& users() = 0;
  virtual Sessions& sessions() = 0;
  virtual Clients& clients() = 0;
  virtual SigningKeys& signing_keys() = 0;
  virtual Settings& settings() = 0;
  virtual Outbox& outbox() = 0;
  virtual Revocations& revocations() = 0;
  virtual OneTimeLinks& one_time_links() = 0;
  virtual SecondFactors& second_factors() = 0;
  virtual History& history() = 0;
  virtual Audit& audit() = 0;
  // Reads something small: for /healthz.
  virtual void check(Completion<bool> done) = 0;
};

}  // namespace jeton::store
