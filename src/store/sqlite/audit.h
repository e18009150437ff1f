// Audit: one row for each change of state, in the transaction that makes it. Refreshes are not changes of state.
#pragma once

#include <optional>
#include <string_view>

#include "store/sessions.h"
#include "store/sqlite/connection.h"

namespace jeton::store::sqlite {

struct AuditEvent {
  std::string_view kind;  // "signed_in", "refresh_token_reused", …
  std::string_view sub{};
  std::optional<Sid> sid{};
  std::string_view detail{};
};

void append_audit(Connection&, const AuditEvent&);

// How a reason is spelled in the audit.
std::string_view to_text(EndReason reason);

}  // namespace jeton::store::sqlite
