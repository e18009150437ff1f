// HeldOfUser: everything that the store holds of one user, for whoever has the right to see it.
#pragma once

#include "store/sessions.h"
#include "store/users.h"

#include <string>
#include <vector>

namespace jeton::store {

struct HeldSession {
  Session session;
  std::string user_agent, address, end_reason;  // end_reason is empty while it has not ended
};

struct AuditedFact {
  StoreTime at{};
  std::string kind, detail;
};

struct HeldOfUser {
  User user;
  std::string home;  // the client whose user it is; empty: the issuer's own
  std::vector<HeldSession> sessions;
  std::vector<AuditedFact> audit;
};

}  // namespace jeton::store
