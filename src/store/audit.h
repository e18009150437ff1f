// Audit: one entry for each change of state, written by the very transaction that makes it. Refreshes are no changes of
// state and leave none.
//
// The entries are a chain: each holds a hash over its own number, time, kind and commitment, and over the hash before.
// What it tells of people lies beside the chain, in rows that can be erased; the chain holds a commitment to them, a
// hash with a random salt that is erased with the data. So a user can be erased, and nothing can be guessed from what
// stays, while a change to anything that was not erased is noticed. The head (number and hash of the newest entry) is
// kept beside: entries cut off at the end are noticed too. Whoever can write the whole database can also write a new
// chain: an operator who keeps a head elsewhere (`jeton audit verify` tells it) notices that as well.
#pragma once

#include "store/error.h"
#include "store/ids.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jeton::store {

struct AuditEntry {
  std::int64_t number = 0;  // from 1, without a gap
  StoreTime at{};
  std::string kind;  // "signed_in", "refresh_token_reused", …
  bool is_erased = false;
  std::string sub{};  // whom it concerns; what follows is empty where erased, or never known
  std::optional<Sid> sid{};
  std::string detail{};
  std::string actor{};  // who did it, where it was not `sub`: see Actor
  std::string address{}, user_agent{};
};

struct AuditQuery {
  std::int64_t before = 0;  // entries with a smaller number; 0: the newest
  std::string kind{}, sub{};
  std::optional<Sid> sid{};
  std::size_t entries_max = 100;
};

struct AuditHead {
  std::int64_t number = 0;
  Digest hash{};

  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

// How far a verification has come. It is done in pieces, so that it holds up nobody.
struct AuditCheck {
  std::int64_t broken_at = 0;  // the number of the first entry that is not as it was written; 0: none
  std::string what{};          // and what is wrong with it
  bool is_done = false;
  AuditHead reached{};      // everything up to it is as it was written
  std::int64_t first = 0;   // the oldest entry there is; those before it were forgotten after their time
  std::int64_t erased = 0;  // entries whose data was erased
};

class Audit {
 public:
  virtual ~Audit() = default;
  // The newest first.
  virtual void list_audit(AuditQuery, Completion<std::vector<AuditEntry>> done) = 0;
  // Verifies the next entries after `so_far.reached`, at most `entries_max`; call it until is_done or broken_at.
  virtual void verify_audit(AuditCheck so_far, std::size_t entries_max, Completion<AuditCheck> done) = 0;
  // Erases what the entries tell of a user; the number of entries. The chain stays whole.
  virtual void erase_audit_of(std::string sub, Completion<std::int64_t> done, Actor by = {}) = 0;
  // Forgets the oldest entries, those before `time`, at most `entries_max`; the number. The chain begins later then.
  virtual void forget_audit_before(StoreTime time, std::size_t entries_max, Completion<std::int64_t> done) = 0;
};

}  // namespace jeton::store
