// The audit from the inside of other groups' transactions: see store/audit.h.
#pragma once

#include <optional>
#include <string_view>

#include "store/sessions.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

struct AuditEvent {
  std::string_view kind;   // "signed_in", "refresh_token_reused", …
  std::string_view sub{};  // whom it concerns
  std::optional<Sid> sid{};
  std::string_view detail{};
  std::string_view actor{};    // who did it, where it was not `sub`: a client, an operator
  std::string_view address{};  // where the request came from
  std::string_view user_agent{};
};

void append_audit(Connection&, const AuditEvent&);

// Within a group that erases a user: what the entries tell of it goes, the chain stays. The number of entries.
std::int64_t erase_audit_of(Connection&, std::string_view sub);

// How a reason is spelled in the audit.
std::string_view to_text(EndReason reason);

}  // namespace jeton::store::sqlite
